// ARM with NEON: the fused nest, with multiply-adds by element.
//
// NEON need not broadcast: `fmla v0.4s, v1.4s, v2.s[3]` multiplies by one element of a vector. So the pointwise
// stage loads four steps of the channel sum of a pixel as one vector of `flat`, and no load, nor an instruction, is
// spent on a broadcast.
//
// Registers, AArch64: 32 of 4 floats. A register tile holds tile_pixels x tile_vectors accumulators, tile_pixels
// vectors of `flat`, tile_vectors weights of a step, and two that are loaded ahead; more spills:
//
//   8x2: 16 + 8 + 2 + 2 = 28     6x3: 18 + 6 + 3 + 2 = 29     5x4: 20 + 5 + 4 + 2 = 31     4x5: 20 + 4 + 5 + 2 = 31
//
// For each four steps that is tile_pixels + 4 * tile_vectors loads and 4 * tile_pixels * tile_vectors FMAs: at most
// 0.31 loads for each FMA, where cores have one load for one or two FMAs a cycle. The accumulators cover the FMA
// latency of 4 cycles on four pipes. A depthwise tile holds depthwise_tile x chunk / 4 accumulators, 4 x 4 = 16, and
// the weights of a tap, 4; with stride 2 the taps of neighbours share fewer samples, and 3 x 4 is what does not spill.
//
// ARMv7: 16 of 4 floats: 4x2: 8 + 4 + 2 + 2 = 16, and 2 x 4 in the depthwise tile.
//
// Caches. L1 (32 KB and up): one panel of weights for one sum block, 256 x 8 x 4 = 8 KB, and the tile's rows of `flat`,
// 8 x 256 x 4 = 8 KB. L2 (256 KB and up): `flat` (strip x sum_block) and, with several blocks, `partial`.
//
// The nest is that of schedules/fused_channels_last.cpp, but for its innermost loop:
//
//   for each panel of output channels
//     for each tile of pixels
//       sum <- tile_pixels x tile_vectors in registers
//         for k, by four:  steps <- flat[p][k..k+3], a vector for each pixel;  load weights, FMA by element
#include <algorithm>

#include "../schedules/fused.h"
#include "tiles.h"

using Halide::Func;

namespace sepconv {
namespace {

const std::vector<Tile> arm64_tiles = {{4, 8, 2, 1.0},  {4, 5, 4, 0.995}, {4, 6, 3, 0.99}, {4, 4, 5, 0.985},
                                       {4, 4, 4, 0.98}, {4, 9, 2, 0.99},  {4, 7, 2, 0.98}, {4, 12, 1, 0.95}};
const std::vector<Tile> arm32_tiles = {{4, 4, 2, 1.0}, {4, 2, 3, 0.98}, {4, 6, 1, 0.9}};

VectorUnit vector_unit(const Halide::Target& target) { return {target.bits == 64 ? 32 : 16, false, true}; }

ScheduleParameters defaults(const VariantName& name, const Halide::Target& target) {
  const bool arm64 = target.bits == 64;
  if (name.channels_first) {
    ScheduleParameters o = channels_first_defaults(name, target, 16);
    if (!arm64) return o;
    o.tile_vectors = 4;  // 24 accumulators + 4 vectors of `flat` + 1 broadcast = 29
    o.sum_unroll = 2;    // 48 multiply-adds hide the loop; the pointers of more steps spill
    return o;
  }
  ScheduleParameters o;
  o.depthwise_vector = vector_lanes(name, target);
  choose_tile(name, arm64 ? arm64_tiles : arm32_tiles, o);
  o.sum_unroll = computed_type(name).bits() == 64 ? 2 : 4;
  o.tap_unroll = choose_tap_unroll(name.kernel.back());
  const int64_t channels = name.in_channels;
  const bool shallow = channels > 0 && channels * std::max<int64_t>(name.multiplier, 1) <= 8;
  const bool strided = std::any_of(name.stride.begin(), name.stride.end(), [](int64_t stride) { return stride > 1; });
  o.chunk = shallow ? 8 : cache_line_bytes / computed_type(name).bytes();
  o.depthwise_tile = strided ? 3 : 4;
  if (shallow) o.depthwise_tile = 6;
  if (!arm64) o.depthwise_tile = 2;
  return o;
}

// The steps of the inner loop of the channel sum, loaded as vectors; LLVM makes their elements operands of the FMAs.
void load_steps(BlockStages& block, const Stages& all, const ScheduleParameters& o) {
  if (!block.pointwise.sum.defined() || o.sum_unroll < o.vector) return;
  Func steps = block.flat.in(block.pointwise.sum);
  steps.compute_at(block.pointwise.sum, block.pointwise.outer)
      .store_in(Halide::MemoryType::Register)
      .bound_extent(all.k, o.sum_unroll)
      .vectorize(all.k, o.vector)
      .unroll(all.k)
      .unroll(all.p);
}

void apply(Stages& stages, Func output, const ScheduleParameters& o) {
  schedule_fused(stages, output, o);
  if (stages.options.channels_first || stages.options.depthwise_only) return;
  load_steps(stages.last, stages, o);
  load_steps(stages.other, stages, o);
}

}  // namespace

const Schedule arm_schedule = {"arm", defaults, vector_unit, apply, add_fused_passes};

}  // namespace sepconv
