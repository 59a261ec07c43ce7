// options.flush_denormals: subnormal numbers count as 0 in every task of a run, on whatever thread, and nowhere else.
#include "denormals.h"

#include <gtest/gtest.h>

#include <vector>

#include "sepconv/thread_pool.hpp"
#include "support/harness.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

constexpr float kSubnormal = 1e-40f;

// Identity on one channel: what goes in comes out.
std::vector<float> pass_through(int32_t flush, bool threads, float value) {
  sepconv_problem problem = default_problem();
  problem.spatial_rank = 1;
  problem.in_channels = problem.out_channels = problem.kernel_extent[0] = 1;
  problem.in_extent[0] = 20'000;
  sepconv_options options = default_options();
  options.flush_denormals = flush;
  options.max_threads = threads ? 3 : 1;
  const PlanPointer plan = make_plan(problem, &options);
  if (plan == nullptr) {
    ADD_FAILURE() << sepconv_last_error();
    return {};
  }
  const std::vector<float> input(20'000, value), one(1, 1.0f);
  Buffers buffers(problem, *plan, {input, one, one, {}, {}, {}}, Flush::kEnd);
  sepconv_arguments arguments = buffers.arguments();
  ThreadPool pool(3);
  if (threads) {
    arguments.parallel_for = ThreadPool::parallel_for;
    arguments.parallel_context = &pool;
  }
  EXPECT_EQ(sepconv_plan_run(plan.get(), &arguments), SEPCONV_OK) << sepconv_last_error();
  return buffers.output_values();
}

// Half of a subnormal number, computed here.
float half_of(float value) {
  const volatile float number = value;
  return number * 0.5f;
}

TEST(Denormals, CountAsZeroWhereThatIsWanted) {
  tables_under_test();
  const float flushed = SEPCONV_CAN_FLUSH_DENORMALS ? 0 : kSubnormal;
  for (const bool threads : {false, true}) {
    for (const float value : pass_through(1, threads, kSubnormal)) ASSERT_EQ(value, flushed);
    for (const float value : pass_through(1, threads, 1e-30f)) ASSERT_EQ(value, 1e-30f);
    EXPECT_GT(half_of(kSubnormal), 0) << "the caller's mode was not restored";
  }
}

TEST(Denormals, StayOtherwise) {
  tables_under_test();
  for (const bool threads : {false, true}) {
    for (const float value : pass_through(0, threads, kSubnormal)) ASSERT_EQ(value, kSubnormal);
  }
}

TEST(Denormals, CallersModeIsRestored) {
  tables_under_test();
  const internal::FlushDenormals mode(true);
  pass_through(0, false, 1);
  pass_through(1, false, 1);
  if (SEPCONV_CAN_FLUSH_DENORMALS) {
    EXPECT_EQ(half_of(kSubnormal), 0);
  }
}

}  // namespace
}  // namespace sepconv::test
