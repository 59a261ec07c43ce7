// Choices that the schedules' defaults share: which of a target's register tiles a layer gets, and how taps are
// unrolled.
#ifndef SEPCONV_GENERATORS_TARGETS_TILES_H
#define SEPCONV_GENERATORS_TARGETS_TILES_H

#include <vector>

#include "../parameters.h"

namespace sepconv {

// A register tile of the pointwise stage. Its rate weighs it against the others: a tile of rate 0.97 is taken before
// one of rate 1 where it wastes 3% less of its products on sizes that it does not divide. The rates are an order of
// preference in small steps, by loads a multiply-add, pointers and latency (the budgets at the head of each target's
// file), not measured speeds; what a tuning record says stands in their place.
struct Tile {
  int vector, pixels, vectors;  // vector: in float32; float64 has half as many
  double rate;
};

// Sets the tile that wastes least on the layer's pixels and output channels. Where the name fixes neither, the first
// wins: let that be a narrow panel, which suits any number of channels, and no more pixels than there are registers for
// their addresses.
void choose_tile(const VariantName& name, const std::vector<Tile>& tiles, ScheduleParameters& parameters);

// Taps along x in the inner loop: all of a short kernel, else a divisor.
int choose_tap_unroll(int64_t taps);

}  // namespace sepconv

#endif
