// The variant that the library chooses is the one that should be: by name, on the variants that ship, for this machine
// and for lesser ones.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "dispatch.h"
#include "sepconv_default.h"
#include "sepconv_test_layers.h"
#include "support/describe.h"
#include "support/harness.h"
#include "support/machines.h"
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
  internal::Geometry geometry;
  EXPECT_EQ(internal::analyse_problem(&problem, &geometry), SEPCONV_OK) << sepconv_last_error();
  internal::Tables tables{};
  tables.table[tables.count++] = sepconv_default_variants();
  if (users) tables.table[tables.count++] = sepconv_test_layers_variants();
  const internal::Request request = {&geometry, targets(machine)};
  const sepconv_variant* variant = internal::choose_variant(request, tables);
  return variant != nullptr ? variant->name : "none";
}

// A machine of the processor that this program is compiled for, the last of its targets that has variants of all kinds,
// and the last that has generic ones only: its variants are never chosen where both run.
#if defined(__x86_64__)
constexpr const char *kMachine = "portable,x86_sse41,x86_avx2", *kBest = "x86_avx2", *kGeneric = "x86_sse41";
#elif defined(__aarch64__)
constexpr const char *kMachine = "portable,arm_neon", *kBest = "arm_neon", *kGeneric = "portable";
#elif defined(__arm__)
constexpr const char *kMachine = "portable,arm32_neon", *kBest = nullptr, *kGeneric = "arm32_neon";
#elif defined(__wasm__)
constexpr const char *kMachine = "portable,wasm_simd128", *kBest = nullptr, *kGeneric = "wasm_simd128";
#else
constexpr const char *kMachine = "portable", *kBest = nullptr, *kGeneric = "portable";
#endif

std::string best(const std::string& variant) { return variant + "_" + kBest; }
std::string generic(const std::string& variant) { return variant + "_" + kGeneric; }

// With an odd number of channels.
sepconv_problem odd_problem_of(int rank, int64_t kernel, int64_t stride, int64_t dilation = 1, int64_t multiplier = 1) {
  sepconv_problem problem = problem_of(rank, kernel, stride, dilation, multiplier);
  problem.in_channels = 33;
  return problem;
}

TEST(Dispatch, SpecialisedVariantsTakeTheirProblems) {
  if (kBest == nullptr) GTEST_SKIP() << "this processor has generic variants only";
  EXPECT_EQ(chosen(problem_of(2, 3, 1), kMachine), best("2d_f32_nhwc_k3s1d1m1"));
  EXPECT_EQ(chosen(odd_problem_of(2, 3, 2), kMachine), best("2d_f32_nhwc_k3s2d1m1"));
  EXPECT_EQ(chosen(problem_of(2, 5, 1), kMachine), best("2d_f32_nhwc_k5s1d1m1"));
  EXPECT_EQ(chosen(problem_of(1, 9, 1), kMachine), best("1d_f32_nwc_s1d1m1"));
}

TEST(Dispatch, EverythingElseGoesToTheGenericVariant) {
  const auto expected = kBest != nullptr ? best : generic;
  EXPECT_EQ(chosen(odd_problem_of(2, 4, 1), kMachine), expected("2d_f32_nhwc_any"));
  EXPECT_EQ(chosen(odd_problem_of(2, 3, 3), kMachine), expected("2d_f32_nhwc_any"));
  EXPECT_EQ(chosen(odd_problem_of(2, 3, 1, 2), kMachine), expected("2d_f32_nhwc_any"));
  EXPECT_EQ(chosen(odd_problem_of(2, 3, 1, 1, 2), kMachine), expected("2d_f32_nhwc_any"));
  EXPECT_EQ(chosen(odd_problem_of(1, 9, 2), kMachine), expected("1d_f32_nwc_any"));
  sepconv_problem unequal = odd_problem_of(2, 3, 1);
  unequal.stride[1] = 2;
  EXPECT_EQ(chosen(unequal, kMachine), expected("2d_f32_nhwc_any"));
}

#if defined(__x86_64__)
TEST(Dispatch, ChannelsInWholeVectorsHaveVariantsThatReadTheInput) {
  EXPECT_EQ(chosen(problem_of(2, 3, 2), kMachine), best("2d_f32_nhwc_k3s2d1m1cdiv32"));
  EXPECT_EQ(chosen(problem_of(2, 5, 2), kMachine), best("2d_f32_nhwc_k5s2d1m1cdiv32"));
  EXPECT_EQ(chosen(problem_of(2, 4, 1), kMachine), best("2d_f32_nhwc_cdiv32"));
  EXPECT_EQ(chosen(problem_of(2, 3, 1, 2), kMachine), best("2d_f32_nhwc_cdiv32"));
  EXPECT_EQ(chosen(problem_of(3, 3, 2), kMachine), best("3d_f32_ndhwc_cdiv32"));
  sepconv_problem relu = problem_of(2, 4, 1);
  relu.input_activation.kind = SEPCONV_ACTIVATION_RELU;
  EXPECT_EQ(chosen(relu, kMachine), best("2d_f32_nhwc_any"));
}
#endif

