// The lowest rung: the loop reference is right, by the answers of Keras and by sums done by hand.
#include "support/reference.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "activation.h"
#include "support/describe.h"
#include "support/golden.h"

namespace sepconv::test {
namespace {

template <typename T>
void expect_golden(const GoldenCase& golden) {
  const sepconv_problem problem = golden_problem(golden);
  SCOPED_TRACE(describe(problem));
  for (int axis = 0; axis < golden.rank; ++axis) {
    EXPECT_EQ(output_axis(problem, axis).extent, golden.out_extent[axis]) << "axis " << axis;
  }
  const std::vector<T> values = reference(problem, golden_operands<T>(problem)).values;
  EXPECT_EQ(static_cast<int64_t>(values.front()), golden.first);
  EXPECT_EQ(static_cast<int64_t>(values.back()), golden.last);
  EXPECT_EQ(static_cast<int64_t>(std::accumulate(values.begin(), values.end(), T(0))), golden.sum);
  EXPECT_EQ(golden_hash(values), golden.hash);
}

TEST(Reference, GivesTheAnswersOfKerasInIntegers) {
  ASSERT_GE(golden_cases().size(), 32u);
  for (const GoldenCase& golden : golden_cases()) expect_golden<int64_t>(golden);
}

TEST(Reference, GivesTheAnswersOfKerasInDoubles) {
  for (const GoldenCase& golden : golden_cases()) expect_golden<double>(golden);
}

// The table of docs/semantics.md.
TEST(Reference, PadsLikeKeras) {
  struct Row {
    int64_t n, k, s, d, out, before, after;
  };
  const Row rows[] = {{14, 3, 2, 1, 7, 0, 1},  {15, 3, 2, 1, 8, 1, 1}, {224, 3, 2, 1, 112, 0, 1},
                      {10, 2, 1, 2, 10, 1, 1}, {1, 3, 2, 1, 1, 1, 1},  {10, 2, 2, 2, 5, 0, 1},
                      {7, 5, 3, 1, 3, 2, 2},   {5, 1, 3, 1, 2, 0, 0},  {10, 4, 1, 3, 10, 4, 5}};
  for (const Row& row : rows) {
    sepconv_problem problem;
    sepconv_problem_init(&problem, sizeof problem);
    problem.spatial_rank = 1;
    problem.padding = SEPCONV_PADDING_SAME;
    problem.in_extent[0] = row.n;
    problem.kernel_extent[0] = row.k;
    problem.stride[0] = row.s;
    problem.dilation[0] = row.d;
    const OutputAxis axis = output_axis(problem, 0);
    EXPECT_EQ(axis.extent, row.out) << "n " << row.n;
    EXPECT_EQ(axis.pad_before, row.before) << "n " << row.n;
    const int64_t reach =
        (axis.extent - 1) * row.s + (row.k - 1) * row.d + 1;  // samples from the first read to the last
    EXPECT_EQ(std::max<int64_t>(reach - row.n - axis.pad_before, 0), row.after) << "n " << row.n;
  }
}

// One axis, one channel, identity pointwise kernel: the numbers can be checked in one's head.
sepconv_problem line(sepconv_padding padding) {
  sepconv_problem problem;
  sepconv_problem_init(&problem, sizeof problem);
  problem.spatial_rank = 1;
  problem.padding = padding;
  problem.in_channels = problem.out_channels = 1;
  problem.in_extent[0] = 5;
  problem.kernel_extent[0] = 3;
  return problem;
}

const Operands<int64_t> kLine = {{1, 2, 3, 4, 5}, {100, 10, 1}, {1}, {}, {}};

TEST(Reference, CorrelatesAndDoesNotFlipTheKernel) {
  EXPECT_EQ(reference(line(SEPCONV_PADDING_VALID), kLine).values, (std::vector<int64_t>{123, 234, 345}));
}

TEST(Reference, PutsCausalZerosBeforeTheTimeAxisOnly) {
  sepconv_problem problem = line(SEPCONV_PADDING_CAUSAL);
  EXPECT_EQ(reference(problem, kLine).values, (std::vector<int64_t>{1, 12, 123, 234, 345}));
  problem.stride[0] = 2;
  EXPECT_EQ(reference(problem, kLine).values, (std::vector<int64_t>{1, 123, 345}));
  problem.stride[0] = 1;
  problem.dilation[0] = 2;
  EXPECT_EQ(reference(problem, kLine).values, (std::vector<int64_t>{1, 2, 13, 24, 135}));
}

TEST(Reference, TakesExplicitPads) {
  sepconv_problem problem = line(SEPCONV_PADDING_EXPLICIT);
  problem.pad_before[0] = 1;
  problem.pad_after[0] = 2;
  EXPECT_EQ(reference(problem, kLine).values, (std::vector<int64_t>{12, 123, 234, 345, 450, 500}));
}

// Two input channels, multiplier 2: intermediate channel c*M+m, clamped after the mid bias; the output after its own.
TEST(Reference, AddsBiasesThenClamps) {
  sepconv_problem problem = line(SEPCONV_PADDING_VALID);
  problem.in_channels = problem.depth_multiplier = 2;
  problem.in_extent[0] = problem.kernel_extent[0] = 1;
  problem.has_mid_bias = problem.has_out_bias = 1;
  Operands<int64_t> operands = {{3, 5}, {1, 10, 2, -20}, {1, 1000, 1, 1}, {7, 0, 0, 1}, {-4}};
  EXPECT_EQ(reference(problem, operands).values, (std::vector<int64_t>{10 + 30000 + 10 - 99 - 4}));
  problem.mid_activation.kind = SEPCONV_ACTIVATION_RELU6;
  EXPECT_EQ(reference(problem, operands).values, (std::vector<int64_t>{6 + 6000 + 6 + 0 - 4}));
  problem.out_activation = {SEPCONV_ACTIVATION_CLAMP, -1, 5000};
  EXPECT_EQ(reference(problem, operands).values, (std::vector<int64_t>{5000}));
  problem.input_activation.kind = SEPCONV_ACTIVATION_RELU;
  operands.input = {-3, -5};
  problem.mid_activation.kind = problem.out_activation.kind = SEPCONV_ACTIVATION_NONE;
  EXPECT_EQ(reference(problem, operands).values, (std::vector<int64_t>{7 + 0 + 0 + 1 - 4}));
}

// 1/2 and the like, where the formulas of docs/semantics.md can be worked out by hand, and their limits.
TEST(Reference, KnowsTheActivations) {
  const auto f = [](sepconv_activation_kind kind, double x) { return support::activate({kind, 0, 0}, x); };
  const double e = std::exp(1.0);
  EXPECT_DOUBLE_EQ(f(SEPCONV_ACTIVATION_SIGMOID, 0), 0.5);
  EXPECT_DOUBLE_EQ(f(SEPCONV_ACTIVATION_SIGMOID, 1), e / (e + 1));
  EXPECT_DOUBLE_EQ(f(SEPCONV_ACTIVATION_SIGMOID, -1000), 0);
  EXPECT_DOUBLE_EQ(f(SEPCONV_ACTIVATION_SWISH, 1), e / (e + 1));
  EXPECT_DOUBLE_EQ(f(SEPCONV_ACTIVATION_SWISH, -1000), 0);
  EXPECT_DOUBLE_EQ(f(SEPCONV_ACTIVATION_SWISH, 1000), 1000);
  EXPECT_DOUBLE_EQ(f(SEPCONV_ACTIVATION_HARD_SWISH, 1), 4.0 / 6);
  EXPECT_DOUBLE_EQ(f(SEPCONV_ACTIVATION_HARD_SWISH, -3), 0);
  EXPECT_DOUBLE_EQ(f(SEPCONV_ACTIVATION_HARD_SWISH, 5), 5);
  EXPECT_DOUBLE_EQ(f(SEPCONV_ACTIVATION_TANH, 1), (e * e - 1) / (e * e + 1));
  EXPECT_DOUBLE_EQ(f(SEPCONV_ACTIVATION_GELU, 0), 0);
  EXPECT_NEAR(f(SEPCONV_ACTIVATION_GELU, 1), 0.8411919906082768, 1e-15);  // torch.nn.GELU(approximate="tanh")
  EXPECT_DOUBLE_EQ(f(SEPCONV_ACTIVATION_GELU, 50), 50);
}

// The steepest slope bounds the functions' differences.
TEST(Reference, KnowsHowSteepTheActivationsAre) {
  for (int kind = 0; kind < SEPCONV_ACTIVATION_COUNT; ++kind) {
    const sepconv_activation activation = {static_cast<sepconv_activation_kind>(kind), -1, 2};
    for (double x = -20; x < 20; x += 1e-3) {
      const double rise = std::abs(support::activate(activation, x + 1e-3) - support::activate(activation, x));
      ASSERT_LE(rise, support::steepness(activation) * 1e-3 * (1 + 1e-9))
          << sepconv_activation_name(activation.kind) << " at " << x;
    }
  }
}

TEST(Reference, AddsTheResidualBeforeTheActivation) {
  sepconv_problem problem = line(SEPCONV_PADDING_VALID);
  problem.has_residual = 1;
  problem.out_activation = {SEPCONV_ACTIVATION_CLAMP, 0, 300};
  Operands<int64_t> operands = kLine;  // 123, 234, 345 without it
  operands.residual = {-200, 10, -100};
  EXPECT_EQ(reference(problem, operands).values, (std::vector<int64_t>{0, 244, 245}));
}

// Zeros of the padding stay zeros, whatever the activation makes of a 0.
TEST(Reference, ActivatesTheInputAndNotItsPadding) {
  sepconv_problem problem = line(SEPCONV_PADDING_SAME);
  problem.input_activation = {SEPCONV_ACTIVATION_CLAMP, 3, 4};
  EXPECT_EQ(reference(problem, kLine).values, (std::vector<int64_t>{33, 333, 334, 344, 440}));
}

TEST(Reference, ComputesOneStageAlone) {
  sepconv_problem problem = line(SEPCONV_PADDING_CAUSAL);
  problem.stages = SEPCONV_STAGES_DEPTHWISE;
  problem.out_channels = 0;
  problem.depth_multiplier = 2;
  problem.mid_activation = {SEPCONV_ACTIVATION_CLAMP, 0, 200};
  const Operands<int64_t> both = {{1, 2, 3, 4, 5}, {100, -1, 10, -1, 1, -1}, {}, {}, {}};
  EXPECT_EQ(reference(problem, both).values, (std::vector<int64_t>{1, 0, 12, 0, 123, 0, 200, 0, 200, 0}));

  problem = line(SEPCONV_PADDING_VALID);
  problem.stages = SEPCONV_STAGES_POINTWISE;
  problem.kernel_extent[0] = 0;
  problem.out_channels = 2;
  problem.stride[0] = 2;
  const Operands<int64_t> pointwise = {{1, 2, 3, 4, 5}, {}, {10, -1}, {}, {}};
  EXPECT_EQ(reference(problem, pointwise).values, (std::vector<int64_t>{10, -1, 30, -3, 50, -5}));
}

// The tolerance must let float32 arithmetic pass, and nothing much worse: a sum of 100 products near 1 may be off by
// about 6 * sqrt(100) units in the last place of the sum of their absolute values.
TEST(Reference, DerivesItsToleranceFromTheProducts) {
  sepconv_problem problem = line(SEPCONV_PADDING_VALID);
  problem.in_extent[0] = problem.kernel_extent[0] = 1;
  problem.in_channels = 100;
  const std::vector<double> ones(100, 1.0);
  const double tolerance = reference(problem, Operands<double>{ones, ones, ones, {}, {}}).tolerance.front();
  EXPECT_GT(tolerance, 100 * 10 * 0x1p-24);
  EXPECT_LT(tolerance, 100 * 100 * 0x1p-24);
  const std::vector<double> tens(100, 10.0);
  const double larger = reference(problem, Operands<double>{ones, tens, ones, {}, {}}).tolerance.front();
  EXPECT_NEAR(larger / tolerance, 10, 1e-6);
}

}  // namespace
}  // namespace sepconv::test
