# THE MANIFEST of GPU rows, as variants.cmake is that of the processors'. Of two rows that fix the same, dispatch estimates which does
# less: fused ones compute the depthwise stage for each panel of output channels again, split ones send it through memory.
get_property(gpu_targets GLOBAL PROPERTY SEPCONV_TARGETS_gpu)
sepconv_variants(
  MANIFEST SEPCONV_GPU_MANIFEST
  1d_f32_nwc_any
  1d_f32_nwc_any_split
  2d_f32_nhwc_k3s1d1m1
  2d_f32_nhwc_k3s2d1m1
  2d_f32_nhwc_k5s1d1m1
  2d_f32_nhwc_any
  2d_f32_nhwc_any_split
  3d_f32_ndhwc_any
  3d_f32_ndhwc_any_split
  1d_f32_ncw_any
  1d_f32_ncw_any_split
  2d_f32_nchw_k3s1d1m1
  2d_f32_nchw_any
  2d_f32_nchw_any_split
  3d_f32_ncdhw_any
  3d_f32_ncdhw_any_split
  1d_f16_nwc_any
  2d_f16_nhwc_k3s1d1m1
  2d_f16_nhwc_k3s2d1m1
  2d_f16_nhwc_any
  2d_f16_nhwc_any_split
  3d_f16_ndhwc_any
  1d_f16_ncw_any
  2d_f16_nchw_any
  2d_f16_nchw_any_split
  3d_f16_ncdhw_any
  1d_bf16_nwc_any
  2d_bf16_nhwc_k3s1d1m1
  2d_bf16_nhwc_k3s2d1m1
  2d_bf16_nhwc_any
  2d_bf16_nhwc_any_split
  3d_bf16_ndhwc_any
  1d_bf16_ncw_any
  2d_bf16_nchw_any
  2d_bf16_nchw_any_split
  3d_bf16_ncdhw_any
  TARGETS ${gpu_targets}
)
