#ifndef SEPCONV_GENERATORS_SCHEDULES_FUSED_H
#define SEPCONV_GENERATORS_SCHEDULES_FUSED_H

#include "schedule.h"

namespace sepconv {

// Schedules the stages as the fused nest. `vector`: lanes.
void schedule_fused(Stages& stages, Halide::Func output, const ScheduleParameters& parameters, int vector);

}  // namespace sepconv

#endif
