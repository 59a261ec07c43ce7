// The tasks of a run: a parallel_for that fails, gives up or miscounts, and what a task is told to fetch early.
#include <climits>
#include <set>
#include <string>

#include "runtime/run_fixture.h"
#include "scratch.h"
#include "support/loop_variant.h"

namespace sepconv::test {
namespace {

TEST_F(Run, TaskThatFailsIsReported) {
  Parallel parallel;
  arguments_.parallel_for = parallel_for;
  arguments_.parallel_context = &parallel;
  expect_works();
  parallel.fail_at = parallel.tasks_seen - 1;
  EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), SEPCONV_TASK_FAILED);
  EXPECT_TRUE(last_error_has("parallel_for"));
  EXPECT_TRUE(buffers_->nothing_else_written());
  parallel.fail_at = -1;
  expect_works();
}

TEST_F(Run, VariantThatFailsIsReported) {
  Parallel parallel;
  for (const bool in_parallel : {false, true}) {
    if (in_parallel) {
      arguments_.parallel_for = parallel_for;
      arguments_.parallel_context = &parallel;
    }
    for (const int64_t good : {0, 1, 2}) {
      loop_fail_after = good;
      EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), SEPCONV_TASK_FAILED) << good;
      EXPECT_TRUE(last_error_has("variant " + std::string(sepconv_plan_variant(plan_.get())) + " returned -107"));
    }
    loop_fail_after = -1;
    expect_works();
  }
}

// A variant that asks for more than its plan has, and takes NULL for an answer.
int ask_for_too_much(void** arguments) {
  sepconv_scratch_malloc(*static_cast<void**>(arguments[0]), size_t{1} << 40);
  return 0;
}

TEST_F(Run, VariantThatAsksForTooMuchScratchIsReported) {
  static sepconv_variant variant = loop_variants()->variants[5];
  variant.name = "2d_f32_nhwc_any_greedy_portable";
  variant.entry = ask_for_too_much;
  variant.in_channels = problem_.in_channels = 41;  // which no other test has: this table ranks first
  static const sepconv_variant_table table = {SEPCONV_VARIANT_ABI, sizeof variant, "greedy", &variant, 1};
  ASSERT_EQ(sepconv_register(&table), SEPCONV_OK) << sepconv_last_error();
  sepconv_options options = default_options();
  options.variant = variant.name;
  plan_ = require_plan(problem_, &options);
  operands_ = random_operands(random_, problem_, Fill::kReals);
  buffers_ = std::make_unique<Buffers>(problem_, *plan_, operands_, Flush::kEnd);
  arguments_ = buffers_->arguments();
  EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), SEPCONV_TASK_FAILED);
  EXPECT_TRUE(last_error_has("2d_f32_nhwc_any_greedy_portable asked for more scratch than the"));
}

TEST_F(Run, PoolThatGivesUpIsReported) {
  arguments_.parallel_for = [](void*, int, int (*)(void*, int, int), void*) { return 17; };
  EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), SEPCONV_TASK_FAILED);
  EXPECT_TRUE(last_error_has("17"));
}