#if defined(__x86_64__)
TEST(Dispatch, LargePointwiseKernelsHaveVariantsOfTheirOwn) {
  for (const int rank : {2, 3}) {
    const std::string group = rank == 2 ? "2d_f32_nhwc_" : "3d_f32_ndhwc_";
    sepconv_problem problem = problem_of(rank, 3, 1);
    problem.in_channels = 512;
    problem.out_channels = 1024;
    EXPECT_EQ(chosen(problem, kMachine), best(group + "m1_large_weights"));
    problem.out_channels = 1023;
    EXPECT_EQ(chosen(problem, kMachine), best(group + "k3s1d1m1"));
    problem.out_channels = 1024;
    problem.out_activation.kind = SEPCONV_ACTIVATION_SWISH;
    EXPECT_EQ(chosen(problem, kMachine), best(group + "any"));
    problem.out_activation.kind = SEPCONV_ACTIVATION_NONE;
    problem.depth_multiplier = 2;
    EXPECT_EQ(chosen(problem, kMachine), best(group + (rank == 2 ? "cdiv32" : "any")))
        << "the image in 3-D is not small";
  }
}
#endif

// Above the baseline, and below what has variants of its own: the variants that fix nothing.
TEST(Dispatch, ProcessorsWithFewExtensionsGetAGenericVariant) {
  EXPECT_EQ(chosen(problem_of(2, 3, 1), "portable"), "2d_f32_nhwc_any_portable");
  EXPECT_EQ(chosen(problem_of(1, 3, 2, 2, 3), "portable"), "1d_f32_nwc_any_portable");
  const std::string machine = std::string("portable,") + kGeneric;
  EXPECT_EQ(chosen(problem_of(2, 3, 1), machine.c_str()), generic("2d_f32_nhwc_any"));
  EXPECT_EQ(chosen(problem_of(1, 3, 2, 2, 3), machine.c_str()), generic("1d_f32_nwc_any"));
}

TEST(Dispatch, UsersLayersRankBeforeTheShippedVariants) {
  // The user's library has variants for the best targets of the processor, or for the generic ones where those are all.
  const auto users = kBest != nullptr ? best : generic;
  sepconv_problem problem = problem_of(2, 3, 1);
  const std::string shipped = chosen(problem, kMachine);
  EXPECT_EQ(shipped, kBest != nullptr ? best("2d_f32_nhwc_k3s1d1m1") : generic("2d_f32_nhwc_any"));
  EXPECT_EQ(chosen(problem, kMachine, true), shipped);
  problem.in_extent[0] = problem.in_extent[1] = 14;
  EXPECT_EQ(chosen(problem, kMachine, true), users("2d_f32_nhwc_k3s1d1m1c32o48e14"));
  if (users("") != "_portable") {
    EXPECT_EQ(chosen(problem, "portable", true), "2d_f32_nhwc_any_portable");
  }
  problem.padding = SEPCONV_PADDING_VALID;  // a layer's name says nothing about padding
  EXPECT_EQ(chosen(problem, kMachine, true), users("2d_f32_nhwc_k3s1d1m1c32o48e14"));
  problem.out_channels = 47;
  EXPECT_EQ(chosen(problem, kMachine, true), shipped);
}

// No legal problem of the shipped groups is without a variant, on any machine.
TEST(Dispatch, EveryLegalProblemHasAVariant) {
  for (uint64_t i = 0; i < 2000; ++i) {
    Random random(test_seed() + i);
    const sepconv_problem problem = random_problem(random);
    ASSERT_NE(chosen(problem, "portable"), "none") << describe(problem);
    ASSERT_NE(chosen(problem, kMachine), "none") << describe(problem);
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
  // The processor's targets with variants for this problem, the best first; those that this machine runs.
  constexpr struct {
    const char *variant, *target;
  } kVariants[] = {{"k3s1d1m1", "x86_avx512"}, {"k3s1d1m1", "x86_avx2"}, {"k3s1d1m1", "arm_neon"}, {"any", "x86_sse41"},
                   {"any", "arm32_neon"},      {"any", "wasm_simd128"},  {"any", "riscv_v256"},    {"any", "portable"}};
  std::vector<std::string> here, targets;
  for (const auto& [variant, target] : kVariants) {
    if ((internal::machine_targets() >> internal::target_index(target) & 1) == 0) continue;
    here.push_back(std::string("2d_f32_nhwc_") + variant + "_" + target);
    targets.push_back(target);
  }
  EXPECT_EQ(planned(), here.front());
  std::string forbidden;
  for (size_t i = 0; i + 1 < here.size(); ++i) {
    setenv("SEPCONV_TARGETS", targets[i].c_str(), 1);
    EXPECT_EQ(planned(), here[i]);
    forbidden += "-" + targets[i] + ",";
    setenv("SEPCONV_TARGETS", forbidden.c_str(), 1);
    EXPECT_EQ(planned(), here[i + 1]);
  }
  setenv("SEPCONV_TARGETS", "portable", 1);
  EXPECT_EQ(planned(), here.back());
  setenv("SEPCONV_TARGETS", (forbidden + "-portable").c_str(), 1);
  EXPECT_EQ(planned(), "none");
  setenv("SEPCONV_TARGETS", "", 1);
  EXPECT_EQ(planned(), here.front());
  for (const char* misspelt : {"x86_avx22", "portable,x86_avx22", "x86_avx22,-portable"}) {
    setenv("SEPCONV_TARGETS", misspelt, 1);
    EXPECT_EQ(planned(), "none");
    EXPECT_TRUE(last_error_has("SEPCONV_TARGETS has the unknown target \"x86_avx22\"")) << misspelt;
  }
  setenv("SEPCONV_TARGETS", "-x86_avx22", 1);
  EXPECT_EQ(planned(), "none");
  EXPECT_TRUE(last_error_has("SEPCONV_TARGETS has the unknown target \"-x86_avx22\""));
  unsetenv("SEPCONV_TARGETS");
}

}  // namespace
}  // namespace sepconv::test
