// The tasks of a run: a parallel_for that fails, gives up or miscounts, and what a task is told to fetch early.
#include <climits>
#include <set>
#include <string>

#include "runtime/run_fixture.h"
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

// A pool that ignores some of the tasks, and says that all is well, cannot be noticed; one that says so must be.
TEST_F(Run, PoolThatGivesUpIsReported) {
  arguments_.parallel_for = [](void*, int, int (*)(void*, int, int), void*) { return 17; };
  EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), SEPCONV_TASK_FAILED);
  EXPECT_TRUE(last_error_has("17"));
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