// Which tasks a pool calls, when it says that all is well: whatever is not each of them once is noticed, and nothing is
// computed twice.
TEST_F(Run, TasksThatAreNotRunOnceEachAreNoticed) {
  using Schedule = std::vector<int> (*)(int tasks);
  struct Pool {
    Schedule schedule;
    std::set<int> succeeded;
    bool twice;  // a call of a task succeeded that had succeeded already
  };
  const auto calls_of = [&](Schedule schedule) {
    Pool pool{schedule, {}, false};
    arguments_.parallel_context = &pool;
    arguments_.parallel_for = [](void* context, int tasks, int (*task)(void*, int, int), void* data) {
      Pool& p = *static_cast<Pool*>(context);
      for (const int index : p.schedule(tasks)) {
        if (task(data, index, 0) == 0 && !p.succeeded.insert(index).second) p.twice = true;
      }
      return 0;
    };
    const sepconv_status status = sepconv_plan_run(plan_.get(), &arguments_);
    EXPECT_FALSE(pool.twice);
    EXPECT_TRUE(buffers_->nothing_else_written());
    return status;
  };
  const auto in_order = [](int tasks) {
    std::vector<int> all(static_cast<size_t>(tasks));
    for (int i = 0; i < tasks; ++i) all[static_cast<size_t>(i)] = i;
    return all;
  };
  EXPECT_EQ(calls_of(in_order), SEPCONV_OK) << sepconv_last_error();
  EXPECT_EQ(calls_of([](int tasks) { return std::vector<int>(static_cast<size_t>(tasks), 0); }), SEPCONV_TASK_FAILED);
  EXPECT_TRUE(last_error_has("task 0"));
  EXPECT_TRUE(last_error_has("more than once"));
  // The same number of calls, and the same sum of their indices.
  const auto swapped = [](int tasks) {
    std::vector<int> calls(static_cast<size_t>(tasks));
    for (int i = 0; i < tasks; ++i) calls[static_cast<size_t>(i)] = i;
    calls[0] = calls[2] = 1;
    return calls;
  };
  EXPECT_EQ(calls_of(swapped), SEPCONV_TASK_FAILED);
  EXPECT_TRUE(last_error_has("task 1"));
  const auto and_again = [](int tasks) {
    std::vector<int> calls;
    for (int i = 0; i < tasks; ++i) calls.push_back(i);
    calls.push_back(tasks - 1);
    return calls;
  };
  EXPECT_EQ(calls_of(and_again), SEPCONV_TASK_FAILED);
  EXPECT_TRUE(last_error_has("more than once"));
  EXPECT_EQ(calls_of([](int tasks) { return tasks > 1 ? std::vector<int>{0} : std::vector<int>{}; }),
            SEPCONV_TASK_FAILED);
  EXPECT_TRUE(last_error_has("ran 1 of"));
  EXPECT_EQ(calls_of([](int) { return std::vector<int>{}; }), SEPCONV_TASK_FAILED);
  EXPECT_TRUE(last_error_has("ran 0 of"));
  arguments_.parallel_context = nullptr;
  arguments_.parallel_for = nullptr;
  expect_works();
}

// A worker's scratch is for one task at a time: one that calls a second task from inside the first is told so.
TEST_F(Run, WorkerInTwoTasksIsNoticed) {
  struct Hook {
    int (*task)(void*, int, int);
    void* data;
    int inner = 0;
  };
  static Hook hook;
  arguments_.parallel_for = [](void*, int tasks, int (*task)(void*, int, int), void* data) {
    hook = {task, data};
    // The loop variants tell of each call, while it runs.
    loop_called = [] {
      loop_called = nullptr;
      hook.inner = hook.task(hook.data, 1, 0);
    };
    task(data, 0, 0);
    for (int index = 1; index < tasks; ++index) task(data, index, 0);
    return 0;
  };
  EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), SEPCONV_TASK_FAILED);
  EXPECT_NE(hook.inner, 0);
  EXPECT_TRUE(last_error_has("worker 0"));
  arguments_.parallel_for = nullptr;
  expect_works();
}

// More tasks than are handed out at once: the function is called again for the rest of them.
TEST(RunRounds, HandOutEveryTask) {
  tables_under_test();
  sepconv_problem problem = small_problem();
  problem.batch = 40000;
  problem.in_channels = problem.out_channels = 1;
  problem.in_extent[0] = problem.in_extent[1] = problem.kernel_extent[0] = problem.kernel_extent[1] = 1;
  Random random(test_seed());
  const Operands<float> operands = random_operands(random, problem, Fill::kReals);
  Parallel parallel;
  parallel.threads = 2;
  RunOptions how;
  how.max_threads = 2;
  how.parallel = &parallel;
  EXPECT_TRUE(same_bits(run(problem, operands).output, run(problem, operands, how).output));
  EXPECT_LT(parallel.tasks_seen, 40000);
}

