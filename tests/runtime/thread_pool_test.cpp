// The optional thread pool, as a parallel_for.
#include "sepconv/thread_pool.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
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

// Whether two threads work for a call: two tasks wait for each other.
bool works_in_parallel(ThreadPool& pool) {
  std::atomic<int> here{0};
  const auto meet = [](void* data, int, int) {
    std::atomic<int>& arrived = *static_cast<std::atomic<int>*>(data);
    ++arrived;
    const auto start = std::chrono::steady_clock::now();
    while (arrived != 2) {
      if (std::chrono::steady_clock::now() - start > std::chrono::seconds(60)) return 1;
      std::this_thread::yield();
    }
    return 0;
  };
  return ThreadPool::parallel_for(&pool, 2, meet, &here) == 0;
}

// Calls of some pools, each from inside the tasks of the one before; counts the innermost tasks.
struct Nest {
  std::vector<ThreadPool*> pools;  // from the outermost on
  std::atomic<int> count{0};
  static constexpr int tasks = 3;

  struct Level {
    Nest* nest;
    size_t depth;
  };
  static int enter(void* data, int, int) {
    const Level& level = *static_cast<Level*>(data);
    if (level.depth == level.nest->pools.size()) {
      ++level.nest->count;
      return 0;
    }
    Level inner{level.nest, level.depth + 1};
    return ThreadPool::parallel_for(level.nest->pools[level.depth], tasks, enter, &inner);
  }
  int run() {
    Level outermost{this, 0};
    return enter(&outermost, 0, 0);
  }
};

TEST(ThreadPool, EveryNestingRuns) {
  ThreadPool a(2), b(2), c(3);
  for (const std::vector<ThreadPool*>& pools : {std::vector<ThreadPool*>{&a, &b, &a}, {&a, &b, &c, &b, &a}, {&a, &a}}) {
    Nest nest{pools};
    int all = 1;
    for (size_t i = 0; i < pools.size(); ++i) all *= Nest::tasks;
    for (int round = 0; round < 50; ++round) {
      nest.count = 0;
      ASSERT_EQ(nest.run(), 0);
      ASSERT_EQ(nest.count, all);
    }
  }
  // Two threads, each with the pool that the other one's tasks call.
  Nest ab{{&a, &b}}, ba{{&b, &a}};
  std::thread other([&] {
    for (int round = 0; round < 300; ++round) EXPECT_EQ(ba.run(), 0);
  });
  for (int round = 0; round < 300; ++round) EXPECT_EQ(ab.run(), 0);
  other.join();
  EXPECT_EQ(ab.count + ba.count, 2 * 300 * 9);
  EXPECT_TRUE(works_in_parallel(a));
}

// A task may wait for what another thread does with the same pool.
TEST(ThreadPool, CallDoesNotWaitForAnother) {
  ThreadPool pool(2);
  const auto waits = [](void* data, int, int) {
    std::thread([data] {
      Job job(10, 2);
      EXPECT_EQ(ThreadPool::parallel_for(data, 10, Job::task, &job), 0);
      for (const std::atomic<int>& calls : job.calls) EXPECT_EQ(calls, 1);
    }).join();
    return 0;
  };
  EXPECT_EQ(ThreadPool::parallel_for(&pool, 4, waits, &pool), 0);
}

// What a task throws, on whichever thread, reaches the caller; the pool is as good as before.
TEST(ThreadPool, ThrowsWhatATaskThrows) {
  ThreadPool pool(2);
  constexpr int kTasks = 50000000;  // more than a thread runs while another one throws
  const auto here = std::this_thread::get_id();
  for (const bool on_caller : {true, false}) {
    struct Context {
      std::thread::id caller;
      bool on_caller;
      std::atomic<int> arrived{0};
    } context{here, on_caller};
    const auto throws = [](void* data, int, int) {
      Context& c = *static_cast<Context*>(data);
      ++c.arrived;
      while (c.arrived < 2) std::this_thread::yield();  // both threads are in a task
      if ((std::this_thread::get_id() == c.caller) == c.on_caller) throw std::runtime_error("a task's own");
      return 0;
    };
    try {
      ThreadPool::parallel_for(&pool, kTasks, throws, &context);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "a task's own");
    }
    EXPECT_LT(context.arrived, kTasks) << "tasks not begun by then are skipped";
    EXPECT_TRUE(works_in_parallel(pool));
  }
  const auto nested = [](void* data, int, int) {
    return ThreadPool::parallel_for(data, 5, [](void*, int, int) -> int { throw 7; }, nullptr);
  };
  EXPECT_THROW(ThreadPool::parallel_for(&pool, 5, nested, &pool), int);
  EXPECT_TRUE(works_in_parallel(pool));
}

TEST(ThreadPool, HasNoMoreThreadsThanARunTakes) {
  if (std::getenv("SEPCONV_TEST_EFFORT") != nullptr) GTEST_SKIP() << "so many threads are too much for an emulator";
  sepconv_options options = default_options();
  options.max_threads = SEPCONV_MAX_THREADS;
  tables_under_test();
  EXPECT_NE(make_plan(small_problem(), &options), nullptr) << sepconv_last_error();
  EXPECT_LE(ThreadPool(100 * SEPCONV_MAX_THREADS).threads(), SEPCONV_MAX_THREADS);
}

// Leaves the process room for a few more threads' stacks. False where nobody holds it to that, as in an emulator.
bool limit_memory() {
  std::ifstream sizes("/proc/self/statm");
  uint64_t pages = 0;
  sizes >> pages;
  const rlim_t limit = pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) + (uint64_t{40} << 20);
  const rlimit limits = {limit, limit};
  setrlimit(RLIMIT_AS, &limits);
  return mmap(nullptr, size_t{1} << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

TEST(ThreadPoolDeathTest, StartsAsManyThreadsAsTheSystemAllows) {
  EXPECT_EXIT(
      {
        const bool limited = limit_memory();
        ThreadPool pool(100);
        Job job(1000, pool.threads());
        const bool works = ThreadPool::parallel_for(&pool, 1000, Job::task, &job) == 0 && !job.confused;
        _exit(works && (limited ? pool.threads() < 100 : pool.threads() <= 100) ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

// In the child of a fork a pool has no threads: it neither waits for them nor joins them.
TEST(ThreadPool, WorksInTheChildOfAFork) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer ends the child of a fork that starts threads";
#endif
  auto pool = std::make_unique<ThreadPool>(3);
  Job before(50, 3);
  ASSERT_EQ(ThreadPool::parallel_for(pool.get(), 50, Job::task, &before), 0);
  for (const auto pause : {std::chrono::milliseconds(0), std::chrono::milliseconds(20)}) {  // its threads awake, asleep
    std::this_thread::sleep_for(pause);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      alarm(60);
      Job job(50, 3);
      bool works = ThreadPool::parallel_for(pool.get(), 50, Job::task, &job) == 0 && !job.confused;
      for (const std::atomic<int>& calls : job.calls) works = works && calls == 1;
      pool.reset();
      ThreadPool own(2);
      _exit(works && works_in_parallel(own) ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
  }
  EXPECT_TRUE(works_in_parallel(*pool));
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
