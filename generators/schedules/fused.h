#ifndef SEPCONV_GENERATORS_SCHEDULES_FUSED_H
#define SEPCONV_GENERATORS_SCHEDULES_FUSED_H

#include <vector>

#include "schedule.h"

namespace sepconv {

// Schedules the stages as the fused nest, whichever the layout.
void schedule_fused(Stages& stages, Halide::Func output, const ScheduleParameters& parameters);

// The passes of the fused nest over the lowered loops.
void add_fused_passes(const Halide::Pipeline& pipeline, const Stages& stages, const std::string& output,
                      const ScheduleParameters& parameters);

// Schedules the weights of a panel that are widened first, where there are any: at `around`, the loop over its tiles.
void schedule_widened(PointwiseSum& sum, int vector, const Halide::LoopLevel& around);

// The products that one lane sums, innermost in `update`, next to the loop over the lanes.
void schedule_products(PointwiseSum& sum, Halide::Stage update, const Halide::VarOrRVar& lanes);

// Schedules the finished sums of a tile.
void schedule_done(Stages& stages, const ScheduleParameters& parameters, const Halide::LoopLevel& tile);

// Schedules one pass, along `dense`, over a stage that is complete: an activation that is no clamp.
void schedule_pass(Halide::Stage pass, const Halide::Var& dense, const std::vector<Halide::VarOrRVar>& outer,
                   int vector, Halide::TailStrategy tail);

// The nest of variants with channels first, and the parameters that any target may start from, with 16 or 32 vector
// registers for the tiles.
void schedule_fused_channels_first(Stages& stages, Halide::Func output, const ScheduleParameters& parameters);
ScheduleParameters channels_first_defaults(const VariantName& name, const Halide::Target& target, int registers);

}  // namespace sepconv

#endif
