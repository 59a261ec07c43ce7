// A run on the CPU: its arguments, and its tasks: one strip of one image, for a group of output panels.
#ifndef SEPCONV_SRC_TASK_H
#define SEPCONV_SRC_TASK_H

#include <stdint.h>

#include "plan.h"

namespace sepconv::internal {

// What all tasks of a run share; tensors begin at the first element of the whole batch.
struct TaskBuffers {
  const char* packed;
  const char* input;
  const char* residual;  // NULL where the problem has none
  const char* zeros;     // plan.zero_bytes of them, which then stand for it
  char* output;
  int32_t workers;     // that share the tasks
  const char* next;    // what is read after the run
  int64_t next_lines;  // cache lines of it to ask for
};

// Errors: those of sepconv_plan_run, before anything is written.
sepconv_status check_arguments(const sepconv_plan& plan, const sepconv_arguments& arguments);

// What compute_task returns where the variant asked for more scratch than the plan has: scratch_bytes is wrong.
inline constexpr int out_of_scratch = INT32_MIN;

// Computes task `index` of the plan with `slice`, cut.worker_bytes of workspace. 0, out_of_scratch, or what the variant
// returned.
int compute_task(const sepconv_plan& plan, const TaskBuffers& buffers, int64_t index, char* slice);

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_TASK_H
