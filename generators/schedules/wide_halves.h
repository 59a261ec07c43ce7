// Loads and stores of 8 bytes for tensors of 16-bit elements. Halide's back end for CUDA makes one access of four
// elements of 32 bits, but four of four elements of 16.
#ifndef SEPCONV_GENERATORS_SCHEDULES_WIDE_HALVES_H
#define SEPCONV_GENERATORS_SCHEDULES_WIDE_HALVES_H

#include "Halide.h"

namespace sepconv {

// Adds to the pipeline's lowering: four adjacent elements of 16 bits, whose index is known to be a multiple of 4, are
// read and written as one number of 64. Memory begins at a multiple of 8 bytes.
void move_halves_together(Halide::Pipeline pipeline);

}  // namespace sepconv

#endif
