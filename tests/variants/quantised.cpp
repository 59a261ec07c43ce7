// Layers of int8 and uint8 by the library's own choice of variants.
#include "support/quantised.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "sepconv/problem.hpp"
#include "support/describe.h"
#include "support/harness.h"
#include "support/seeds.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

class Quantised : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { tables_under_test(); }
};

sepconv_problem integers(Random& random, sepconv_dtype dtype) {
  sepconv_variant variant{};
  variant.spatial_rank = static_cast<int32_t>(uniform(random, 1, 3));
  variant.layout = one_in(random, 2) ? SEPCONV_LAYOUT_CHANNELS_FIRST : SEPCONV_LAYOUT_CHANNELS_LAST;
  variant.input_dtype = variant.weight_dtype = variant.output_dtype = SEPCONV_DTYPE_I8;
  variant.input_activation = 1;
  if (one_in(random, 8)) variant.stages = SEPCONV_STAGES_DEPTHWISE;
  sepconv_problem problem = random_problem_for(random, variant, all_features, Sizes::kSmall);
  set_dtype(&problem, dtype);
  return problem;
}

// Weights and data at the ends of int8, zero points at theirs, scales from far below 1 to above it, ties, large biases.
TEST_F(Quantised, ExtremesEqualTheDefinition) {
  for (const Numbers numbers : {Numbers::kUsual, Numbers::kExtreme}) {
    for (const sepconv_rounding rounding : {SEPCONV_ROUNDING_FLOAT, SEPCONV_ROUNDING_EXACT}) {
      for_each_seed(test_count(125), [&](Random& random) {
        const sepconv_problem problem = integers(random, one_in(random, 3) ? SEPCONV_DTYPE_U8 : SEPCONV_DTYPE_I8);
        QuantisedLayer layer = random_quantised(random, problem, rounding, numbers);
        Parallel parallel;
        parallel.order = Order::kShuffled;
        RunOptions how;
        how.max_threads = static_cast<int32_t>(uniform(random, 1, 4));
        if (one_in(random, 2)) how.parallel = &parallel;
        SCOPED_TRACE(describe(problem));
        const OutcomeOf<int8_t> outcome = run(problem, layer.input, layer.weights(), how);
        EXPECT_TRUE(same_bits(quantised_reference(layer), outcome.output)) << outcome.variant;
      });
    }
  }
}

// By hand.
TEST_F(Quantised, AnswersOfOneLine) {
  QuantisedLayer layer;
  layer.problem = default_problem();
  set_dtype(&layer.problem, SEPCONV_DTYPE_I8);
  layer.problem.spatial_rank = 1;
  layer.problem.padding = SEPCONV_PADDING_SAME;
  layer.problem.in_channels = layer.problem.out_channels = 1;
  layer.problem.in_extent[0] = 4;
  layer.problem.kernel_extent[0] = 3;
  layer.input = {1, 2, 3, 4};
  layer.depthwise = {1, 2, 3};
  layer.pointwise = {3};
  layer.depthwise_scale = layer.pointwise_scale = {1};
  for (const sepconv_rounding rounding : {SEPCONV_ROUNDING_FLOAT, SEPCONV_ROUNDING_EXACT}) {
    sepconv_quantization_init(&layer.quantization, sizeof layer.quantization);
    layer.quantization.rounding = rounding;
    layer.quantization.input_zero_point = 1;
    layer.quantization.mid_scale = 2;
    layer.quantization.mid_zero_point = -5;
    layer.quantization.output_scale = 8;
    layer.quantization.output_zero_point = 10;
    // The line is 0, 1, 2, 3. Sums of taps: 3, 8, 14, 8. Halved: 1.5, 4, 7, 4; halves go to the even number, or away
    // from 0: 2. Three times: 6, 12, 21, 12; times 2 / 8: 1.5, 3, 5.25, 3, and 10 more. Rounded twice, 5.25 is 5.5 and
    // then 6.
    const bool twice = rounding == SEPCONV_ROUNDING_EXACT;
    const std::vector<int8_t> expected = {12, 13, static_cast<int8_t>(twice ? 16 : 15), 13};
    EXPECT_TRUE(same_bits(expected, run(layer.problem, layer.input, layer.weights()).output)) << rounding;
    EXPECT_TRUE(same_bits(expected, quantised_reference(layer)));
  }
}

