// Any processor: the fused nest with nothing assumed but vectors of 128 bits and a few caches.
//
// Registers: 16 of 4 floats (x86-64 and AArch64 baselines have at least that). The 4x2 tile holds 8 accumulators, 2
// weight vectors and 1 broadcast: 11, with room for the products where the target has no fused multiply-add. Caches:
// one panel of weights for one sum block is 256 x 8 x 4 = 8 KB of an L1 of 16 KB or more; `flat` (strip x 256 channels)
// fits an L2 of 256 KB with the strips that the planner cuts.
#include "../schedules/fused.h"

namespace sepconv {
namespace {

ScheduleParameters defaults(const VariantName& name, const Halide::Target& target) {
  if (name.channels_first) return channels_first_defaults(name, target, 16);
  ScheduleParameters o;
  o.vector = o.depthwise_vector = vector_lanes(name, target);
  o.chunk = cache_line_bytes / computed_type(name).bytes();
  // Without vectors each lane takes a register: 2 x 2 x 4 accumulators and 8 weights.
  o.tile_pixels = target.natural_vector_size(computed_type(name)) > 1 ? 4 : 2;
  o.tap_unroll = 1;
  o.depthwise_tile = 2;
  return o;
}

VectorUnit vector_unit(const Halide::Target&) { return {16}; }

}  // namespace

const Schedule portable_schedule = {"portable", defaults, vector_unit, schedule_fused, add_fused_passes};

}  // namespace sepconv
