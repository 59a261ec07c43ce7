#include "tiles.h"

#include <algorithm>

namespace sepconv {

void choose_tile(const VariantName& name, const std::vector<Tile>& tiles, ScheduleParameters& o) {
  int64_t pixels = 1;
  for (size_t a = 0; a < name.extent.size(); a++) {
    const int64_t stride = std::max<int64_t>(name.stride[a], 1);
    pixels *= name.extent[a] > 0 ? (name.extent[a] + stride - 1) / stride : 0;  // SAME
  }
  const auto share = [](int64_t size, int64_t granule) {
    return static_cast<double>(size) / static_cast<double>((size + granule - 1) / granule * granule);
  };
  const int lane_size = computed_type(name).bytes() / Halide::Float(32).bytes();
  double best = 0;
  for (const Tile& tile : tiles) {
    double rate = tile.rate;
    if (pixels > 0) rate *= share(pixels, tile.pixels);
    if (name.out_channels > 0) rate *= share(name.out_channels, int64_t{tile.vectors} * tile.vector / lane_size);
    if (rate <= best + 1e-9) continue;
    best = rate;
    o.vector = tile.vector / lane_size;
    o.tile_pixels = tile.pixels;
    o.tile_vectors = tile.vectors;
    if (name.out_channels == 0) break;
  }
}

int choose_tap_unroll(int64_t taps) {
  if (taps <= 4) return static_cast<int>(std::max<int64_t>(taps, 1));
  for (const int candidate : {11, 9, 7, 5, 13, 3}) {
    if (taps % candidate == 0) return candidate;
  }
  return 5;
}

}  // namespace sepconv
