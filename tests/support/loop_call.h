// How a variant of plain loops is called: what it is compiled with, the arguments of a call, and whether they keep the
// contract of variant_table.h.
#ifndef SEPCONV_TESTS_SUPPORT_LOOP_CALL_H
#define SEPCONV_TESTS_SUPPORT_LOOP_CALL_H

#include <HalideRuntime.h>

#include <algorithm>
#include <limits>
#include <type_traits>
#include <vector>

#include "quantise.h"
#include "scratch.h"
#include "support/loop_variant.h"

namespace sepconv::test::loop {

// What a variant's entry is compiled with; 0 means "any".
struct Compiled {
  int rank, tile_pixels, depthwise_tile;
  int chunk, panel;
  int stride, dilation, taps, multiplier, in_channels, out_channels, width;
};

// The kind of a variant, in the terms of variant_table.h.
enum Kind : int { kLast = 0, kFirst = 1, kDepthwise = 2 };  // bits

// One block of the task's arena, as Halide would hold it.
template <typename T>
class Block {
 public:
  Block(void* arena, int64_t elements)
      : arena_(arena),
        data_(static_cast<T*>(sepconv_scratch_malloc(arena, static_cast<size_t>(elements) * sizeof(T)))) {
    // The contract lets a variant read 64 bytes on either side.
    constexpr int64_t guard = 64 / static_cast<int64_t>(sizeof(T));
    volatile T sink = 0;
    if (data_ != nullptr && elements > 0) sink = data_[-guard] + data_[elements + guard - 1];
    (void)sink;
    // No value is there before it is computed.
    if (data_ != nullptr) std::fill(data_, data_ + elements, std::numeric_limits<T>::quiet_NaN());
  }
  ~Block() { release(); }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  void release() { sepconv_scratch_free(arena_, data_), data_ = nullptr; }
  int failure() const {
    if (data_ == nullptr) return loop_out_of_scratch;
    return reinterpret_cast<uintptr_t>(data_) % 64 == 0 ? 0 : loop_unaligned_block;
  }
  T& operator[](int64_t i) const { return data_[i]; }

 private:
  void* arena_;
  T* data_;
};

struct Axis {
  int64_t stride, dilation, pad_before, strip_min, strip_extent;
  int64_t taps, input_min, input_extent, input_pitch;
};

// The arguments of a call, read in the order of leaf_arguments.inc. Axis 0 is x.
struct Call {
  void* arena;
  const halide_buffer_t *input, *depthwise, *mid_bias, *pointwise, *out_bias, *residual;
  Axis axis[3];
  int64_t in_channels, channel_pitch;
  int64_t depth_multiplier, sum_channels, sum_block;
  uint64_t ahead;  // nothing that a result depends on
  int64_t ahead_lines, output_is_large;
  sepconv_activation in, mid, out;
  const halide_buffer_t *mid_scale = nullptr, *out_scale = nullptr;  // of int8, of which there is no plain loop
  internal::QuantisedNumbers quantised = {};
  halide_buffer_t* output;

  Call(void** argv, int rank, bool channels_first, bool integers = false) {
    for (Axis& a : axis) a = {1, 1, 0, 0, 1, 1, 0, 1, 0};
    arena = *static_cast<void**>(*argv++);
#define SEPCONV_LEAF_QUANTISED if (integers) {
#define SEPCONV_LEAF_END_QUANTISED }
#define SEPCONV_LEAF_INPUT(name, element, dimensions) name = static_cast<const halide_buffer_t*>(*argv++);
#define SEPCONV_LEAF_AXES for (int i = 0; i < rank; ++i) {
#define SEPCONV_LEAF_AXIS(name) axis[i].name = *static_cast<const int32_t*>(*argv++);
#define SEPCONV_LEAF_END_AXES }
#define SEPCONV_LEAF_NUMBER(type, name, field) field = static_cast<decltype(field)>(*static_cast<const type*>(*argv++));
#define SEPCONV_LEAF_OUTPUT(name, dimensions, depthwise_dimensions) name = static_cast<halide_buffer_t*>(*argv++);
#include "sepconv/leaf_arguments.inc"
    const halide_dimension_t& channel = input->dim[channels_first ? rank : 0];
    in_channels = channel.min == 0 ? channel.extent : 0;
    channel_pitch = channel.stride;
    for (int i = 0; i < rank; ++i) {
      const halide_dimension_t& dim = input->dim[channels_first ? i : i + 1];
      axis[i].taps = depthwise->dim[1 + i].extent;
      axis[i].input_min = dim.min;
      axis[i].input_extent = dim.extent;
      axis[i].input_pitch = dim.stride;
    }
  }
};

// Floats of 16 bits are passed as their bits, and computed with in float32.
template <typename T>
constexpr bool is_half_type = sizeof(T) == sizeof(uint16_t);
template <typename T>
using Computed = std::conditional_t<is_half_type<T>, float, T>;
template <typename T>
halide_type_t halide_type_of_element() {
  return halide_type_t(is_half_type<T> ? halide_type_uint : halide_type_float, 8 * sizeof(T));
}

template <typename T>
const T* data_of(const halide_buffer_t* buffer) {
  return reinterpret_cast<const T*>(buffer->host);
}

// Whether a buffer is a dense tensor of T of these extents, innermost first, with every min 0.
template <typename T>
bool is_dense(const halide_buffer_t* buffer, const std::vector<int64_t>& extents) {
  if (buffer->host == nullptr || buffer->device != 0 || buffer->flags != 0) return false;
  if (buffer->type != halide_type_of_element<T>()) return false;
  if (buffer->dimensions != static_cast<int>(extents.size())) return false;
  int64_t pitch = 1;
  for (size_t i = 0; i < extents.size(); ++i) {
    const halide_dimension_t& dim = buffer->dim[i];
    if (dim.min != 0 || dim.extent != extents[i] || dim.stride != pitch) return false;
    pitch *= extents[i];
  }
  return true;
}

// Whether the depthwise kernel has the extents and pitches of the contract. A variant that fixes no taps may be shown a
// part of a larger kernel.
template <typename T>
bool is_kernel(const Call& call, const Compiled& variant, int64_t chunks) {
  const halide_buffer_t* buffer = call.depthwise;
  if (buffer->host == nullptr || buffer->type != halide_type_of_element<T>()) return false;
  if (buffer->dimensions != variant.rank + 2) return false;
  int64_t least = 1;
  for (int i = 0; i < buffer->dimensions; ++i) {
    const halide_dimension_t& dim = buffer->dim[i];
    const int64_t extent = i == 0 ? variant.chunk : i <= variant.rank ? call.axis[i - 1].taps : chunks;
    const bool dense = i < 2 || variant.taps != 0;
    if (dim.min != 0 || dim.extent != extent || dim.stride < least || (dense && dim.stride != least)) return false;
    least = dim.stride * extent;
  }
  return true;
}

// The output or the residual of a call: element (f, p) is data[f * channel + p * pixel].
template <typename T>
struct Pixels {
  T* data;
  int64_t channels, pixels, channel, pixel;
  bool good;  // mins 0, the innermost dimension dense

