#ifndef SEPCONV_GENERATORS_SCHEDULES_GPU_H
#define SEPCONV_GENERATORS_SCHEDULES_GPU_H

#include "../device_parameters.h"
#include "../device_pipeline.h"

namespace sepconv {

// What the name fixes along the window's axis; 0 where it does not.
struct DeviceReach {
  int taps, stride;
};

// Schedules the stages as kernels for a GPU. `output` is the Func whose update the stages' `at` runs over; with
// o.split, `stages.workspace` is an output, too. `unrolled_axes`: whose taps are unrolled, from the inside.
void schedule_gpu(DeviceStages& stages, Halide::Func output, const DeviceParameters& o, const DeviceReach& reach,
                  int unrolled_axes);

}  // namespace sepconv

#endif