// Tasks with a worker number outside [0, max_threads) have no scratch: they must fail, not write elsewhere.
TEST_F(Run, WorkerOutsideTheRangeIsRefused) {
  for (const int worker : {-1, 3, INT_MAX}) {
    arguments_.parallel_context = const_cast<int*>(&worker);
    arguments_.parallel_for = [](void* context, int tasks, int (*task)(void*, int, int), void* data) {
      int failure = 0;
      for (int index = 0; index < tasks; ++index) failure |= task(data, index, *static_cast<int*>(context));
      return failure;
    };
    EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), SEPCONV_TASK_FAILED) << worker;
    EXPECT_TRUE(last_error_has(std::to_string(worker)));
    EXPECT_TRUE(buffers_->nothing_else_written());
  }
}

TEST_F(Run, IndexOutsideTheRangeIsRefused) {
  arguments_.parallel_for = [](void*, int tasks, int (*task)(void*, int, int), void* data) {
    return task(data, tasks, 0) | task(data, INT_MAX, 0) | task(data, -1, 0);
  };
  EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), SEPCONV_TASK_FAILED);
  EXPECT_TRUE(buffers_->nothing_else_written());
}

// What is read after a run is asked for in pieces, one a task, which do not overlap; the results are the same bits.
TEST_F(Run, AsksForWhatIsReadNext) {
  expect_works();
  const std::vector<float> first = buffers_->output_values();
  const std::vector<char> after(3000 * 64 + 5);
  arguments_.next = after.data();
  arguments_.next_size = after.size();
  std::vector<LoopHints> asked;
  loop_hints = &asked;
  expect_works();
  loop_hints = nullptr;
  EXPECT_TRUE(same_bits(first, buffers_->output_values()));
  ASSERT_GT(asked.size(), 1u);
  int64_t lines = 0;
  for (const LoopHints& call : asked) {
    EXPECT_EQ(call.ahead, reinterpret_cast<uintptr_t>(after.data()) + static_cast<uint64_t>(lines) * 64);
    lines += call.ahead_lines;
  }
  EXPECT_EQ(lines, 3000);
}

// An output of more than a megabyte is large for a core; a strip that is written into the workspace first is not.
TEST(RunHints, SayWhetherTheOutputIsLarge) {
  tables_under_test();
  const auto told = [](int64_t batch, int64_t height, int64_t width) {
    sepconv_problem problem = run_problem();
    problem.batch = batch;
    problem.in_extent[0] = height;
    problem.in_extent[1] = width;
    Random random(test_seed());
    const Operands<float> operands = random_operands(random, problem, Fill::kReals);
    const PlanPointer plan = require_plan(problem);
    Buffers buffers(problem, *plan, operands, Flush::kEnd);
    const sepconv_arguments arguments = buffers.arguments();
    std::vector<LoopHints> hints;
    loop_hints = &hints;
    EXPECT_EQ(sepconv_plan_run(plan.get(), &arguments), SEPCONV_OK) << sepconv_last_error();
    loop_hints = nullptr;
    EXPECT_FALSE(hints.empty());
    std::set<int64_t> values;
    for (const LoopHints& call : hints) values.insert(call.output_is_large);
    return values;
  };
  constexpr int64_t image = int64_t{13} * 9 * 7 * 4, megabyte = 1 << 20;
  EXPECT_EQ(told(megabyte / image, 13, 9), std::set<int64_t>{0});
  EXPECT_EQ(told(megabyte / image + 1, 13, 9), std::set<int64_t>{1});
  EXPECT_EQ(told(megabyte / (2 * 7 * 4) + 1, 1, 2), std::set<int64_t>{0}) << "two pixels are less than a tile";
}

TEST_F(Run, AsksForNoMoreThanAMegabyte) {
  char one_byte;  // an address is enough
  arguments_.next = &one_byte;
  arguments_.next_size = SIZE_MAX;
  std::vector<LoopHints> asked;
  loop_hints = &asked;
  expect_works();
  loop_hints = nullptr;
  int64_t lines = 0;
  for (const LoopHints& call : asked) lines += call.ahead_lines;
  EXPECT_EQ(lines, (1 << 20) / 64);
}

}  // namespace
}  // namespace sepconv::test
