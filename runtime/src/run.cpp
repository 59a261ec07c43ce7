// sepconv_plan_run: checks one call's arguments, then hands its tasks out. Nothing here grows with the size of the
// tensors.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>

#include "device.h"
#include "error.h"
#include "integers.h"
#include "plan.h"
#include "structs.h"
#include "task.h"

namespace sepconv::internal {
namespace {

constexpr int64_t none_bad = INT64_MIN;

// Of what is read after a run: more would push out of the second-level cache what the run itself reads again and again.
constexpr size_t most_next_bytes = 1 << 20;

// What the tasks of one run share.
struct Run {
  const sepconv_plan* plan;
  TaskBuffers buffers;
  char* workspace;                  // the workers' slices
  int64_t first_task;               // of this round, where the tasks are more than an int counts
  int count;                        // tasks of this round
  std::atomic<int64_t> done;        // tasks that succeeded
  std::atomic<int> leaf_failure;    // what a variant returned, if not 0
  std::atomic<int64_t> bad_worker;  // a worker out of range, or none_bad
  std::atomic<int64_t> bad_index;   // an index out of range, or none_bad
};

// Task `index` of the run with one worker's slice of the workspace.
int run_task(const Run& run, int64_t index, int worker) {
  return compute_task(*run.plan, run.buffers, index, run.workspace + worker * run.plan->cut.worker_bytes);
}

// The callback of parallel_for. Trusts nothing that comes back through the caller's code.
int task_callback(void* data, int index, int worker) {
  Run& run = *static_cast<Run*>(data);
  if (worker < 0 || worker >= run.buffers.workers) {
    run.bad_worker.store(worker, std::memory_order_relaxed);
    return 1;
  }
  if (index < 0 || index >= run.count) {
    run.bad_index.store(index, std::memory_order_relaxed);
    return 1;
  }
  if (int failure = run_task(run, run.first_task + index, worker)) {
    run.leaf_failure.store(failure, std::memory_order_relaxed);
    return failure;
  }
  run.done.fetch_add(1, std::memory_order_relaxed);
  return 0;
}

sepconv_status fail_task(const sepconv_plan& plan, int failure) {
  if (failure != out_of_scratch) {
    return fail(SEPCONV_TASK_FAILED, "variant %s returned %d", plan.variant->name, failure);
  }
  return fail(SEPCONV_TASK_FAILED,
              "variant %s asked for more scratch than the %" PRId64
              " bytes that its plan has for a task: a fault of the library, please report it with this problem",
              plan.variant->name, plan.cut.arena_bytes);
}

sepconv_status run_tasks(Run* run, const sepconv_arguments& arguments) {
  constexpr int64_t most_at_once = 1 << 30;
  constexpr sepconv_status failed = SEPCONV_TASK_FAILED;
  const sepconv_plan& plan = *run->plan;
  const int64_t tasks = plan.geometry.problem.batch * plan.cut.tasks;
  if (arguments.parallel_for == nullptr) {
    for (int64_t task = 0; task < tasks; ++task) {
      if (int failure = run_task(*run, task, 0)) return fail_task(plan, failure);
    }
    return SEPCONV_OK;
  }
  for (run->first_task = 0; run->first_task < tasks; run->first_task += most_at_once) {
    const int count = static_cast<int>(smaller(tasks - run->first_task, most_at_once));
    run->count = count;
    run->done.store(0, std::memory_order_relaxed);
    const int result = arguments.parallel_for(arguments.parallel_context, count, task_callback, run);
    if (int failure = run->leaf_failure.load(std::memory_order_relaxed)) return fail_task(plan, failure);
    const int64_t worker = run->bad_worker.load(std::memory_order_relaxed);
    if (worker != none_bad) {
      return fail(failed,
                  "arguments.parallel_for called a task as worker %" PRId64 ": the plan has max_threads %" PRId32,
                  worker, plan.max_threads);
    }
    const int64_t index = run->bad_index.load(std::memory_order_relaxed);
    if (index != none_bad) {
      return fail(failed, "arguments.parallel_for called task %" PRId64 " of %d", index, count);
    }
    if (result != 0) return fail(failed, "arguments.parallel_for returned %d", result);
    const int64_t done = run->done.load(std::memory_order_relaxed);
    if (done != count) {
      return fail(failed, "arguments.parallel_for returned 0, but ran %" PRId64 " of %d tasks", done, count);
    }
  }
  return SEPCONV_OK;
}

sepconv_status run_plan(const sepconv_plan& plan, const sepconv_arguments* given) {
  sepconv_arguments arguments;
  sepconv_status status;
  if ((status = read_struct(given, &arguments))) return status;
  if (plan.variant->driver != nullptr) return run_on_device(plan, arguments);
  if ((status = check_arguments(plan, arguments))) return status;
  if (plan.geometry.problem.batch == 0) return SEPCONV_OK;

  const int32_t workers = arguments.parallel_for == nullptr ? 1 : plan.max_threads;
  void* own_workspace = nullptr;
  if (arguments.workspace == nullptr) {
    const size_t size = plan.zero_bytes + static_cast<size_t>(plan.cut.worker_bytes) * static_cast<size_t>(workers);
    own_workspace = aligned_alloc(64, size);
    if (own_workspace == nullptr) return fail(SEPCONV_OUT_OF_MEMORY, "no memory for the workspace (%zu bytes)", size);
    arguments.workspace = own_workspace;
  }
  Run run = {};
  run.plan = &plan;
  char* const workspace = static_cast<char*>(arguments.workspace);
  memset(workspace, 0, plan.zero_bytes);
  run.buffers = {static_cast<const char*>(arguments.packed),   static_cast<const char*>(arguments.input),
                 static_cast<const char*>(arguments.residual), workspace,
                 static_cast<char*>(arguments.output),         workers,
                 static_cast<const char*>(arguments.next),     0};
  if (arguments.next != nullptr) {
    run.buffers.next_lines = static_cast<int64_t>(smaller<size_t>(arguments.next_size, most_next_bytes) / 64);
  }
  run.workspace = workspace + plan.zero_bytes;
  run.bad_worker.store(none_bad, std::memory_order_relaxed);
  run.bad_index.store(none_bad, std::memory_order_relaxed);
  status = run_tasks(&run, arguments);
  free(own_workspace);
  return status;
}

}  // namespace
}  // namespace sepconv::internal

extern "C" sepconv_status sepconv_plan_run(const sepconv_plan* plan, const sepconv_arguments* arguments) {
  if (plan == nullptr) return sepconv::internal::fail(SEPCONV_INVALID_ARGUMENT, "plan is NULL");
  return sepconv::internal::run_plan(*plan, arguments);
}
