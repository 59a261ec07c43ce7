// What a variant with channels first is compiled with where there is no record.
#include <algorithm>
#include <utility>

#include "../schedules/fused.h"

namespace sepconv {
namespace {

// A register tile with vectors along the pixels, and the share of the FMA peak that its loop reaches.
struct PixelTile {
  int channels, vectors;
  double rate;
};

// For 16 and for 32 registers; the rates are those of tiles.h.
constexpr PixelTile tiles_of_16[] = {{6, 2, 1.0}, {4, 3, 0.99}, {5, 2, 0.98}};
constexpr PixelTile tiles_of_32[] = {{8, 3, 1.0}, {6, 4, 0.985}, {12, 2, 0.985}, {24, 1, 0.96}};

// Outputs of an axis with SAME; 0 where the name does not fix them.
int64_t outputs(const VariantName& name, size_t axis) {
  const int64_t stride = std::max<int64_t>(name.stride[axis], 1);
  return (name.extent[axis] + stride - 1) / stride;
}

double share(int64_t size, int64_t granule) {
  return static_cast<double>(size) / static_cast<double>((size + granule - 1) / granule * granule);
}

// The tile that wastes least on the layer's output channels and pixels; the first where the name fixes neither.
template <size_t count>
void choose_pixel_tile(const VariantName& name, int64_t pixels, const PixelTile (&tiles)[count],
                       ScheduleParameters& o) {
  double best = 0;
  for (const PixelTile& tile : tiles) {
    double rate = tile.rate;
    const int64_t rest = pixels % (int64_t{tile.vectors} * o.vector);
    if (pixels > 0) rate *= share(pixels, rest <= o.vector ? o.vector : tile.vectors * o.vector);
    if (name.out_channels > 0) rate *= share(name.out_channels, tile.channels);
    if (rate <= best + 1e-9) continue;
    best = rate;
    o.tile_channels = tile.channels;
    o.tile_vectors = tile.vectors;
    if (name.out_channels == 0) break;
  }
}

// Rows of a depthwise tile: as many as there are registers for, and divide the image. Strips of fewer rows than a tile
// waste the difference, so only where the layer is known, and the tile's share of the intermediate fits the cache.
int choose_rows(const VariantName& name, int registers, int64_t sum_block) {
  const size_t rank = name.extent.size();
  constexpr int64_t most_bytes = 256 * 1024;
  if (rank < 2 || name.extent[rank - 2] == 0 || name.kernel[rank - 2] == 0 || name.dilation[rank - 2] != 1) return 1;
  const int64_t height = outputs(name, rank - 2), width = outputs(name, rank - 1);
  const int64_t channels = std::min<int64_t>(sum_block, name.in_channels * std::max<int64_t>(name.multiplier, 1));
  int best = 1;
  double best_rate = 0;
  for (const auto& [rows, rate] : {std::pair(8, 1.0), std::pair(7, 0.99), std::pair(4, 0.95), std::pair(2, 0.8)}) {
    if (rows * 2 + 2 > registers || rows * width * channels * 4 > most_bytes || height < rows) continue;
    if (rate * share(height, rows) <= best_rate) continue;
    best_rate = rate * share(height, rows);
    best = rows;
  }
  return best;
}

}  // namespace

ScheduleParameters channels_first_defaults(const VariantName& name, const Halide::Target& target, int registers) {
  const int64_t taps = name.kernel.back(), width = outputs(name, name.extent.size() - 1);
  int64_t pixels = 1;
  for (size_t a = 0; a < name.extent.size(); a++) pixels *= outputs(name, a);
  ScheduleParameters o;
  o.vector = o.depthwise_vector = vector_lanes(name, target);
  o.chunk = 4;
  o.sum_block = 1024;
  o.fetch_ahead = 0;
  o.tap_unroll = taps == 3 || taps == 5 || taps == 7 ? static_cast<int>(taps) : 1;
  o.depthwise_rows = choose_rows(name, registers, o.sum_block);
  // Where the taps are not known, each costs more than its multiply-add: a wide tile shares that.
  o.depthwise_tile = taps == 0 ? 4 : 1;
  while (width > 0 && o.depthwise_vector / 2 >= width && o.depthwise_vector > 4) o.depthwise_vector /= 2;
  // Vectors of pixels leave much of a small image's last tile empty. Turning the output costs as much for any length of
  // the sum.
  constexpr int64_t few_pixels = 256, long_sum = 192;
  const int64_t channels = name.in_channels * std::max<int64_t>(name.multiplier, 1);
  if (pixels > 0 && pixels <= few_pixels && channels >= long_sum && !name.all_activations() && !name.depthwise_only()) {
    o.panel_lanes = 1;
  } else if (registers == 32) {
    choose_pixel_tile(name, pixels, tiles_of_32, o);
  } else {
    choose_pixel_tile(name, pixels, tiles_of_16, o);
  }
  return o;
}

}  // namespace sepconv
