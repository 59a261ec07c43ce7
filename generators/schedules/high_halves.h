#ifndef SEPCONV_GENERATORS_SCHEDULES_HIGH_HALVES_H
#define SEPCONV_GENERATORS_SCHEDULES_HIGH_HALVES_H

#include "Halide.h"

namespace sepconv {

// Adds to the pipeline's lowering: rounded_high_half (requantise.h) of vectors multiplies their even lanes and their
// odd lanes where they stand, as vpmuldq does. Written as a product of 64-bit numbers, LLVM would widen both halves of
// the vector, multiply, and move them back.
void multiply_even_and_odd_lanes(Halide::Pipeline pipeline);

}  // namespace sepconv

#endif
