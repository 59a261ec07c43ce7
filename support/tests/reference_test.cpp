// Tests of the reference that the programs check results against, and of running a layer: a time is worth what its
// answer is worth.
#include "reference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "layer_run.h"
#include "problem_size.h"
#include "sepconv/problem.hpp"
#include "sepconv_default.h"

namespace sepconv::support {
namespace {

// A golden case of docs/semantics.md: 10x10 pixels of 3 channels, 2x2 taps, multiplier 2, 12 outputs, stride 2, "same",
// dilation 2.
sepconv_problem golden_problem() {
  sepconv_problem problem;
  sepconv_problem_init(&problem, sizeof problem);
  problem.padding = SEPCONV_PADDING_SAME;
  problem.batch = 2;
  problem.in_channels = 3;
  problem.depth_multiplier = 2;
  problem.out_channels = 12;
  for (int axis = 0; axis < 2; ++axis) {
    problem.in_extent[axis] = 10;
    problem.kernel_extent[axis] = problem.stride[axis] = problem.dilation[axis] = 2;
  }
  return problem;
}

std::vector<float> counting(size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 0.0F);
  return values;
}

std::vector<double> reference_output(const sepconv_problem& problem, const std::vector<float>& input,
                                     const Weights& weights) {
  const int64_t pixels = output_pixels(problem), channels = problem.out_channels;
  const bool channels_last = problem.layout == SEPCONV_LAYOUT_CHANNELS_LAST;
  std::vector<double> output(static_cast<size_t>(problem.batch * pixels * channels)),
      pixel_output(static_cast<size_t>(channels));
  Reference<float> reference(problem, input.data(), weights);
  for (int64_t image = 0; image < problem.batch; ++image) {
    for (int64_t pixel = 0; pixel < pixels; ++pixel) {
      reference.compute(image, pixel, pixel_output.data());
      for (int64_t f = 0; f < channels; ++f) {
        const int64_t at = channels_last ? pixel * channels + f : f * pixels + pixel;
        output[static_cast<size_t>(image * pixels * channels + at)] = pixel_output[static_cast<size_t>(f)];
      }
    }
  }
  return output;
}

TEST(Reference, GivesTheGoldenValues) {
  sepconv_problem problem = golden_problem();
  const Weights weights = {counting(24), counting(72), {}, {}};
  const std::vector<double> last = reference_output(problem, counting(600), weights);
  EXPECT_EQ(last.front(), 451536);
  EXPECT_EQ(last.back(), 466693);
  EXPECT_EQ(std::accumulate(last.begin(), last.end(), 0.0), 1456859844.0);
  problem.layout = SEPCONV_LAYOUT_CHANNELS_FIRST;
  const std::vector<double> first = reference_output(problem, counting(600), weights);
  EXPECT_EQ(first.front(), 1595280);
  EXPECT_EQ(first.back(), 459400);
  EXPECT_EQ(std::accumulate(first.begin(), first.end(), 0.0), 1685561400.0);
}

TEST(Reference, EndsInTheMiddleWhereThatIsAll) {
  sepconv_problem problem = golden_problem();
  problem.stages = SEPCONV_STAGES_DEPTHWISE;
  problem.out_channels = 0;
  problem.mid_activation = {SEPCONV_ACTIVATION_CLAMP, 0, 2500};
  EXPECT_EQ(output_channels(problem), mid_channels(problem));
  const Weights weights = {counting(24), {}, {}, {}};
  const std::vector<float> input = counting(600);
  std::vector<double> one(static_cast<size_t>(mid_channels(problem)));
  Reference<float> reference(problem, input.data(), weights);
  reference.compute(0, 0, one.data());
  // The taps of the first pixel: tap t of channel k weighs 6 * t + k.
  const auto tap_sum = [&](int64_t k) {
    const int64_t c = k / problem.depth_multiplier;
    double sum = 0;
    for (int64_t t = 0; t < taps(problem); ++t) {
      const int64_t y = t / 2 * problem.dilation[0], x = t % 2 * problem.dilation[1];
      const int64_t sample = (y * problem.in_extent[1] + x) * problem.in_channels + c;
      sum += static_cast<double>(sample * (t * mid_channels(problem) + k));
    }
    return std::min(sum, 2500.0);
  };
  for (int64_t k = 0; k < mid_channels(problem); ++k) EXPECT_EQ(one[static_cast<size_t>(k)], tap_sum(k)) << k;
}

// Layers are run in the type they have, and with the stages they have.
TEST(LayerRun, TakesEachTypeAndTheDepthwiseStageAlone) {
  ASSERT_EQ(sepconv_register(sepconv_default_variants()), SEPCONV_OK);
  for (const sepconv_dtype dtype : {SEPCONV_DTYPE_F32, SEPCONV_DTYPE_F64, SEPCONV_DTYPE_F16, SEPCONV_DTYPE_BF16}) {
    for (const sepconv_stages stages : {SEPCONV_STAGES_BOTH, SEPCONV_STAGES_DEPTHWISE}) {
      sepconv_problem problem = golden_problem();
      problem.stages = stages;
      set_dtype(&problem, dtype);
      if (stages == SEPCONV_STAGES_DEPTHWISE) problem.out_channels = 0;
      Random random(3);
      const Weights weights = random_weights(problem, &random, 0.5F);
      std::vector<float> values;
      random.fill(&values, 600, 1);
      const LayerRun run(problem, nullptr, weights);
      const Buffer input = elements_of(values, dtype);
      const Accuracy accuracy = run.run_and_check(input.get(), weights);
      EXPECT_TRUE(accuracy.complete);
      EXPECT_LT(accuracy.max_error, error_limit(dtype));
      EXPECT_GT(accuracy.max_magnitude, 0.01);
      values[300] += 100;  // a sample that some output reads
      EXPECT_GT(check(problem, elements_of(values, dtype).get(), weights, run.output()).max_error, 0.1);
    }
  }
  EXPECT_THROW(elements_of({1}, SEPCONV_DTYPE_I32), std::runtime_error);
}

TEST(Reference, AppliesBiasesAndActivations) {
  sepconv_problem problem;  // one pixel, one tap, one channel: out = clamp(2 + 3 * relu(1 + 5 * x))
  sepconv_problem_init(&problem, sizeof problem);
  problem.in_channels = problem.out_channels = 1;
  problem.in_extent[0] = problem.in_extent[1] = problem.kernel_extent[0] = problem.kernel_extent[1] = 1;
  problem.has_mid_bias = problem.has_out_bias = 1;
  problem.mid_activation = {SEPCONV_ACTIVATION_RELU, 0, 0};
  problem.out_activation = {SEPCONV_ACTIVATION_CLAMP, -1, 30};
  const Weights weights = {{5}, {3}, {1}, {2}};
  const auto at = [&](float x) { return reference_output(problem, {x}, weights)[0]; };
  EXPECT_EQ(at(1), 20);
  EXPECT_EQ(at(-1), 2);
  EXPECT_EQ(at(10), 30);
}

TEST(Check, FindsASingleWrongElementAtTheEdgeOfASample) {
  sepconv_problem problem = golden_problem();
  const Weights weights = {counting(24), counting(72), {}, {}};
  const std::vector<float> input = counting(600);
  const std::vector<double> exact = reference_output(problem, input, weights);
  std::vector<float> output(exact.begin(), exact.end());
  constexpr double kTinyBudget = 1;
  EXPECT_TRUE(check(problem, input.data(), weights, output.data()).complete);
  EXPECT_EQ(check(problem, input.data(), weights, output.data()).max_error, 0);
  output.back() += 400;
  EXPECT_GT(check(problem, input.data(), weights, output.data(), kTinyBudget).max_error, kErrorLimit);
  output.back() = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(check(problem, input.data(), weights, output.data(), kTinyBudget).max_error,
            std::numeric_limits<double>::infinity());
}

}  // namespace
}  // namespace sepconv::support
