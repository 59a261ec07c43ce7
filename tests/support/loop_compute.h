// What a variant of plain loops computes: the stages of one task, in the order in which the compiled ones have them.
#ifndef SEPCONV_TESTS_SUPPORT_LOOP_COMPUTE_H
#define SEPCONV_TESTS_SUPPORT_LOOP_COMPUTE_H

#include <algorithm>
#include <cmath>
#include <vector>

#include "activation.h"
#include "support/loop_call.h"

namespace sepconv::test::loop {

// The staged input: [z, y, x, lane], the samples under the strip, along x in whole depthwise tiles. A chunk at a time,
// with channels first one channel.
struct Staging {
  int64_t extent[3], first[3], lanes, elements;

  Staging(const Call& call, const Compiled& variant, int kind)
      : lanes((kind & kFirst) != 0 ? 1 : variant.chunk), elements(lanes) {
    for (int i = 0; i < 3; ++i) {
      const Axis& axis = call.axis[i];
      const int64_t tile = i == 0 ? variant.depthwise_tile : 1;
      const int64_t wide = (axis.strip_extent + tile - 1) / tile * tile;
      extent[i] = (wide - 1) * axis.stride + (axis.taps - 1) * axis.dilation + 1;
      first[i] = axis.strip_min * axis.stride - axis.pad_before;
      elements *= extent[i];
    }
  }
  int64_t at(int64_t z, int64_t y, int64_t x) const { return (z * extent[1] + y) * extent[0] + x; }
};

template <typename T>
void stage(const Call& call, const Compiled& variant, const Staging& staging, int64_t first_channel,
           const Block<Computed<T>>& staged) {
  for (int64_t z = 0; z < staging.extent[2]; ++z) {
    for (int64_t y = 0; y < staging.extent[1]; ++y) {
      for (int64_t x = 0; x < staging.extent[0]; ++x) {
        const int64_t at[3] = {staging.first[0] + x, staging.first[1] + y, staging.first[2] + z};
        bool inside = true;
        int64_t index = 0;
        for (int i = 0; i < 3; ++i) {
          const Axis& axis = call.axis[i];
          inside = inside && at[i] >= axis.input_min && at[i] < axis.input_min + axis.input_extent;
          index += (at[i] - axis.input_min) * axis.input_pitch;
          if (i >= variant.rank) inside = inside && at[i] == 0;
        }
        for (int64_t lane = 0; lane < staging.lanes; ++lane) {
          const int64_t c = first_channel + lane;
          Computed<T>& to = staged[staging.at(z, y, x) * staging.lanes + lane];
          to = 0;
          if (inside && c < call.in_channels) {
            to = support::activate<Computed<T>>(call.in, data_of<T>(call.input)[index + c * call.channel_pitch]);
          }
        }
      }
    }
  }
}

// D of chunk q at one pixel of the strip and one lane.
template <typename T>
Computed<T> convolve(const Call& call, const Compiled& variant, const Staging& staging,
                     const Block<Computed<T>>& staged, int64_t q, int64_t lane, const int64_t (&pixel)[3]) {
  const Axis* axis = call.axis;
  const halide_buffer_t& kernel = *call.depthwise;
  const T* weights = data_of<T>(&kernel) + q * kernel.dim[variant.rank + 1].stride + lane;
  const int64_t pitch_y = variant.rank > 1 ? kernel.dim[2].stride : 0,
                pitch_z = variant.rank > 2 ? kernel.dim[3].stride : 0;
  Computed<T> value = 0;
  for (int64_t tz = 0; tz < axis[2].taps; ++tz) {
    for (int64_t ty = 0; ty < axis[1].taps; ++ty) {
      for (int64_t tx = 0; tx < axis[0].taps; ++tx) {
        const int64_t at = staging.at(pixel[2] * axis[2].stride + tz * axis[2].dilation,
                                      pixel[1] * axis[1].stride + ty * axis[1].dilation,
                                      pixel[0] * axis[0].stride + tx * axis[0].dilation);
        value += staged[at * staging.lanes + lane % staging.lanes] *
                 weights[tx * kernel.dim[1].stride + ty * pitch_y + tz * pitch_z];
      }
    }
  }
  return support::activate<Computed<T>>(call.mid, value + data_of<T>(call.mid_bias)[q * variant.chunk + lane]);
}

// d[p, k - k0] for the chunks that k0 <= k < k1 touches.
template <typename T>
int fill_block(const Call& call, const Compiled& variant, int kind, int64_t k0, int64_t k1,
               const Block<Computed<T>>& d) {
  const Staging staging(call, variant, kind);
  for (int64_t k = k0 / variant.chunk * variant.chunk; k < (k1 + variant.chunk - 1) / variant.chunk * variant.chunk;
       k += staging.lanes) {
    Block<Computed<T>> staged(call.arena, staging.elements);
    if (int failure = staged.failure()) return failure;
    const int64_t q = k / variant.chunk;
    stage<T>(call, variant, staging, q / call.depth_multiplier * variant.chunk + k % variant.chunk, staged);
    int64_t p = 0;
    for (int64_t z = 0; z < call.axis[2].strip_extent; ++z) {
      for (int64_t y = 0; y < call.axis[1].strip_extent; ++y) {
        for (int64_t x = 0; x < call.axis[0].strip_extent; ++x, ++p) {
          for (int64_t lane = k % variant.chunk; lane < k % variant.chunk + staging.lanes; ++lane) {
            d[p * call.sum_block + q * variant.chunk + lane - k0] =
                convolve<T>(call, variant, staging, staged, q, lane, {x, y, z});
          }
        }
      }
    }
  }
  return 0;
}

// The depthwise stage alone, a chunk of input channels at a time. Pixels past the strip's last become NaN.
template <typename T>
int compute_depthwise(const Call& call, const Compiled& variant, int kind, int64_t pixels) {
  const Pixels<T> output(call.output, kind);
  const int64_t lanes = variant.chunk, group = lanes * call.depth_multiplier;
  for (int64_t c0 = 0; c0 < call.in_channels; c0 += lanes) {
    Block<Computed<T>> d(call.arena, (pixels + variant.depthwise_tile) * call.sum_block);
    if (int failure = d.failure()) return failure;
    const int64_t k0 = c0 / lanes * group;
    if (int failure = fill_block<T>(call, variant, kind, k0, k0 + group, d)) return failure;
    for (int64_t lane = 0; lane < lanes && c0 + lane < call.in_channels; ++lane) {
      for (int64_t m = 0; m < call.depth_multiplier; ++m) {
        const int64_t f = (c0 + lane) * call.depth_multiplier + m;
        for (int64_t p = 0; p < output.pixels; ++p) {
          output.data[f * output.channel + p * output.pixel] =
              p < pixels ? d[p * call.sum_block + m * lanes + lane] : std::numeric_limits<Computed<T>>::quiet_NaN();
        }
      }
    }
  }
  return 0;
}

template <typename T>
int compute(const Call& call, const Compiled& variant, int kind, int64_t pixels) {
  const int64_t panel = variant.panel, channels = call.pointwise->dim[1].extent, panels = call.pointwise->dim[2].extent;
  const Pixels<T> output(call.output, kind), residual(call.residual, kind);
  const int64_t blocks = (call.sum_channels + call.sum_block - 1) / call.sum_block;
  const int64_t tiles = (pixels + variant.tile_pixels - 1) / variant.tile_pixels * variant.tile_pixels;
  // With one block the sums go straight to the output, as they do in a compiled variant.
  Block<Computed<T>> partial(call.arena, blocks > 1 ? tiles * panels * panel : 1);
  if (int failure = blocks > 1 ? partial.failure() : 0) return failure;
  std::vector<Computed<T>> direct;
  if (blocks == 1) {
    partial.release();
    direct.resize(static_cast<size_t>(tiles * panels * panel));
  }
  const auto sum = [&](int64_t f, int64_t p) -> Computed<T>& {
    const int64_t i = (f / panel * tiles + p) * panel + f % panel;
    return blocks > 1 ? partial[i] : direct[static_cast<size_t>(i)];
  };
  for (int64_t f = 0; f < panels * panel; ++f) {
    for (int64_t p = 0; p < pixels; ++p) sum(f, p) = 0;
  }
  for (int64_t k0 = 0; k0 < call.sum_channels; k0 += call.sum_block) {
    const int64_t k1 = std::min(k0 + call.sum_block, call.sum_channels);
    Block<Computed<T>> d(call.arena, (tiles + variant.depthwise_tile) * call.sum_block);
    if (int failure = d.failure()) return failure;
    if (int failure = fill_block<T>(call, variant, kind, k0, k1, d)) return failure;
    for (int64_t f = 0; f < panels * panel; ++f) {
      for (int64_t p = 0; p < pixels; ++p) {
        for (int64_t k = k0; k < k1; ++k) {
          sum(f, p) += d[p * call.sum_block + k - k0] *
                       data_of<T>(call.pointwise)[(f / panel * channels + k) * panel + f % panel];
        }
      }
    }
  }
  for (int64_t p = 0; p < output.pixels; ++p) {
    for (int64_t f = 0; f < output.channels; ++f) {
      T& to = output.data[f * output.channel + p * output.pixel];
      to = std::numeric_limits<Computed<T>>::quiet_NaN();
      if (p >= pixels) continue;
      to = support::activate<Computed<T>>(call.out, sum(f, p) + data_of<T>(call.out_bias)[f] +
                                                        residual.data[f * residual.channel + p * residual.pixel]);
    }
  }
  return 0;
}

template <typename T>
int run(void** argv, const Compiled& variant, int kind) {
  loop_calls.fetch_add(1);
  if (loop_fail_after.load() >= 0 && loop_fail_after.fetch_sub(1) == 0) return loop_asked_to_fail;
  const Call call(argv, variant.rank, (kind & kFirst) != 0);
  if (loop_hints != nullptr) loop_hints->push_back({call.ahead, call.ahead_lines, call.output_is_large});
  if (loop_called != nullptr) loop_called();
  int64_t pixels = 1;
  for (const Axis& axis : call.axis) pixels *= axis.strip_extent;
  int failure = check<T>(call, variant, kind, pixels);
  if (failure == 0) {
    failure = (kind & kDepthwise) != 0 ? compute_depthwise<T>(call, variant, kind, pixels)
                                       : compute<T>(call, variant, kind, pixels);
  }
  const auto& arena = *static_cast<const internal::ScratchArena*>(call.arena);
  const size_t size = static_cast<size_t>(arena.end - arena.begin);
  const int percent = static_cast<int>((arena.high_water * 100 + size - 1) / size);
  int seen = loop_scratch_percent.load();
  while (percent > seen && !loop_scratch_percent.compare_exchange_weak(seen, percent)) {
  }
  return failure;
}

}  // namespace sepconv::test::loop

#endif
