# THE MANIFEST: the variants of the default library, one line each; the name is the row. In each group the rows that fix more come
# first; the last row of a group fixes nothing and takes every legal problem. Grammar: variant_name.h. What a row is compiled with:
# the defaults of its target's schedule (schedules/), then tuning/<target>.json.

sepconv_variants(
  # One spatial axis, channels last.
  1d_f32_nwc_s1d1m1
  1d_f32_nwc_any
  # Two spatial axes, channels last.
  2d_f32_nhwc_k3s1d1m1
  2d_f32_nhwc_k3s2d1m1
  2d_f32_nhwc_k5s1d1m1
  2d_f32_nhwc_k5s2d1m1
  2d_f32_nhwc_any
)

# Rows on the targets of the last resort: one a group, no more.
sepconv_variants(1d_f32_nwc_any 2d_f32_nhwc_any TARGETS portable)
