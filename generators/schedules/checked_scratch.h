// What a variant does when it gets no memory.
#ifndef SEPCONV_GENERATORS_SCHEDULES_CHECKED_SCRATCH_H
#define SEPCONV_GENERATORS_SCHEDULES_CHECKED_SCRATCH_H

#include "Halide.h"

namespace sepconv {

// Leaves out all that needs a block which the allocator refused. Halide's own check comes with its other assertions,
// which the caller has no need of; the caller asks the arena whether it refused anything.
void check_scratch(Halide::Pipeline pipeline);

}  // namespace sepconv

#endif
