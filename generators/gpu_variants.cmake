# THE MANIFEST of the GPU variants, as variants.cmake is that of the processors'. Of two variants that fix the same, dispatch estimates
# which does less: fused ones compute the depthwise stage for each panel of output channels again, split ones send it through memory.
# gersemi: off
sepconv_variants(
  MANIFEST SEPCONV_GPU_MANIFEST
  1d_f32_nwc_any                   gpu
  1d_f32_nwc_any_split             gpu
  2d_f32_nhwc_k3s1d1m1             gpu
  2d_f32_nhwc_k3s2d1m1             gpu
  2d_f32_nhwc_k5s1d1m1             gpu
  2d_f32_nhwc_any                  gpu
  2d_f32_nhwc_any_split            gpu
  3d_f32_ndhwc_any                 gpu
  3d_f32_ndhwc_any_split           gpu
  1d_f32_ncw_any                   gpu
  1d_f32_ncw_any_split             gpu
  2d_f32_nchw_k3s1d1m1             gpu
  2d_f32_nchw_any                  gpu
  2d_f32_nchw_any_split            gpu
  3d_f32_ncdhw_any                 gpu
  3d_f32_ncdhw_any_split           gpu
  1d_f16_nwc_any                   gpu
  2d_f16_nhwc_k3s1d1m1             gpu
  2d_f16_nhwc_k3s2d1m1             gpu
  2d_f16_nhwc_any                  gpu
  2d_f16_nhwc_any_split            gpu
  3d_f16_ndhwc_any                 gpu
  1d_f16_ncw_any                   gpu
  2d_f16_nchw_any                  gpu
  2d_f16_nchw_any_split            gpu
  3d_f16_ncdhw_any                 gpu
  1d_bf16_nwc_any                  gpu
  2d_bf16_nhwc_k3s1d1m1            gpu
  2d_bf16_nhwc_k3s2d1m1            gpu
  2d_bf16_nhwc_any                 gpu
  2d_bf16_nhwc_any_split           gpu
  3d_bf16_ndhwc_any                gpu
  1d_bf16_ncw_any                  gpu
  2d_bf16_nchw_any                 gpu
  2d_bf16_nchw_any_split           gpu
  3d_bf16_ncdhw_any                gpu
)
# gersemi: on
