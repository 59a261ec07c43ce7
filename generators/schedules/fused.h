#ifndef SEPCONV_GENERATORS_SCHEDULES_FUSED_H
#define SEPCONV_GENERATORS_SCHEDULES_FUSED_H

#include "schedule.h"

namespace sepconv {

// Schedules the stages as the fused nest.
void schedule_fused(Stages& stages, Halide::Func output, const ScheduleParameters& parameters);

// The passes of the fused nest over the lowered loops.
void add_fused_passes(const Halide::Pipeline& pipeline, const Stages& stages, const std::string& output,
                      const ScheduleParameters& parameters);

}  // namespace sepconv

#endif
