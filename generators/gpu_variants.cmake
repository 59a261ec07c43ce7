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
  TARGETS ${gpu_targets}
)
