#include "support/loop_variant.h"

#include "support/halves.h"
#include "support/loop_compute.h"

namespace sepconv::test {

std::atomic<int> loop_scratch_percent{0};
std::atomic<int64_t> loop_calls{0};
std::atomic<int64_t> loop_fail_after{-1};
std::vector<LoopHints>* loop_hints = nullptr;
void (*loop_called)() = nullptr;

namespace {

using loop::Compiled;
using loop::kDepthwise;
using loop::kFirst;
using loop::kLast;

// A variant and its entry. The numbers reach the entry as a template's, as they reach a compiled variant.
template <typename T, int entry_kind, int... Numbers>
struct Entry {
  using Element = T;
  static constexpr int kind = entry_kind;
  static constexpr Compiled compiled = {Numbers...};
  static int call(void** argv) { return loop::run<T>(argv, compiled, kind); }
};

template <typename T>
constexpr sepconv_dtype dtype_of = SEPCONV_DTYPE_F32;
template <>
constexpr sepconv_dtype dtype_of<double> = SEPCONV_DTYPE_F64;
template <>
constexpr sepconv_dtype dtype_of<Float16> = SEPCONV_DTYPE_F16;
template <>
constexpr sepconv_dtype dtype_of<BFloat16> = SEPCONV_DTYPE_BF16;

template <typename EntryOf>
sepconv_variant make_variant(const char* name, int sum_block, int strip_pixels = 0, int height = 0) {
  constexpr Compiled compiled = EntryOf::compiled;
  sepconv_variant variant = {};
  variant.name = name;
  variant.target = "portable";
  variant.entry = EntryOf::call;
  variant.spatial_rank = compiled.rank;
  variant.layout = EntryOf::kind & kFirst ? SEPCONV_LAYOUT_CHANNELS_FIRST : SEPCONV_LAYOUT_CHANNELS_LAST;
  variant.stages = EntryOf::kind & kDepthwise ? SEPCONV_STAGES_DEPTHWISE : SEPCONV_STAGES_BOTH;
  variant.input_dtype = variant.weight_dtype = variant.output_dtype = dtype_of<typename EntryOf::Element>;
  variant.activations = compiled.multiplier == 0 ? 1 : 0;
  variant.input_activation = compiled.stride == 2 ? 0 : 1;
  for (int axis = 0; axis < compiled.rank; ++axis) {
    variant.kernel_extent[axis] = compiled.taps;
    variant.stride[axis] = compiled.stride;
    variant.dilation[axis] = compiled.dilation;
    variant.in_extent[axis] = axis == compiled.rank - 1 ? compiled.width : height;
  }
  variant.depth_multiplier = compiled.multiplier;
  variant.in_channels = compiled.in_channels;
  variant.out_channels = compiled.out_channels;
  variant.chunk_channels = compiled.chunk;
  variant.panel_channels = compiled.panel;
  variant.tile_pixels = compiled.tile_pixels;
  variant.depthwise_tile = compiled.depthwise_tile;
  variant.depthwise_rows = 1;
  variant.sum_block = sum_block;
  variant.strip_pixels = strip_pixels;
  return variant;
}

// One type's variants that fix nothing: every rank and layout, both stages and the depthwise one alone.
#define SEPCONV_LOOPS_THAT_FIX_NOTHING(T, type)                                                                      \
  make_variant<Entry<T, kLast, 1, 6, 4, 8, 8, 0, 0, 0, 0, 0, 0, 0>>("1d_" type "_nwc_any_loop_portable", 32),        \
      make_variant<Entry<T, kLast, 2, 6, 4, 8, 8, 0, 0, 0, 0, 0, 0, 0>>("2d_" type "_nhwc_any_loop_portable", 32),   \
      make_variant<Entry<T, kLast, 3, 6, 4, 8, 8, 0, 0, 0, 0, 0, 0, 0>>("3d_" type "_ndhwc_any_loop_portable", 32),  \
      make_variant<Entry<T, kFirst, 1, 8, 4, 4, 6, 0, 0, 0, 0, 0, 0, 0>>("1d_" type "_ncw_any_loop_portable", 32),   \
      make_variant<Entry<T, kFirst, 2, 8, 4, 4, 6, 0, 0, 0, 0, 0, 0, 0>>("2d_" type "_nchw_any_loop_portable", 32),  \
      make_variant<Entry<T, kFirst, 3, 8, 4, 4, 6, 0, 0, 0, 0, 0, 0, 0>>("3d_" type "_ncdhw_any_loop_portable", 32), \
      make_variant<Entry<T, kDepthwise, 1, 1, 4, 8, 8, 0, 0, 0, 0, 0, 0, 0>>(                                        \
          "1d_" type "_nwc_any_depthwise_loop_portable", 32),                                                        \
      make_variant<Entry<T, kDepthwise, 2, 1, 4, 8, 8, 0, 0, 0, 0, 0, 0, 0>>(                                        \
          "2d_" type "_nhwc_any_depthwise_loop_portable", 32),                                                       \
      make_variant<Entry<T, kDepthwise, 3, 1, 4, 8, 8, 0, 0, 0, 0, 0, 0, 0>>(                                        \
          "3d_" type "_ndhwc_any_depthwise_loop_portable", 32),                                                      \
      make_variant<Entry<T, kDepthwise | kFirst, 1, 8, 8, 4, 8, 0, 0, 0, 0, 0, 0, 0>>(                               \
          "1d_" type "_ncw_any_depthwise_loop_portable", 32),                                                        \
      make_variant<Entry<T, kDepthwise | kFirst, 2, 8, 8, 4, 8, 0, 0, 0, 0, 0, 0, 0>>(                               \
          "2d_" type "_nchw_any_depthwise_loop_portable", 32),                                                       \
      make_variant<Entry<T, kDepthwise | kFirst, 3, 8, 8, 4, 8, 0, 0, 0, 0, 0, 0, 0>>(                               \
          "3d_" type "_ncdhw_any_depthwise_loop_portable", 32)

}  // namespace

const sepconv_variant_table* loop_variants() {
  // Entry: type, kind, rank, tile_pixels, depthwise_tile, chunk, panel; stride, dilation, taps, multiplier, in and out
  // channels, width.
  static const sepconv_variant variants[] = {
      make_variant<Entry<float, kLast, 1, 6, 4, 16, 16, 0, 0, 0, 0, 0, 0, 0>>("1d_f32_nwc_any_loop_c16p16t6_portable",
                                                                              256),
      make_variant<Entry<float, kLast, 1, 5, 3, 4, 8, 0, 0, 0, 0, 0, 0, 0>>("1d_f32_nwc_any_loop_c4p8t5_portable", 8,
                                                                            7),
      make_variant<Entry<float, kLast, 1, 1, 1, 8, 4, 0, 0, 0, 0, 0, 0, 0>>("1d_f32_nwc_any_loop_c8p4t1_portable", 0),
      make_variant<Entry<float, kLast, 1, 4, 4, 8, 8, 2, 1, 3, 1, 0, 0, 0>>("1d_f32_nwc_k3s2d1m1_loop_c8p8t4_portable",
                                                                            16),
      make_variant<Entry<float, kLast, 1, 6, 2, 8, 8, 1, 1, 3, 1, 12, 20, 30>>(
          "1d_f32_nwc_k3s1d1m1c12o20e30_loop_c8p8t6_portable", 8, 12),
      make_variant<Entry<float, kLast, 2, 6, 4, 16, 16, 0, 0, 0, 0, 0, 0, 0>>("2d_f32_nhwc_any_loop_c16p16t6_portable",
                                                                              256),
      make_variant<Entry<float, kLast, 2, 5, 3, 4, 8, 0, 0, 0, 0, 0, 0, 0>>("2d_f32_nhwc_any_loop_c4p8t5_portable", 8,
                                                                            11),
      make_variant<Entry<float, kLast, 2, 1, 1, 8, 4, 0, 0, 0, 0, 0, 0, 0>>("2d_f32_nhwc_any_loop_c8p4t1_portable", 0),
      make_variant<Entry<float, kLast, 2, 12, 8, 8, 24, 0, 0, 0, 0, 0, 0, 0>>("2d_f32_nhwc_any_loop_c8p24t12_portable",
                                                                              16, 40),
      make_variant<Entry<float, kLast, 2, 4, 4, 8, 8, 2, 1, 3, 1, 0, 0, 0>>("2d_f32_nhwc_k3s2d1m1_loop_c8p8t4_portable",
                                                                            16),
      make_variant<Entry<float, kLast, 2, 6, 2, 8, 8, 1, 1, 3, 1, 12, 20, 14>>(
          "2d_f32_nhwc_k3s1d1m1c12o20e14x14_loop_c8p8t6_portable", 8, 5, 14),
      make_variant<Entry<float, kLast, 3, 6, 4, 16, 16, 0, 0, 0, 0, 0, 0, 0>>("3d_f32_ndhwc_any_loop_c16p16t6_portable",
                                                                              256),
      make_variant<Entry<float, kLast, 3, 5, 3, 4, 8, 0, 0, 0, 0, 0, 0, 0>>("3d_f32_ndhwc_any_loop_c4p8t5_portable", 8,
                                                                            11),
      make_variant<Entry<float, kFirst, 1, 16, 8, 4, 6, 0, 0, 0, 0, 0, 0, 0>>("1d_f32_ncw_any_loop_c4p6t16_portable",
                                                                              256),
      make_variant<Entry<float, kFirst, 2, 16, 8, 4, 6, 0, 0, 0, 0, 0, 0, 0>>("2d_f32_nchw_any_loop_c4p6t16_portable",
                                                                              8),
      make_variant<Entry<float, kFirst, 2, 8, 8, 4, 4, 2, 1, 3, 1, 0, 0, 0>>(
          "2d_f32_nchw_k3s2d1m1_loop_c4p4t8_portable", 8),
      make_variant<Entry<float, kFirst, 3, 16, 8, 4, 6, 0, 0, 0, 0, 0, 0, 0>>("3d_f32_ncdhw_any_loop_c4p6t16_portable",
                                                                              16),
      make_variant<Entry<float, kDepthwise, 1, 1, 4, 8, 8, 0, 0, 0, 0, 0, 0, 0>>(
          "1d_f32_nwc_any_depthwise_loop_portable", 32),
      make_variant<Entry<float, kDepthwise, 2, 1, 4, 8, 8, 0, 0, 0, 0, 0, 0, 0>>(
          "2d_f32_nhwc_any_depthwise_loop_portable", 32),
      make_variant<Entry<float, kDepthwise, 3, 1, 4, 8, 8, 0, 0, 0, 0, 0, 0, 0>>(
          "3d_f32_ndhwc_any_depthwise_loop_portable", 32),
      make_variant<Entry<float, kDepthwise | kFirst, 1, 8, 8, 4, 8, 0, 0, 0, 0, 0, 0, 0>>(
          "1d_f32_ncw_any_depthwise_loop_portable", 32),
      make_variant<Entry<float, kDepthwise | kFirst, 2, 8, 8, 4, 8, 0, 0, 0, 0, 0, 0, 0>>(
          "2d_f32_nchw_any_depthwise_loop_portable", 32),
      make_variant<Entry<float, kDepthwise | kFirst, 3, 8, 8, 4, 8, 0, 0, 0, 0, 0, 0, 0>>(
          "3d_f32_ncdhw_any_depthwise_loop_portable", 32),
      SEPCONV_LOOPS_THAT_FIX_NOTHING(double, "f64"),
      SEPCONV_LOOPS_THAT_FIX_NOTHING(Float16, "f16"),
      SEPCONV_LOOPS_THAT_FIX_NOTHING(BFloat16, "bf16"),
  };
  static const sepconv_variant_table table = {SEPCONV_VARIANT_ABI, sizeof(sepconv_variant), "loop_variants", variants,
                                              sizeof variants / sizeof variants[0]};
  return &table;
}

}  // namespace sepconv::test
