# THE MANIFEST: the variants of the default library, one line each, and the groups of targets (cmake/SepconvTargets.cmake) that they
# are compiled for. The name is the variant; its grammar is in variant_name.h. What it is compiled with: the defaults of its target's
# schedule (schedules/), then tuning/<target>.json. Of two variants that fit a problem, dispatch takes the one that fixes more.
# gersemi: off
sepconv_variants(
  # Channels last.
  1d_f32_nwc_s1d1m1                scheduled
  1d_f32_nwc_any                   scheduled
  2d_f32_nhwc_k3s1d1m1             scheduled
  2d_f32_nhwc_k3s2d1m1             scheduled
  2d_f32_nhwc_k5s1d1m1             scheduled
  2d_f32_nhwc_any                  scheduled
  3d_f32_ndhwc_k3s1d1m1            scheduled
  3d_f32_ndhwc_any                 scheduled

  # Channels in whole vectors: the taps read the input itself.
  2d_f32_nhwc_k3s2d1m1cdiv32       direct_taps
  2d_f32_nhwc_k5s2d1m1cdiv32       direct_taps
  2d_f32_nhwc_cdiv32               direct_taps
  3d_f32_ndhwc_cdiv32              direct_taps

  # Pointwise kernels larger than a core's caches: which taps go before them hardly counts.
  2d_f32_nhwc_m1_large_weights     direct_taps
  3d_f32_ndhwc_m1_large_weights    direct_taps

  # Where the schedule lets the taps read the input, a 5x5 variant with stride 2 that copies it is no faster than one that fixes nothing.
  2d_f32_nhwc_k5s2d1m1             copied_taps

  # Channels first: vectors run along the pixels, and short ones suit small images; wider ones would not be faster.
  1d_f32_ncw_any                   short_vectors
  2d_f32_nchw_k3s1d1m1             short_vectors
  2d_f32_nchw_k3s2d1m1             short_vectors
  2d_f32_nchw_any                  short_vectors
  3d_f32_ncdhw_any                 short_vectors

  # The last of each rank, type and layout fix nothing, so that no legal problem is refused; depthwise, the same for that stage alone.
  # float64 is for tests and for accuracy.
  1d_f32_nwc_any                   portable,fallback
  1d_f32_nwc_any_depthwise         portable,scheduled
  2d_f32_nhwc_any                  portable,fallback
  2d_f32_nhwc_any_depthwise        portable,scheduled
  3d_f32_ndhwc_any                 portable,fallback
  3d_f32_ndhwc_any_depthwise       portable,scheduled
  1d_f32_ncw_any                   portable,fallback
  1d_f32_ncw_any_depthwise         portable,short_vectors
  2d_f32_nchw_any                  portable,fallback
  2d_f32_nchw_any_depthwise        portable,short_vectors
  3d_f32_ncdhw_any                 portable,fallback
  3d_f32_ncdhw_any_depthwise       portable,short_vectors
  1d_f64_nwc_any                   portable,short_vectors
  1d_f64_nwc_any_depthwise         portable,short_vectors
  2d_f64_nhwc_any                  portable,short_vectors
  2d_f64_nhwc_any_depthwise        portable,short_vectors
  3d_f64_ndhwc_any                 portable,short_vectors
  3d_f64_ndhwc_any_depthwise       portable,short_vectors
  1d_f64_ncw_any                   portable,short_vectors
  1d_f64_ncw_any_depthwise         portable,short_vectors
  2d_f64_nchw_any                  portable,short_vectors
  2d_f64_nchw_any_depthwise        portable,short_vectors
  3d_f64_ncdhw_any                 portable,short_vectors
  3d_f64_ncdhw_any_depthwise       portable,short_vectors

  # float16 and bfloat16, which are computed with in float32.
  1d_f16_nwc_any                   portable,scheduled
  1d_f16_nwc_any_depthwise         portable,short_vectors
  2d_f16_nhwc_any                  portable,scheduled
  2d_f16_nhwc_any_depthwise        portable,short_vectors
  3d_f16_ndhwc_any                 portable,short_vectors
  3d_f16_ndhwc_any_depthwise       portable,short_vectors
  1d_f16_ncw_any                   portable,short_vectors
  1d_f16_ncw_any_depthwise         portable,short_vectors
  2d_f16_nchw_any                  portable,short_vectors
  2d_f16_nchw_any_depthwise        portable,short_vectors
  3d_f16_ncdhw_any                 portable,short_vectors
  3d_f16_ncdhw_any_depthwise       portable,short_vectors
  2d_f16_nhwc_k3s1d1m1             scheduled
  2d_f16_nhwc_k3s2d1m1             scheduled
  2d_f16_nhwc_m1_large_weights     direct_taps
  1d_bf16_nwc_any                  portable,scheduled
  1d_bf16_nwc_any_depthwise        portable,short_vectors
  2d_bf16_nhwc_any                 portable,scheduled
  2d_bf16_nhwc_any_depthwise       portable,short_vectors
  3d_bf16_ndhwc_any                portable,short_vectors
  3d_bf16_ndhwc_any_depthwise      portable,short_vectors
  1d_bf16_ncw_any                  portable,short_vectors
  1d_bf16_ncw_any_depthwise        portable,short_vectors
  2d_bf16_nchw_any                 portable,short_vectors
  2d_bf16_nchw_any_depthwise       portable,short_vectors
  3d_bf16_ncdhw_any                portable,short_vectors
  3d_bf16_ncdhw_any_depthwise      portable,short_vectors
  2d_bf16_nhwc_k3s1d1m1            scheduled
  2d_bf16_nhwc_k3s2d1m1            scheduled
  2d_bf16_nhwc_m1_large_weights    direct_taps

  # int8, and uint8: the depthwise stage in float32, whose sums are exact, the pointwise one in products of integers.
  1d_i8_nwc_any                    portable,short_vectors
  1d_i8_nwc_any_depthwise          portable,short_vectors
  2d_i8_nhwc_any                   portable,short_vectors
  2d_i8_nhwc_any_depthwise         portable,short_vectors
  3d_i8_ndhwc_any                  portable,short_vectors
  3d_i8_ndhwc_any_depthwise        portable,short_vectors
  1d_i8_ncw_any                    portable,short_vectors
  1d_i8_ncw_any_depthwise          portable,short_vectors
  2d_i8_nchw_any                   portable,short_vectors
  2d_i8_nchw_any_depthwise         portable,short_vectors
  3d_i8_ncdhw_any                  portable,short_vectors
  3d_i8_ncdhw_any_depthwise        portable,short_vectors
  2d_i8_nhwc_k3s1d1m1              short_vectors
  2d_i8_nhwc_k3s2d1m1              short_vectors
)
# gersemi: on
