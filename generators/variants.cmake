# THE MANIFEST: the variants of the default library, one line each; the name is the row. In each group the rows that fix more come
# first; the last row of a group fixes nothing and takes every legal problem. Grammar: variant_name.h. What a row is compiled with:
# the defaults of its target's schedule (schedules/), then tuning/<target>.json.

sepconv_variants(
  # One spatial axis, channels last and first.
  1d_f32_nwc_s1d1m1
  1d_f32_nwc_any
  1d_f32_ncw_any
  # Two spatial axes, channels last.
  2d_f32_nhwc_k3s1d1m1
  2d_f32_nhwc_k3s2d1m1
  2d_f32_nhwc_k5s1d1m1
  2d_f32_nhwc_k5s2d1m1
  2d_f32_nhwc_any
  # Two spatial axes, channels first.
  2d_f32_nchw_k3s1d1m1
  2d_f32_nchw_k3s2d1m1
  2d_f32_nchw_any
  # Three spatial axes.
  3d_f32_ndhwc_k3s1d1m1
  3d_f32_ndhwc_any
  3d_f32_ncdhw_any
)

# What every target has, so that no legal problem is refused: a row that fixes nothing for each group of type and layout, and the
# depthwise stage by itself.
set(last_rows "")
foreach(type IN ITEMS f32 f64)
  foreach(layout IN ITEMS 1d:nwc 2d:nhwc 3d:ndhwc 1d:ncw 2d:nchw 3d:ncdhw)
    string(REPLACE ":" "_${type}_" group "${layout}")
    list(APPEND last_rows ${group}_any ${group}_any_depthwise)
  endforeach()
endforeach()
sepconv_variants(${last_rows} TARGETS portable)

list(FILTER last_rows EXCLUDE REGEX "f32_[a-z]+_any$") # these are above
set(depthwise_rows ${last_rows})
list(FILTER depthwise_rows INCLUDE REGEX f32)
sepconv_variants(${depthwise_rows})

# float64 is for tests and for accuracy: one target of each processor is enough.
list(FILTER last_rows EXCLUDE REGEX f32)
get_property(targets GLOBAL PROPERTY SEPCONV_TARGETS)
list(REMOVE_ITEM targets portable x86_avx512)
sepconv_variants(${last_rows} TARGETS ${targets})