  Pixels(const halide_buffer_t* buffer, int kind) : data(reinterpret_cast<T*>(buffer->host)) {
    const bool first = (kind & kFirst) != 0;
    const int outer = buffer->dimensions - 1;
    const halide_dimension_t &p = buffer->dim[first ? 0 : outer], &c = buffer->dim[first ? outer : outer - 1];
    good = buffer->host != nullptr && buffer->type == halide_type_of_element<T>() &&
           buffer->dimensions == ((kind & kDepthwise) != 0 ? 3 : 2) && buffer->dim[0].stride == 1;
    for (int i = 0; i <= outer; ++i) good = good && buffer->dim[i].min == 0;
    pixels = p.extent;
    pixel = p.stride;
    channels = c.extent;
    channel = c.stride;
    if ((kind & kDepthwise) == 0) return;
    // c * M + m
    const halide_dimension_t& m = buffer->dim[first ? 1 : 0];
    good = good && (c.extent == 1 || c.stride == int64_t{m.extent} * m.stride);
    channels *= m.extent;
    channel = m.stride;
  }
};

template <typename T>
int check(const Call& call, const Compiled& variant, int kind, int64_t pixels) {
  const int64_t in_channels = call.in_channels;
  const int64_t chunks = (in_channels + variant.chunk - 1) / variant.chunk * call.depth_multiplier,
                channels = chunks * variant.chunk;
  const Pixels<T> output(call.output, kind), residual(call.residual, kind & kFirst);
  const bool summed = (kind & kDepthwise) == 0;
  if (!is_kernel<T>(call, variant, chunks) || !is_dense<T>(call.mid_bias, {channels}) ||
      call.input->dimensions != variant.rank + 1 || in_channels <= 0 || call.input->dim[0].stride != 1 ||
      !output.good) {
    return loop_bad_buffer;
  }
  if (summed) {
    const int64_t panels = call.pointwise->dim[2].extent, outputs = output.channels;
    if (!is_dense<T>(call.pointwise, {variant.panel, channels, panels}) ||
        !is_dense<T>(call.out_bias, {panels * variant.panel}) || outputs <= (panels - 1) * variant.panel ||
        outputs > panels * variant.panel || !residual.good || residual.channels != outputs ||
        residual.pixels != output.pixels) {
      return loop_bad_buffer;
    }
  } else if (output.channels != in_channels * call.depth_multiplier) {
    return loop_bad_buffer;
  }
  if (variant.multiplier != 0 && call.depth_multiplier != variant.multiplier) return loop_bad_buffer;
  if (variant.in_channels != 0 && in_channels != variant.in_channels) return loop_bad_buffer;
  const int64_t sum = call.depth_multiplier == 1 ? (in_channels + 3) / 4 * 4 : channels;
  if (call.sum_channels != sum || call.sum_block <= 0 ||
      call.sum_block % (variant.chunk * call.depth_multiplier) != 0) {
    return loop_bad_sum;
  }
  for (int i = 0; i < variant.rank; ++i) {
    const Axis& axis = call.axis[i];
    if (axis.strip_extent <= 0 || axis.strip_min < 0 || axis.input_extent <= 0 || axis.input_min < 0)
      return loop_bad_strip;
    if (axis.stride <= 0 || axis.dilation <= 0 || axis.taps <= 0) return loop_bad_strip;
    if (variant.stride != 0 && axis.stride != variant.stride) return loop_bad_strip;
    if (variant.dilation != 0 && axis.dilation != variant.dilation) return loop_bad_strip;
    if (variant.taps != 0 && axis.taps != variant.taps) return loop_bad_strip;
  }
  // Variants with a fixed in_extent see whole rows.
  if (variant.width != 0 && (call.axis[0].input_min != 0 || call.axis[0].input_extent != variant.width))
    return loop_bad_strip;
  if (output.pixels < pixels || output.pixels < variant.tile_pixels) return loop_small_output;
  return 0;
}

}  // namespace sepconv::test::loop

#endif
