// Every allocation fails once: nothing aborts, nothing leaks, nothing is written, and the status says so.
#include "support/allocations.h"

#include <gtest/gtest.h>

#include "support/harness.h"
#include "support/random_problem.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

sepconv_problem a_problem() {
  sepconv_problem problem = default_problem();
  problem.in_channels = problem.out_channels = 20;
  problem.in_extent[0] = problem.in_extent[1] = 17;
  problem.kernel_extent[0] = problem.kernel_extent[1] = 3;
  return problem;
}

class Allocations : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { tables_under_test(); }
};

// A run that only has to be started.
class AllocationsOfRuns : public Allocations {
 protected:
  AllocationsOfRuns() : problem_(a_problem()), plan_(require_plan(problem_)) {
    Random random(test_seed());
    operands_ = random_operands(random, problem_, Fill::kReals);
    buffers_ = std::make_unique<Buffers>(problem_, *plan_, operands_, Flush::kEnd);
    arguments_ = buffers_->arguments();
  }

  sepconv_problem problem_;
  PlanPointer plan_;
  Operands<float> operands_;
  std::unique_ptr<Buffers> buffers_;
  sepconv_arguments arguments_;
};

TEST_F(Allocations, EachFailureInPlanningIsReported) {
  const sepconv_problem problem = a_problem();
  sepconv_options options = default_options();
  options.max_threads = 4;
  sepconv_plan* plan = nullptr;
  watch_allocations();
  EXPECT_EQ(sepconv_plan_create(&problem, &options, &plan), SEPCONV_OK);
  const int needed = allocations_seen();
  sepconv_plan_destroy(plan);
  ASSERT_GT(needed, 0) << "the wrapped allocators were not called: this test tests nothing";
  const int alive = allocations_alive();
  for (int n = 0; n < needed; ++n) {
    plan = reinterpret_cast<sepconv_plan*>(&options);
    watch_allocations(n);
    const sepconv_status status = sepconv_plan_create(&problem, &options, &plan);
    allocations_seen();
    EXPECT_EQ(status, SEPCONV_OUT_OF_MEMORY) << "allocation " << n;
    EXPECT_EQ(plan, nullptr);
    EXPECT_STRNE(sepconv_last_error(), "");
    EXPECT_EQ(allocations_alive(), alive) << "allocation " << n;
  }
}

TEST_F(Allocations, RefusedPlansLeakNothing) {
  const int alive = allocations_alive();
  sepconv_problem illegal = a_problem(), not_built = a_problem();
  illegal.stride[0] = 0;
  not_built.mid_dtype = SEPCONV_DTYPE_F16;
  sepconv_options options = default_options();
  options.variant = "no_such_variant";
  EXPECT_EQ(make_plan(illegal), nullptr);
  EXPECT_EQ(make_plan(not_built), nullptr);
  EXPECT_EQ(make_plan(a_problem(), &options), nullptr);
  EXPECT_EQ(allocations_alive(), alive);
}

TEST_F(AllocationsOfRuns, EachFailureIsReported) {
  arguments_.workspace = nullptr;
  arguments_.workspace_size = 0;
  const int alive = allocations_alive();
  int failures = 0;
  for (;; ++failures) {
    watch_allocations(failures);
    const sepconv_status status = sepconv_plan_run(plan_.get(), &arguments_);
    const int seen = allocations_seen();
    EXPECT_EQ(allocations_alive(), alive) << "allocation " << failures;
    if (status == SEPCONV_OK) {
      EXPECT_LE(seen, failures);
      break;
    }
    ASSERT_EQ(status, SEPCONV_OUT_OF_MEMORY) << sepconv_last_error();
    EXPECT_TRUE(buffers_->output_untouched());
  }
  EXPECT_GT(failures, 0) << "a run without a workspace allocated nothing";
  EXPECT_TRUE(equals_reference(problem_, operands_, buffers_->output_values()));
}

TEST_F(AllocationsOfRuns, NothingIsAllocatedWithAWorkspace) {
  const sepconv_weights weights = weights_of(operands_);
  buffers_->packed.make_writable();
  char text[500];
  watch_allocations();
  EXPECT_EQ(sepconv_plan_pack(plan_.get(), &weights, buffers_->packed.data(), buffers_->packed.size()), SEPCONV_OK);
  EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), SEPCONV_OK);
  EXPECT_EQ(sepconv_plan_explain(plan_.get(), text, sizeof text), SEPCONV_OK);
  EXPECT_EQ(allocations_seen(), 0);
}

}  // namespace
}  // namespace sepconv::test
