// Schedule for ARM with NEON: the fused nest.
#include <algorithm>

#include "fused.h"

using Halide::Func;
using Halide::LoopLevel;
using Halide::Var;

namespace sepconv {
namespace {

ScheduleParameters defaults(const VariantName& name, const Halide::Target& target) {
  if (name.channels_first) return channels_first_defaults(name, target);
  ScheduleParameters o;
  o.vector = o.depthwise_vector = vector_lanes(name, target);
  if (name.types == "f64") o.chunk = 8;
  o.tile_pixels = 6;
  o.tile_vectors = 4;
  o.depthwise_tile = 4;
  return o;
}

int registers(const Halide::Target& target) { return target.bits == 64 ? 32 : 16; }

void load_steps(BlockStages& block, const Stages& all, const ScheduleParameters& o) {
  if (!block.sum.defined() || o.sum_unroll < o.vector) return;
  Func steps = block.flat.in(block.sum);
  steps.compute_at(block.sum, block.k[1]).store_in(Halide::MemoryType::Register);
  steps.bound_extent(all.k, o.sum_unroll).vectorize(all.k, o.vector).unroll(all.k).unroll(all.p);
}

void apply(Stages& stages, Func output, const ScheduleParameters& o) {
  schedule_fused(stages, output, o);
  if (stages.options.channels_first || stages.options.depthwise_only) return;
  load_steps(stages.last, stages, o);
  load_steps(stages.other, stages, o);
}

}  // namespace

const Schedule arm_schedule = {"arm", defaults, registers, apply, add_fused_passes};

}  // namespace sepconv
