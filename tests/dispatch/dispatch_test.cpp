// The row that the library chooses is the one that should be: by name, on the rows that ship, for this machine and for
// lesser ones.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "dispatch.h"
#include "sepconv_default.h"
#include "sepconv_test_layers.h"
#include "support/describe.h"
#include "support/harness.h"
#include "support/random_problem.h"

namespace sepconv::test {
namespace {

sepconv_problem problem_of(int32_t rank, int64_t kernel, int64_t stride, int64_t dilation = 1, int64_t multiplier = 1) {
  sepconv_problem problem = default_problem();
  problem.spatial_rank = rank;
  problem.padding = SEPCONV_PADDING_SAME;
  problem.in_channels = 32;
  problem.depth_multiplier = multiplier;
  problem.out_channels = 48;
  for (int axis = 0; axis < rank; ++axis) {
    problem.in_extent[axis] = 21;
    problem.kernel_extent[axis] = kernel;
    problem.stride[axis] = stride;
    problem.dilation[axis] = dilation;
  }
  return problem;
}

// The choice on a machine that runs these targets, whatever this one is. `users` adds the test's own layers.
std::string chosen(const sepconv_problem& problem, const char* machine, bool users = false) {
  internal::TargetSet targets = 0;
  const char* unknown = nullptr;
  size_t length = 0;
  EXPECT_TRUE(internal::parse_targets(machine, &targets, &unknown, &length));
  internal::Geometry geometry;
  EXPECT_EQ(internal::analyse_problem(&problem, &geometry), SEPCONV_OK) << sepconv_last_error();
  internal::Tables tables{};
  tables.table[tables.count++] = sepconv_default_variants();
  if (users) tables.table[tables.count++] = sepconv_test_layers_variants();
  const internal::Request request = {&geometry, targets, internal::all_targets, nullptr, false, 0};
  const sepconv_variant* row = internal::choose_variant(request, tables);
  return row != nullptr ? row->name : "none";
}

constexpr const char* kAvx2 = "portable,x86_sse41,x86_avx2";

TEST(Dispatch, SpecialisedRowsTakeTheirProblems) {
  EXPECT_EQ(chosen(problem_of(2, 3, 1), kAvx2), "2d_f32_nhwc_k3s1d1m1_x86_avx2");
  EXPECT_EQ(chosen(problem_of(2, 3, 2), kAvx2), "2d_f32_nhwc_k3s2d1m1_x86_avx2");
  EXPECT_EQ(chosen(problem_of(2, 5, 1), kAvx2), "2d_f32_nhwc_k5s1d1m1_x86_avx2");
  EXPECT_EQ(chosen(problem_of(2, 5, 2), kAvx2), "2d_f32_nhwc_k5s2d1m1_x86_avx2");
  EXPECT_EQ(chosen(problem_of(1, 9, 1), kAvx2), "1d_f32_nwc_s1d1m1_x86_avx2");
}

TEST(Dispatch, EverythingElseGoesToTheGenericRow) {
  EXPECT_EQ(chosen(problem_of(2, 4, 1), kAvx2), "2d_f32_nhwc_any_x86_avx2");
  EXPECT_EQ(chosen(problem_of(2, 3, 3), kAvx2), "2d_f32_nhwc_any_x86_avx2");
  EXPECT_EQ(chosen(problem_of(2, 3, 1, 2), kAvx2), "2d_f32_nhwc_any_x86_avx2");
  EXPECT_EQ(chosen(problem_of(2, 3, 1, 1, 2), kAvx2), "2d_f32_nhwc_any_x86_avx2");
  EXPECT_EQ(chosen(problem_of(1, 9, 2), kAvx2), "1d_f32_nwc_any_x86_avx2");
  sepconv_problem unequal = problem_of(2, 3, 1);
  unequal.stride[1] = 2;
  EXPECT_EQ(chosen(unequal, kAvx2), "2d_f32_nhwc_any_x86_avx2");
}

// Above the baseline, and below what has rows of its own: the rows that fix nothing.
TEST(Dispatch, ProcessorsWithFewExtensionsGetAGenericRow) {
  EXPECT_EQ(chosen(problem_of(2, 3, 1), "portable"), "2d_f32_nhwc_any_portable");
  EXPECT_EQ(chosen(problem_of(1, 3, 2, 2, 3), "portable"), "1d_f32_nwc_any_portable");
  EXPECT_EQ(chosen(problem_of(2, 3, 1), "portable,x86_sse41"), "2d_f32_nhwc_any_x86_sse41");
  EXPECT_EQ(chosen(problem_of(1, 3, 2, 2, 3), "portable,x86_sse41"), "1d_f32_nwc_any_x86_sse41");
}

TEST(Dispatch, UsersLayersRankBeforeTheShippedRows) {
  sepconv_problem problem = problem_of(2, 3, 1);
  EXPECT_EQ(chosen(problem, kAvx2, true), "2d_f32_nhwc_k3s1d1m1_x86_avx2");
  problem.in_extent[0] = problem.in_extent[1] = 14;
  EXPECT_EQ(chosen(problem, kAvx2, true), "2d_f32_nhwc_k3s1d1m1c32o48e14_x86_avx2");
  EXPECT_EQ(chosen(problem, "portable", true), "2d_f32_nhwc_any_portable");
  problem.padding = SEPCONV_PADDING_VALID;  // a layer's name says nothing about padding
  EXPECT_EQ(chosen(problem, kAvx2, true), "2d_f32_nhwc_k3s1d1m1c32o48e14_x86_avx2");
  problem.out_channels = 47;
  EXPECT_EQ(chosen(problem, kAvx2, true), "2d_f32_nhwc_k3s1d1m1_x86_avx2");
}

// No legal problem of the shipped groups is without a row, on any machine.
TEST(Dispatch, EveryLegalProblemHasARow) {
  for (uint64_t i = 0; i < 2000; ++i) {
    Random random(test_seed() + i);
    const sepconv_problem problem = random_problem(random);
    ASSERT_NE(chosen(problem, "portable"), "none") << describe(problem);
    ASSERT_NE(chosen(problem, kAvx2), "none") << describe(problem);
  }
}

// The same, through the public API and the real machine.
TEST(Dispatch, PlansObeySEPCONV_TARGETS) {
  ASSERT_EQ(sepconv_register(sepconv_default_variants()), SEPCONV_OK) << sepconv_last_error();
  const auto planned = [] {
    const PlanPointer plan = make_plan(problem_of(2, 3, 1));
    return plan != nullptr ? std::string(sepconv_plan_variant(plan.get())) : std::string("none");
  };
  unsetenv("SEPCONV_TARGETS");
  const auto runs = [](const char* target) {
    return (internal::machine_targets() >> internal::target_index(target) & 1) != 0;
  };
  const std::string fallback = "2d_f32_nhwc_any_portable", stem = "2d_f32_nhwc_k3s1d1m1_";
  const std::string sse41 = runs("x86_sse41") ? "2d_f32_nhwc_any_x86_sse41" : fallback;
  const std::string avx2 = runs("x86_avx2") ? stem + "x86_avx2" : sse41;
  const std::string best = runs("x86_avx512") ? stem + "x86_avx512" : avx2;
  EXPECT_EQ(planned(), best);
  setenv("SEPCONV_TARGETS", "portable", 1);
  EXPECT_EQ(planned(), fallback);
  setenv("SEPCONV_TARGETS", "-x86_avx512", 1);
  EXPECT_EQ(planned(), avx2);
  setenv("SEPCONV_TARGETS", "-x86_avx512,-x86_avx2", 1);
  EXPECT_EQ(planned(), sse41);
  setenv("SEPCONV_TARGETS", "-portable", 1);
  EXPECT_EQ(planned(), best == fallback ? "none" : best);
  setenv("SEPCONV_TARGETS", "", 1);
  EXPECT_EQ(planned(), best);
  unsetenv("SEPCONV_TARGETS");
}

}  // namespace
}  // namespace sepconv::test
