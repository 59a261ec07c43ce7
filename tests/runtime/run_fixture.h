// What the tests of runs share: a plan, its buffers, and arguments to break.
#ifndef SEPCONV_TESTS_RUNTIME_RUN_FIXTURE_H
#define SEPCONV_TESTS_RUNTIME_RUN_FIXTURE_H

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "support/harness.h"
#include "support/random_problem.h"
#include "support/variants.h"

namespace sepconv::test {

inline sepconv_problem run_problem() {
  sepconv_problem problem = default_problem();
  problem.padding = SEPCONV_PADDING_SAME;
  problem.batch = 3;
  problem.in_channels = 5;
  problem.depth_multiplier = 2;
  problem.out_channels = 7;
  problem.in_extent[0] = 13;
  problem.in_extent[1] = 9;
  problem.kernel_extent[0] = problem.kernel_extent[1] = 3;
  problem.has_mid_bias = problem.has_out_bias = 1;
  return problem;
}

class Run : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { tables_under_test(); }

  Run() : problem_(run_problem()), random_(test_seed()) {
    operands_ = random_operands(random_, problem_, Fill::kReals);
    sepconv_options options = default_options();
    options.max_threads = 3;
    plan_ = require_plan(problem_, &options);
    buffers_ = std::make_unique<Buffers>(problem_, *plan_, operands_, Flush::kEnd);
    arguments_ = buffers_->arguments();
  }

  // The run is refused with this status, a sentence with these words, and an untouched output.
  void expect_refused(sepconv_status status, const char* argument, const char* value = "") {
    EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), status) << argument << ": " << sepconv_last_error();
    EXPECT_TRUE(last_error_has(argument));
    EXPECT_TRUE(last_error_has(value));
    EXPECT_TRUE(buffers_->output_untouched()) << argument;
    EXPECT_TRUE(buffers_->nothing_else_written()) << argument;
  }

  void expect_works() {
    EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), SEPCONV_OK) << sepconv_last_error();
    EXPECT_TRUE(equals_reference(problem_, operands_, buffers_->output_values()));
    EXPECT_TRUE(buffers_->nothing_else_written());
  }

  sepconv_problem problem_;
  Random random_;
  Operands<float> operands_;
  PlanPointer plan_;
  std::unique_ptr<Buffers> buffers_;
  sepconv_arguments arguments_;
};

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_RUNTIME_RUN_FIXTURE_H
