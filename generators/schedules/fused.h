#ifndef SEPCONV_GENERATORS_SCHEDULES_FUSED_H
#define SEPCONV_GENERATORS_SCHEDULES_FUSED_H

#include "schedule.h"

namespace sepconv {

// Schedules the stages as the fused nest, whichever the layout. `vector`: lanes.
void schedule_fused(Stages& stages, Halide::Func output, const ScheduleParameters& parameters, int vector);

// The nest for channels_first rows, and the parameters that any target may start from.
void schedule_fused_channels_first(Stages& stages, Halide::Func output, const ScheduleParameters& parameters,
                                   int vector);
ScheduleParameters channels_first_defaults(const VariantName& name, int vector);

}  // namespace sepconv

#endif
