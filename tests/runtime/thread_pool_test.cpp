// The optional thread pool, as a parallel_for.
#include "sepconv/thread_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "support/harness.h"
#include "support/random_problem.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

// Counts the calls of each index, and watches that no worker is in two tasks at once.
struct Job {
  explicit Job(int tasks, int threads) : calls(static_cast<size_t>(tasks)), busy(static_cast<size_t>(threads)) {}

  static int task(void* data, int index, int worker) {
    Job& job = *static_cast<Job*>(data);
    if (worker < 0 || static_cast<size_t>(worker) >= job.busy.size()) return 1;
    if (job.busy[static_cast<size_t>(worker)]++ != 0) job.confused = true;
    ++job.calls[static_cast<size_t>(index)];
    --job.busy[static_cast<size_t>(worker)];
    return 0;
  }

  std::vector<std::atomic<int>> calls, busy;
  std::atomic<bool> confused{false};
};

TEST(ThreadPool, RunsEachTaskOnce) {
  for (const int threads : {1, 2, 3, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (const int tasks : {0, 1, 2, 7, 1000}) {
      Job job(tasks, threads);
      EXPECT_EQ(ThreadPool::parallel_for(&pool, tasks, Job::task, &job), 0);
      for (const std::atomic<int>& calls : job.calls) ASSERT_EQ(calls, 1);
      EXPECT_FALSE(job.confused);
    }
  }
}

TEST(ThreadPool, IsReadyAgainAtOnceAndAfterASleep) {
  ThreadPool pool(3);
  for (int round = 0; round < 300; ++round) {
    if (round % 100 == 99) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    Job job(5, 3);
    ASSERT_EQ(ThreadPool::parallel_for(&pool, 5, Job::task, &job), 0);
    for (const std::atomic<int>& calls : job.calls) ASSERT_EQ(calls, 1);
  }
}

TEST(ThreadPool, ReportsAFailedTask) {
  ThreadPool pool(3);
  const auto fails = [](void*, int index, int) { return index == 40 ? 9 : 0; };
  EXPECT_EQ(ThreadPool::parallel_for(&pool, 100, fails, nullptr), 9);
  Job job(10, 3);
  EXPECT_EQ(ThreadPool::parallel_for(&pool, 10, Job::task, &job), 0);
}

TEST(ThreadPool, ServesSeveralCallersAndCallsFromInside) {
  ThreadPool pool(3);
  std::atomic<int> inner{0};
  struct Context {
    ThreadPool* pool;
    std::atomic<int>* inner;
  } context{&pool, &inner};
  const auto outer = [](void* data, int, int) {
    const Context& c = *static_cast<Context*>(data);
    const auto count = [](void* counter, int, int) {
      ++*static_cast<std::atomic<int>*>(counter);
      return 0;
    };
    return ThreadPool::parallel_for(c.pool, 10, count, c.inner);
  };
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] { EXPECT_EQ(ThreadPool::parallel_for(&pool, 20, outer, &context), 0); });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(inner, 4 * 20 * 10);
}

TEST(ThreadPool, FindsAtLeastOneProcessor) {
  EXPECT_GE(ThreadPool::available_threads(), 1);
  EXPECT_EQ(ThreadPool().threads(), ThreadPool::available_threads());
}

TEST(ThreadPool, DrivesARun) {
  tables_under_test();
  sepconv_problem problem = default_problem();
  problem.padding = SEPCONV_PADDING_SAME;
  problem.batch = 3;
  problem.in_channels = problem.out_channels = 33;
  problem.in_extent[0] = problem.in_extent[1] = 40;
  problem.kernel_extent[0] = problem.kernel_extent[1] = 3;
  Random random(test_seed());
  const Operands<float> operands = random_operands(random, problem, Fill::kReals);
  ThreadPool pool(3);
  sepconv_options options = default_options();
  options.max_threads = pool.threads();
  const PlanPointer plan = make_plan(problem, &options);
  ASSERT_NE(plan, nullptr) << sepconv_last_error();
  Buffers buffers(problem, *plan, operands, Flush::kEnd);
  sepconv_arguments arguments = buffers.arguments();
  arguments.parallel_for = ThreadPool::parallel_for;
  arguments.parallel_context = &pool;
  ASSERT_EQ(sepconv_plan_run(plan.get(), &arguments), SEPCONV_OK) << sepconv_last_error();
  EXPECT_TRUE(equals_reference(problem, operands, buffers.output_values()));
}

}  // namespace
}  // namespace sepconv::test
