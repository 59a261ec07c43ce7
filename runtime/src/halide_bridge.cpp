#include "halide_bridge.h"

#include <HalideRuntime.h>

#include "integers.h"
#include "problem.h"

namespace sepconv::internal {
namespace {

constexpr int max_rank = SEPCONV_MAX_SPATIAL_RANK;
constexpr int max_dimensions = max_rank + 2;

// With user_context.
constexpr int most_arguments = 1
#define SEPCONV_LEAF_QUANTISED
#define SEPCONV_LEAF_END_QUANTISED
#define SEPCONV_LEAF_INPUT(name, element, dimensions) +1
#define SEPCONV_LEAF_AXES +max_rank *(0
#define SEPCONV_LEAF_AXIS(name) +1
#define SEPCONV_LEAF_END_AXES )
#define SEPCONV_LEAF_NUMBER(type, name, field) +1
#define SEPCONV_LEAF_OUTPUT(name, dimensions, depthwise_dimensions) +1
#include "sepconv/leaf_arguments.inc"
    ;

// Compiled code has the numbers of 16 bits as their bits.
halide_type_t type_of(sepconv_dtype dtype) {
  if (is_half(dtype)) return halide_type_t(halide_type_uint, 16);
#define SEPCONV_DTYPE_WORD(value, name, variant_name, code, bits) halide_type_t(halide_type_##code, bits),
  static const halide_type_t types[] = {
#include "sepconv/words.inc"
  };
  return types[dtype];
}

// A buffer over memory of the caller's; dimensions are added innermost first.
class View {
 public:
  View(const void* host, sepconv_dtype dtype) : buffer_{} {
    buffer_.host = static_cast<uint8_t*>(const_cast<void*>(host));
    buffer_.type = type_of(dtype);
    buffer_.dim = dimensions_;
  }
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  void add(int32_t min, int32_t extent, int32_t pitch) {
    dimensions_[buffer_.dimensions++] = halide_dimension_t(min, extent, pitch);
  }
  // Adds a dimension right outside the last one, without a gap.
  void add_dense(int32_t extent) { add_part(extent, 0, extent); }
  // The same, of which only `extent` from `first` on are shown, as 0 and up.
  void add_part(int32_t whole, int32_t first, int32_t extent) {
    buffer_.host += static_cast<int64_t>(first) * dense_ * buffer_.type.bytes();
    add(0, extent, dense_);
    dense_ *= whole;
  }

  halide_buffer_t* get() { return &buffer_; }

 private:
  halide_buffer_t buffer_;
  halide_dimension_t dimensions_[max_dimensions];
  int32_t dense_ = 1;
};

// The output or the residual of a variant with a pointwise stage.
void add_pixels(View& view, const sepconv_variant& variant, const LeafCall& call, int32_t pitch) {
  if (variant.layout == SEPCONV_LAYOUT_CHANNELS_FIRST) {
    view.add(0, call.output_pixels, 1);
    view.add(0, call.out_channels, pitch);
  } else {
    view.add(0, call.out_channels, 1);
    view.add(0, call.output_pixels, pitch);
  }
}

// The output of a variant without one: channel c * M + m is (m, c).
void add_split_pixels(View& view, const sepconv_variant& variant, const LeafCall& call) {
  const int32_t multiplier = call.depth_multiplier;
  if (variant.layout == SEPCONV_LAYOUT_CHANNELS_FIRST) {
    view.add(0, call.output_pixels, 1);
    view.add(0, multiplier, call.output_pitch);
    view.add(0, call.in_channels, narrow_pitch(int64_t{call.output_pitch} * multiplier));
  } else {
    view.add(0, multiplier, 1);
    view.add(0, call.in_channels, multiplier);
    view.add(0, call.output_pixels, call.output_pitch);
  }
}

}  // namespace

int call_variant(const sepconv_variant& variant, const LeafCall& call) {
  const int rank = variant.spatial_rank;
  const bool channels_first = variant.layout == SEPCONV_LAYOUT_CHANNELS_FIRST;
  const bool quantised = is_quantised(variant.weight_dtype);
  const sepconv_dtype bias = quantised ? SEPCONV_DTYPE_I32 : variant.weight_dtype;
  View input(call.input, variant.input_dtype), depthwise(call.depthwise, variant.weight_dtype),
      mid_bias(call.mid_bias, bias), pointwise(call.pointwise, variant.weight_dtype), out_bias(call.out_bias, bias),
      mid_scale(call.mid_scale, SEPCONV_DTYPE_I32), out_scale(call.out_scale, SEPCONV_DTYPE_I32),
      residual(call.residual, variant.output_dtype), output(call.output, variant.output_dtype);
  if (!channels_first) input.add(0, call.in_channels, call.input_channel_pitch);
  depthwise.add_dense(variant.chunk_channels);
  for (int i = rank - 1; i >= 0; --i) {
    const LeafAxis& axis = call.axis[i];
    input.add(axis.input_min, axis.input_extent, axis.input_pitch);
    depthwise.add_part(axis.kernel_extent, axis.first_tap, axis.taps);
  }
  if (channels_first) input.add(0, call.in_channels, call.input_channel_pitch);
  depthwise.add_dense(call.chunks);
  mid_bias.add_dense(call.packed_channels);
  const int32_t group = quantised ? variant.dot_group : 1;
  pointwise.add_dense(variant.panel_channels * group);
  pointwise.add_dense(call.packed_channels / group);
  pointwise.add_dense(call.panels);
  if (quantised) {
    mid_scale.add_dense(call.packed_channels);
    mid_scale.add_dense(2);
    out_scale.add(0, call.panels * variant.panel_channels, 1);
    out_scale.add(0, 2, call.scale_length);
  }
  out_bias.add_dense(call.panels * variant.panel_channels);
  add_pixels(residual, variant, call, call.residual_pitch);
  if (variant.stages == SEPCONV_STAGES_DEPTHWISE) {
    add_split_pixels(output, variant, call);
  } else {
    add_pixels(output, variant, call, call.output_pitch);
  }

  void* arguments[most_arguments];
  void** next = arguments;
  const auto pass = [&next](const void* argument) { *next++ = const_cast<void*>(argument); };
  pass(&call.arena);
#define SEPCONV_LEAF_QUANTISED if (quantised) {
#define SEPCONV_LEAF_END_QUANTISED }
#define SEPCONV_LEAF_INPUT(name, element, dimensions) pass(name.get());
#define SEPCONV_LEAF_AXES for (int i = rank - 1; i >= 0; --i) {
#define SEPCONV_LEAF_AXIS(name) pass(&call.axis[i].name);
#define SEPCONV_LEAF_END_AXES }
#define SEPCONV_LEAF_NUMBER(type, name, field) pass(&call.field);
#define SEPCONV_LEAF_OUTPUT(name, dimensions, depthwise_dimensions) pass(name.get());
#include "sepconv/leaf_arguments.inc"
  return variant.entry(arguments);
}

}  // namespace sepconv::internal
