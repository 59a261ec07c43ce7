#ifndef SEPCONV_GENERATORS_SCHEDULES_PLAIN_COMPARISONS_H
#define SEPCONV_GENERATORS_SCHEDULES_PLAIN_COMPARISONS_H

#include "Halide.h"

namespace sepconv {

// Adds to the pipeline's lowering: what was written with strict_float, so that no compiler takes NaNs for impossible,
// becomes ordinary arithmetic. For OpenCL: Halide's code for it has no strict comparisons of vectors, and a compiler of
// OpenCL C minds NaNs anyway, unless it is told not to.
void use_plain_comparisons(Halide::Pipeline pipeline);

}  // namespace sepconv

#endif
