// Every allocation of the C++ classes and of the thread pool fails once: what is thrown says so, nothing leaks, nothing
// ends the program.
#include <gtest/gtest.h>

#include <atomic>
#include <new>
#include <vector>

#include "sepconv/sepconv.hpp"
#include "sepconv/stream.hpp"
#include "sepconv/thread_pool.hpp"
#include "support/allocations.h"
#include "support/loop_variant.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

enum class Outcome { kDone, kNoMemory, kWrong };

// Calls `call` with its first allocation failing, its second, and so on until none is left to fail. Returns how many
// times it had too little memory.
template <typename Call>
int fail_each_allocation(const Call& call) {
  call();                                    // what is allocated once and kept is not looked at
  loop_called = [] { allocations_seen(); };  // nor are the loops, whose vectors no compiled variant has
  int without_memory = 0;
  for (int n = 0;; ++n) {
    const int alive = allocations_alive();
    Outcome outcome = Outcome::kDone;
    watch_allocations(n, Watch::kNewToo);
    try {
      if (!call()) outcome = Outcome::kWrong;
    } catch (const std::bad_alloc&) {
      outcome = Outcome::kNoMemory;
    } catch (const Error& error) {
      outcome = error.status() == SEPCONV_OUT_OF_MEMORY ? Outcome::kNoMemory : Outcome::kWrong;
    }
    const int seen = allocations_seen();
    EXPECT_EQ(allocations_alive(), alive) << "allocation " << n;
    EXPECT_NE(outcome, Outcome::kWrong) << "allocation " << n;
    without_memory += outcome == Outcome::kNoMemory ? 1 : 0;
    if (seen > n && !::testing::Test::HasFailure()) continue;
    loop_called = nullptr;
    return without_memory;
  }
}

Problem line() { return Problem(1).input({5}).kernel({3}).channels(1, 1); }

TEST(CxxAllocations, EachFailureOfOneCallIsThrown) {
  tables_under_test();
  const std::vector<float> input = {1, 2, 3, 4, 5}, depthwise = {100, 10, 1}, pointwise = {1}, right = {123, 234, 345};
  EXPECT_GE(fail_each_allocation([&] { return separable_conv(line(), input, depthwise, pointwise) == right; }), 4)
      << "an output, a plan, packed weights and a workspace";
}

TEST(CxxAllocations, EachFailureOfAStreamIsThrown) {
  tables_under_test();
  const float input[] = {1, 2, 3, 4, 5}, depthwise[] = {100, 10, 1}, pointwise[] = {1};
  EXPECT_GE(fail_each_allocation([&] {
              const Plan plan(line().causal());
              const PackedWeights packed = plan.pack(depthwise, pointwise);
              Stream stream(plan, packed);
              float output[5] = {};
              return stream.push(input, 5, output, 5) == 5 && output[0] == 1 && output[4] == 345;
            }),
            3)
      << "a plan, packed weights and the stream's own memory";
}

int count(void* data, int, int) {
  static_cast<std::atomic<int>*>(data)->fetch_add(1);
  return 0;
}

// A pool has fewer threads, or is not made.
TEST(CxxAllocations, EachFailureOfAThreadPoolIsThrownOrLeavesFewerThreads) {
  for (const int threads : {0, 3}) {
    const int without_memory = fail_each_allocation([&] {
      ThreadPool pool(threads);
      std::atomic<int> calls{0};
      return ThreadPool::parallel_for(&pool, 20, count, &calls) == 0 && calls == 20;
    });
    EXPECT_GE(without_memory, 1) << threads << " threads";
  }
}

}  // namespace
}  // namespace sepconv::test