// Each wrong field has its sentence, and nothing is packed.
TEST_F(Quantised, WrongScalesAndZeroPointsAreRefused) {
  Random random(test_seed());
  sepconv_problem problem = small_problem();
  set_dtype(&problem, SEPCONV_DTYPE_I8);
  const QuantisedLayer right = random_quantised(random, problem, SEPCONV_ROUNDING_FLOAT, Numbers::kUsual);
  const PlanPointer plan = require_plan(problem);
  const struct {
    const char* sentence;
    std::function<void(QuantisedLayer*)> spoil;
  } cases[] = {
      {"quantization.input_scale is 0", [](auto* l) { l->quantization.input_scale = 0; }},
      {"quantization.mid_scale is -1", [](auto* l) { l->quantization.mid_scale = -1; }},
      {"quantization.output_scale is nan", [](auto* l) { l->quantization.output_scale = std::nanf(""); }},
      {"quantization.output_scale is inf", [](auto* l) { l->quantization.output_scale = HUGE_VALF; }},
      {"quantization.input_scale is 9.99995e-41", [](auto* l) { l->quantization.input_scale = 1e-40F; }},
      {"quantization.input_zero_point is 128", [](auto* l) { l->quantization.input_zero_point = 128; }},
      {"quantization.mid_zero_point is -129", [](auto* l) { l->quantization.mid_zero_point = -129; }},
      {"quantization.output_zero_point is 1000", [](auto* l) { l->quantization.output_zero_point = 1000; }},
      {"quantization.depthwise_scale_count is 3", [](auto* l) { l->depthwise_scale.assign(3, 1); }},
      {"quantization.pointwise_scale[5] is 0", [](auto* l) { l->pointwise_scale = {1, 1, 1, 1, 1, 0}; }},
      {"quantization.depthwise_scale[0] is 1e+30",
       [](auto* l) {
         l->depthwise_scale.assign(1, 1e30F);
         l->quantization.mid_scale = 1e-20F;
       }},
      {"quantization.pointwise_scale is NULL", [](auto* l) { l->pointwise_scale.clear(); }},
  };
  for (const auto& [sentence, spoil] : cases) {
    QuantisedLayer layer = right;
    spoil(&layer);
    const sepconv_weights weights = layer.weights();
    GuardedBuffer packed(sepconv_plan_packed_size(plan.get()), 64, Flush::kEnd);
    std::fill_n(packed.as<char>(), packed.size(), 0x55);
    EXPECT_EQ(sepconv_plan_pack(plan.get(), &weights, packed.data(), packed.size()), SEPCONV_INVALID_ARGUMENT);
    EXPECT_TRUE(last_error_has(sentence));
    EXPECT_EQ(std::count(packed.as<char>(), packed.as<char>() + packed.size(), 0x55),
              static_cast<std::ptrdiff_t>(packed.size()));
  }
  QuantisedLayer layer = right;
  sepconv_weights weights = layer.weights();
  weights.quantization = nullptr;
  GuardedBuffer packed(sepconv_plan_packed_size(plan.get()), 64, Flush::kEnd);
  EXPECT_EQ(sepconv_plan_pack(plan.get(), &weights, packed.data(), packed.size()), SEPCONV_INVALID_ARGUMENT);
  EXPECT_TRUE(last_error_has("weights.quantization is NULL"));
}

// What is there for floats only, and sums that float32 does not hold.
TEST_F(Quantised, WhatIsNotBuiltIsRefused) {
  Random random(test_seed());
  sepconv_problem problem = small_problem();
  set_dtype(&problem, SEPCONV_DTYPE_I8);
  sepconv_problem other = problem;
  other.mid_activation.kind = SEPCONV_ACTIVATION_SWISH;
  sepconv_status status;
  EXPECT_EQ(make_plan(other, nullptr, &status), nullptr);
  EXPECT_EQ(status, SEPCONV_UNSUPPORTED);
  EXPECT_TRUE(last_error_has("problem.mid_activation is swish"));
  other = problem;
  other.has_residual = 1;
  EXPECT_EQ(make_plan(other, nullptr, &status), nullptr);
  EXPECT_TRUE(last_error_has("problem.has_residual"));

  problem.spatial_rank = 1;
  problem.in_extent[0] = 700;
  problem.kernel_extent[0] = 600;
  QuantisedLayer layer = random_quantised(random, problem, SEPCONV_ROUNDING_FLOAT, Numbers::kUsual);
  layer.depthwise.assign(layer.depthwise.size(), -128);
  const PlanPointer plan = require_plan(problem);
  const sepconv_weights weights = layer.weights();
  GuardedBuffer packed(sepconv_plan_packed_size(plan.get()), 64, Flush::kEnd);
  layer.quantization.input_zero_point = -128;
  EXPECT_EQ(sepconv_plan_pack(plan.get(), &weights, packed.data(), packed.size()), SEPCONV_UNSUPPORTED);
  EXPECT_TRUE(last_error_has("weights.depthwise_kernel of channel 0 can sum up to 19584000"));
}

}  // namespace
}  // namespace sepconv::test
