// sepconv_plan_run: checks one call's arguments, then hands its tasks out. Nothing here grows with the size of the
// tensors.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>
#include <initializer_list>

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

// Tasks that are handed out at once: so many that waiting for the last one of a round costs nothing, and that marks for
// all of them are few.
constexpr int most_at_once = 1 << 14;

// What the tasks of one run share.
struct Run {
  const sepconv_plan* plan;
  TaskBuffers buffers;
  char* workspace;                                       // the workers' slices
  int64_t first_task;                                    // of this round
  int count;                                             // tasks of this round
  std::atomic<int> done;                                 // tasks that succeeded
  std::atomic<int> leaf_failure;                         // what a variant returned, if not 0
  std::atomic<int64_t> bad_worker;                       // a worker out of range, or none_bad
  std::atomic<int64_t> bad_index;                        // an index out of range, or none_bad
  std::atomic<int64_t> again;                            // a task that was called a second time, or none_bad
  std::atomic<int64_t> shared;                           // a worker that was in two tasks at once, or none_bad
  std::atomic<uint32_t> begun[most_at_once / 32];        // a bit for each task of this round
  std::atomic<uint32_t> busy[SEPCONV_MAX_THREADS / 32];  // a bit for each worker that is in a task

  // Before any task: no complaint yet.
  void begin() {
    leaf_failure.store(0, std::memory_order_relaxed);
    for (std::atomic<int64_t>* bad : {&bad_worker, &bad_index, &again, &shared}) {
      bad->store(none_bad, std::memory_order_relaxed);
    }
    for (std::atomic<uint32_t>& workers : busy) workers.store(0, std::memory_order_relaxed);
  }

  // Before the tasks of a round are handed out.
  void begin_round(int64_t first, int tasks) {
    first_task = first;
    count = tasks;
    done.store(0, std::memory_order_relaxed);
    for (int i = 0; i * 32 < tasks; ++i) begun[i].store(0, std::memory_order_relaxed);
  }
};

// Task `index` of the run with one worker's slice of the workspace.
int run_task(const Run& run, int64_t index, int worker) {
  return compute_task(*run.plan, run.buffers, index, run.workspace + worker * run.plan->cut.worker_bytes);
}

// Sets the bit of a number in its word; false if it was set already.
bool mark(std::atomic<uint32_t>* word, int number) {
  const uint32_t bit = uint32_t{1} << (number % 32);
  return (word->fetch_or(bit, std::memory_order_acquire) & bit) == 0;
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
  // A worker's scratch is for one task at a time, and each task is computed once.
  if (!mark(&run.busy[worker / 32], worker)) {
    run.shared.store(worker, std::memory_order_relaxed);
    return 1;
  }
  int failure = 1;
  if (!mark(&run.begun[index / 32], index)) {
    run.again.store(index, std::memory_order_relaxed);
  } else if ((failure = run_task(run, run.first_task + index, worker)) != 0) {
    run.leaf_failure.store(failure, std::memory_order_relaxed);
  } else {
    run.done.fetch_add(1, std::memory_order_relaxed);
  }
  run.busy[worker / 32].fetch_and(~(uint32_t{1} << (worker % 32)), std::memory_order_release);
  return failure;
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
  constexpr sepconv_status failed = SEPCONV_TASK_FAILED;
  const sepconv_plan& plan = *run->plan;
  const int64_t tasks = plan.geometry.problem.batch * plan.cut.tasks;
  if (arguments.parallel_for == nullptr) {
    for (int64_t task = 0; task < tasks; ++task) {
      if (int failure = run_task(*run, task, 0)) return fail_task(plan, failure);
    }
    return SEPCONV_OK;
  }
  for (int64_t first = 0; first < tasks; first += most_at_once) {
    const int count = static_cast<int>(smaller<int64_t>(tasks - first, most_at_once));
    run->begin_round(first, count);
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
    const int64_t again = run->again.load(std::memory_order_relaxed);
    if (again != none_bad) {
      return fail(failed, "arguments.parallel_for called task %" PRId64 " of %d more than once", again, count);
    }
    const int64_t shared = run->shared.load(std::memory_order_relaxed);
    if (shared != none_bad) {
      return fail(failed, "arguments.parallel_for called two tasks at once as worker %" PRId64, shared);
    }
    if (result != 0) return fail(failed, "arguments.parallel_for returned %d", result);
    const int done = run->done.load(std::memory_order_relaxed);
    if (done != count) return fail(failed, "arguments.parallel_for returned 0, but ran %d of %d tasks", done, count);
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
  Run run;
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
  run.begin();
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
