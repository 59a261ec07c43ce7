// Accumulators of a GPU block in the registers of its threads. The channel sum of a block is a loop, in each round of
// which all threads together fill shared memory and then add to their own sums. The sums outlive the round, so they
// belong to the block's loops, not to a thread's; stored in registers there, each thread would hold the sums of all,
// and address its own by its number: an array in memory.
#ifndef SEPCONV_GENERATORS_SCHEDULES_THREAD_REGISTERS_H
#define SEPCONV_GENERATORS_SCHEDULES_THREAD_REGISTERS_H

#include <string>

#include "Halide.h"

namespace sepconv {

// Adds to the pipeline's lowering: in the storage of the Func called `name`, which is computed by the threads of a
// block and stored in registers, the number of the thread is left out of each index, so that a thread's share lies at
// constants. Every access must depend on the thread's number in the same way: what a thread reads, it has written
// itself. Fails the compilation if not. No scheduling directive says this but gpu_lanes, which is CUDA's alone and
// blocks of one warp.
void keep_in_thread_registers(Halide::Pipeline pipeline, const std::string& name);

}  // namespace sepconv

#endif
