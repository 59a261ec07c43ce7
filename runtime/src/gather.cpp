#include "gather.h"

#include <string.h>

#include <type_traits>

#include "integers.h"

namespace sepconv::internal {
namespace {

// How the copy lies in memory: elements from one channel, and from one sample of each axis, to the next.
TensorPitch copy_pitch(const Geometry& g, const Strip& strip, int64_t width) {
  const bool channels_last = g.problem.layout == SEPCONV_LAYOUT_CHANNELS_LAST;
  TensorPitch pitch = {};
  int64_t dense = channels_last ? g.problem.in_channels : 1;
  for (int axis = g.rank - 1; axis >= 0; --axis) {
    pitch.axis[axis] = dense;
    dense *= axis == g.rank - 1 ? width : strip.in_extent[axis];
  }
  pitch.channel = channels_last ? 1 : dense;
  return pitch;
}

// Calls visit(element of the input, element of the copy) for the row of every sample of the axes outside.
template <typename Visit>
void for_each_row(const Geometry& g, const Strip& strip, const TensorPitch& copy, Visit visit) {
  int64_t rows = 1;
  for (int axis = 0; axis < g.rank - 1; ++axis) rows *= strip.in_extent[axis];
  for (int64_t row = 0; row < rows; ++row) {
    int64_t rest = row, from = 0, to = 0;
    for (int axis = g.rank - 2; axis >= 0; --axis) {
      const int64_t at = rest % strip.in_extent[axis];
      from += at * strip.in_step[axis] * g.input_pitch.axis[axis];
      to += at * copy.axis[axis];
      rest /= strip.in_extent[axis];
    }
    visit(from, to);
  }
}

// The copy of one row. A sample is `size` bytes in one piece; a compiler that knows how many makes it a move.
template <typename Size>
void copy_row(const Geometry& g, const Strip& strip, const GatheredRun& run, Size size, int64_t sample_bytes,
              const char* from, char* to) {
  const int x = g.rank - 1;
  for (int64_t pixel = run.pixels.begin; pixel < run.pixels.begin + run.pixels.length; ++pixel) {
    const int64_t begin = (strip.min[x] + pixel) * g.stride[x] - g.pad_before[x];
    for (int64_t tap = run.taps.begin; tap < run.taps.begin + run.taps.length; ++tap, to += size) {
      memcpy(to, from + (begin + tap * g.dilation[x]) * sample_bytes, size);
    }
  }
}

}  // namespace

bool can_gather(const Geometry& g, const sepconv_variant& variant) {
  const int x = g.rank - 1;
  for (int axis = 0; axis < g.rank; ++axis) {
    if (variant.in_extent[axis] != 0) return false;
  }
  return variant.kernel_extent[x] == 0 && variant.stride[x] == 0 && variant.dilation[x] == 0;
}

Geometry gathered_geometry(const Geometry& geometry) {
  Geometry g = geometry;
  const int x = g.rank - 1;
  const int64_t taps = g.problem.kernel_extent[x];
  g.in_extent[x] = saturating_multiply(g.out_extent[x], taps);
  g.pad_before[x] = g.pad_after[x] = 0;
  g.stride[x] = g.reach[x] = taps;
  g.dilation[x] = 1;
  g.input_pitch.axis[x] = g.problem.layout == SEPCONV_LAYOUT_CHANNELS_LAST ? g.problem.in_channels : 1;
  return g;
}

int64_t gathered_bytes(const Geometry& g, const sepconv_variant& variant, int64_t outputs) {
  int64_t samples = saturating_multiply(outputs, g.problem.kernel_extent[g.rank - 1]);
  for (int axis = 0; axis < g.rank - 1; ++axis) {
    samples = saturating_multiply(samples, seen_samples(g, variant, axis, 1, 1));
  }
  return saturating_multiply(saturating_multiply(samples, g.problem.in_channels), dtype_size(g.problem.input_dtype));
}

GatheredRun run_from(const Geometry& g, const Strip& strip, int64_t pixel) {
  const int x = g.rank - 1;
  const auto taps_of = [&](int64_t at) {
    const int64_t begin = (strip.min[x] + at) * g.stride[x] - g.pad_before[x];
    return taps_inside(g, x, begin, begin);
  };
  GatheredRun run = {{pixel, 1}, taps_of(pixel)};
  for (; pixel + run.pixels.length < strip.extent[x]; ++run.pixels.length) {
    const Part next = taps_of(pixel + run.pixels.length);
    if (next.begin != run.taps.begin || next.length != run.taps.length) break;
  }
  return run;
}

void gather(const Geometry& g, const Strip& strip, const GatheredRun& run, const char* input, char* copy,
            LeafCall* call) {
  const int x = g.rank - 1;
  const int64_t element = dtype_size(g.problem.input_dtype), taps = larger<int64_t>(run.taps.length, 1);
  // Where nothing is read, the image is one sample behind zeros.
  const bool empty = run.taps.length == 0;
  const int64_t width = empty ? 1 : run.pixels.length * taps;
  const TensorPitch pitch = copy_pitch(g, strip, width);
  for_each_row(g, strip, pitch, [&](int64_t from, int64_t to) {
    const int64_t sample = g.input_pitch.axis[x] * element;
    if (g.problem.layout == SEPCONV_LAYOUT_CHANNELS_LAST) {
      const size_t size = static_cast<size_t>(g.problem.in_channels * element);
      if (empty) {
        memset(copy + to * element, 0, size);
      } else {
        copy_row(g, strip, run, size, sample, input + from * element, copy + to * element);
      }
      return;
    }
    for (int64_t channel = 0; channel < g.problem.in_channels; ++channel) {
      const char* const row = input + (from + channel * g.input_pitch.channel) * element;
      char* const row_copy = copy + (to + channel * pitch.channel) * element;
      if (empty) {
        memset(row_copy, 0, static_cast<size_t>(element));
      } else if (element == 4) {
        copy_row(g, strip, run, std::integral_constant<size_t, 4>{}, sample, row, row_copy);
      } else {
        copy_row(g, strip, run, static_cast<size_t>(element), sample, row, row_copy);
      }
    }
  });
  call->input = copy;
  call->input_channel_pitch = narrow_pitch(pitch.channel);
  for (int axis = 0; axis < g.rank; ++axis) call->axis[axis].input_pitch = narrow_pitch(pitch.axis[axis]);
  LeafAxis& along = call->axis[x];
  along.stride = empty ? 1 : static_cast<int32_t>(taps);
  along.dilation = 1;
  along.pad_before = empty ? static_cast<int32_t>(run.pixels.length) : 0;
  along.strip_min = along.input_min = 0;
  along.strip_extent = static_cast<int32_t>(run.pixels.length);
  along.input_extent = static_cast<int32_t>(width);
  along.first_tap = empty ? 0 : static_cast<int32_t>(run.taps.begin);
  along.taps = static_cast<int32_t>(taps);
}

}  // namespace sepconv::internal
