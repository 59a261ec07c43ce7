# THE MANIFEST: the variants of the default library, one line each; the name is the row. In each group the rows that fix more come
# first, and before them those for large pointwise kernels (large_weights); the last row of a group fixes nothing and takes every legal problem.
# Grammar: variant_name.h. What a row is compiled with: the defaults of its target's schedule (schedules/), then tuning/<target>.json.

sepconv_variants(
  # One spatial axis, channels last.
  1d_f32_nwc_s1d1m1
  1d_f32_nwc_any
  # Two spatial axes, channels last.
  2d_f32_nhwc_k3s1d1m1
  2d_f32_nhwc_k3s2d1m1
  2d_f32_nhwc_k5s1d1m1
  2d_f32_nhwc_any
  # Three spatial axes, channels last.
  3d_f32_ndhwc_k3s1d1m1
  3d_f32_ndhwc_any
)

# Channels in whole vectors, where the schedule lets the taps read the input itself; a 5x5 row with stride 2 that copies it first is
# no faster than one that fixes nothing.
get_property(direct_targets GLOBAL PROPERTY SEPCONV_TARGETS_all)
set(copying_targets ${direct_targets})
list(FILTER direct_targets INCLUDE REGEX "^x86_")
list(FILTER copying_targets EXCLUDE REGEX "^x86_")
if(direct_targets)
  sepconv_variants(
    2d_f32_nhwc_k3s2d1m1cdiv32
    2d_f32_nhwc_k5s2d1m1cdiv32
    2d_f32_nhwc_cdiv32
    3d_f32_ndhwc_cdiv32
    # Pointwise kernels larger than a core's caches: which taps go before them hardly counts.
    2d_f32_nhwc_m1_large_weights
    3d_f32_ndhwc_m1_large_weights
    TARGETS ${direct_targets}
  )
endif()
if(copying_targets)
  sepconv_variants(2d_f32_nhwc_k5s2d1m1 TARGETS ${copying_targets})
endif()

# Channels first, vectors run along the pixels, and short ones suit small images: rows for wider vectors would not be faster.
get_property(narrow_targets GLOBAL PROPERTY SEPCONV_TARGETS_all)
list(REMOVE_ITEM narrow_targets x86_avx512)
if(narrow_targets)
  sepconv_variants(
    1d_f32_ncw_any
    2d_f32_nchw_k3s1d1m1
    2d_f32_nchw_k3s2d1m1
    2d_f32_nchw_any
    3d_f32_ncdhw_any
    TARGETS ${narrow_targets}
  )
endif()

# What every target has, so that no legal problem is refused: a row that fixes nothing for each group of type and layout, and the
# depthwise stage by itself.
set(last_rows "")
foreach(type IN ITEMS f32 f64)
  foreach(
    layout
    IN
    ITEMS 1d:nwc 2d:nhwc 3d:ndhwc 1d:ncw 2d:nchw 3d:ncdhw
  )
    string(REPLACE ":" "_${type}_" group "${layout}")
    list(APPEND last_rows ${group}_any ${group}_any_depthwise)
  endforeach()
endforeach()
get_property(last_targets GLOBAL PROPERTY SEPCONV_TARGETS_last)
sepconv_variants(${last_rows} TARGETS portable ${last_targets})

# Targets that processors rarely end at, or that few programs use: float32 rows that fix nothing.
get_property(generic_targets GLOBAL PROPERTY SEPCONV_TARGETS_generic)
if(generic_targets)
  set(generic_rows ${last_rows})
  list(FILTER generic_rows INCLUDE REGEX "f32_[a-z]+_any$")
  sepconv_variants(${generic_rows} TARGETS ${generic_targets})
endif()

list(FILTER last_rows EXCLUDE REGEX "f32_[a-z]+_any$") # these are above
set(wide_rows ${last_rows})
list(FILTER wide_rows INCLUDE REGEX "f32_n[dh]*wc_any")
sepconv_variants(${wide_rows})

# float64 is for tests and for accuracy: one target of each processor is enough, as it is for channels first.
list(REMOVE_ITEM last_rows ${wide_rows})
if(narrow_targets)
  sepconv_variants(${last_rows} TARGETS ${narrow_targets})
endif()
