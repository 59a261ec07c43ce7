// Schedule for x86 with fused multiply-add: the fused nest.
//
// Registers, AVX2: 16 of 8 floats. A register tile of the pointwise stage holds tile_pixels x tile_vectors
// accumulators, the smaller side's operands (tile_vectors weight vectors, or tile_pixels broadcasts) and one operand of
// the other side:
//
//   6x2: 12 + 2 + 1 = 15     5x2: 10 + 2 + 1 = 13     4x3: 12 + 3 + 1 = 16     2x5: 10 + 2 + 1 = 13     7x2 spills
//
// Each step of the channel sum costs tile_vectors loads + tile_pixels broadcasts (two a cycle) and tile_pixels *
// tile_vectors FMAs (two a cycle): 8 loads for 12 FMAs in the 6x2 tile, so the FMA ports are the limit. The depthwise
// tile holds depthwise_tile x chunk / 8 accumulators, 4 x 2 = 8, which covers the FMA latency of 4 cycles on two ports.
//
// Caches. L1 (32 KB): one panel of weights for one sum block, 256 x 16 x 4 = 16 KB, and the tile's rows of `flat`, 6 x
// 256 x 4 = 6 KB. L2 (512 KB and up): `flat` (strip x sum_block) and, with several blocks, `partial` (strip x output
// channels).
//
// The nest, for one task (a strip of output pixels, flattened to p):
//
//   for each block of sum_block channels   partial accumulates; the last block goes to the output
//     for each chunk of channels                                  \.
//       staged  <- the strip's input, zero-padded, dense [y][x][l] |  depthwise stage: once for each pixel and channel
//       for each row, for each x tile                              |
//         taps  <- T pixels x chunk lanes in registers             |
//         flat[p][k] <- act(taps + mid_bias)                      /.
//     for each panel of output channels                           \.
//       for each tile of pixels                                    |
//         sum   <- tile_pixels x tile_vectors in registers         |  pointwise stage: broadcast, load weights, FMA
//           for k: unrolled by sum_unroll                          |
//         partial or output <- sum                                /.
#include <algorithm>

#include "fused.h"

namespace sepconv {
namespace {

// The register tile that wastes least on the layer's pixels and output channels; larger tiles load less for each FMA.
void choose_tile(const VariantName& name, int vector, ScheduleParameters& o) {
  static const struct {
    int pixels, vectors;
    double rate;  // of the FMA peak, from the loads and broadcasts of a step
  } tiles[] = {{6, 2, 1.0}, {5, 2, 0.99}, {4, 3, 1.0}, {2, 5, 0.97}, {4, 2, 0.93}, {3, 4, 0.98}};
  int64_t pixels = 1;
  for (size_t a = 0; a < name.extent.size(); a++) {
    const int64_t stride = std::max<int64_t>(name.stride[a], 1);
    pixels *= name.extent[a] > 0 ? (name.extent[a] + stride - 1) / stride : 0;  // SAME
  }
  double best = 0;
  for (const auto& tile : tiles) {
    const auto share = [](int64_t size, int64_t granule) {
      return size > 0 ? static_cast<double>(size) / static_cast<double>((size + granule - 1) / granule * granule) : 1.0;
    };
    const double rate =
        tile.rate * share(pixels, tile.pixels) * share(name.out_channels, int64_t{tile.vectors} * vector);
    if (rate > best + 1e-9) {
      best = rate;
      o.tile_pixels = tile.pixels;
      o.tile_vectors = tile.vectors;
    }
  }
}

ScheduleParameters defaults(const VariantName& name, int vector) {
  if (name.channels_first) return channels_first_defaults(name, vector);
  ScheduleParameters o;
  choose_tile(name, vector, o);
  if (name.types == "f64") o.chunk = 8;  // a cache line, too
  const int64_t taps = name.kernel.back();
  o.tap_unroll = taps == 0 ? 1 : static_cast<int>(std::min<int64_t>(taps, 7));
  if (taps > 7) {
    o.tap_unroll = 5;
    for (const int candidate : {11, 9, 7, 5, 13}) {
      if (taps % candidate == 0) {
        o.tap_unroll = candidate;
        break;
      }
    }
  }
  if (o.tap_unroll == 6) o.tap_unroll = 3;
  if (name.in_channels > 0 && name.in_channels * std::max<int64_t>(name.multiplier, 1) <= 8) {
    o.chunk = 8;
    o.depthwise_tile = 8;
  }
  // A strided layer reads each sample about twice: a copy of it would cost more than it saves.
  const bool strided = std::all_of(name.stride.begin(), name.stride.end(), [](int64_t stride) { return stride > 1; });
  if (strided && !name.curves() && name.in_channels > 0 && name.in_channels % o.chunk == 0) o.stage = 0;
  return o;
}

}  // namespace

const Schedule x86_schedule = {"x86", defaults, 16, schedule_fused};

}  // namespace sepconv
