// Folded batch normalisations give what the normalisation itself gives.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "support/any_number.h"
#include "support/describe.h"
#include "support/harness.h"
#include "support/random_problem.h"
#include "support/seeds.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

// One batch normalisation; an empty vector is a parameter left out.
struct Norm {
  std::vector<double> gamma, beta, mean, variance;
  double epsilon = 1e-3;

  double scale(size_t channel) const {
    const double spread = variance.empty() ? 1 : variance[channel];
    return (gamma.empty() ? 1 : gamma[channel]) / std::sqrt(spread + epsilon);
  }
  double apply(size_t channel, double x) const {
    return (x - (mean.empty() ? 0 : mean[channel])) * scale(channel) + (beta.empty() ? 0 : beta[channel]);
  }
};

Norm random_norm(Random& random, int64_t channels) {
  const auto draw = [&](double low, double high) {
    std::vector<double> values;
    if (one_in(random, 4)) return values;
    for (int64_t c = 0; c < channels; ++c) {
      const double part = static_cast<double>(uniform(random, 0, 1 << 20)) * 0x1p-20;
      values.push_back(static_cast<float>(low + part * (high - low)));  // the same in both types
    }
    return values;
  };
  Norm norm{draw(-2, 2), draw(-1, 1), draw(-1, 1), draw(0, 3)};
  norm.epsilon = one_in(random, 2) ? 1e-3 : 0.5;
  return norm;
}

template <typename T>
struct Typed {
  std::vector<T> gamma, beta, mean, variance;
  sepconv_batch_norm norm;

  explicit Typed(const Norm& from)
      : gamma(from.gamma.begin(), from.gamma.end()),
        beta(from.beta.begin(), from.beta.end()),
        mean(from.mean.begin(), from.mean.end()),
        variance(from.variance.begin(), from.variance.end()) {
    sepconv_batch_norm_init(&norm, sizeof norm);
    const auto pointer = [](const std::vector<T>& values) { return values.empty() ? nullptr : values.data(); };
    norm.gamma = pointer(gamma);
    norm.beta = pointer(beta);
    norm.mean = pointer(mean);
    norm.variance = pointer(variance);
    norm.epsilon = from.epsilon;
  }
};

class BatchNorm : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { tables_under_test(); }
};

// Folding is linear algebra: a kernel and a bias after it, applied to any number x, give what the norm makes of the
// kernel's and the bias's answer. Checked weight by weight, with a rounding for each operation.
template <typename T>
void check_weights(Random& random, const sepconv_problem& problem, sepconv_position position) {
  SCOPED_TRACE(describe(problem) + (position == SEPCONV_POSITION_MID ? " mid" : " out"));
  const bool mid = position == SEPCONV_POSITION_MID;
  const int64_t channels = mid ? mid_count(problem) : problem.out_channels;
  const Norm norm = random_norm(random, channels);
  const Typed<T> typed(norm);
  Operands<T> operands = random_operands_of<T>(random, problem, Fill::kReals);
  std::vector<T> kernel = mid ? operands.depthwise : operands.pointwise,
                 bias = mid ? operands.mid_bias : operands.out_bias;
  const std::vector<T> kernel_before = kernel, bias_before = bias;
  ASSERT_EQ(sepconv_fold_batch_norm(&problem, position, &typed.norm, kernel.data(), bias.data()), SEPCONV_OK)
      << sepconv_last_error();
  const double u = problem.weight_dtype == SEPCONV_DTYPE_F64 ? 0x1p-51 : 0x1p-23;
  for (size_t i = 0; i < kernel.size(); ++i) {
    const double expected = static_cast<double>(kernel_before[i]) * norm.scale(i % static_cast<size_t>(channels));
    ASSERT_NEAR(static_cast<double>(kernel[i]), expected, u * std::abs(expected)) << "weight " << i;
  }
  for (size_t c = 0; c < bias.size(); ++c) {
    const double expected = norm.apply(c, static_cast<double>(bias_before[c]));
    const double terms = (std::abs(static_cast<double>(bias_before[c])) + 1) * std::abs(norm.scale(c)) + 1;
    ASSERT_NEAR(static_cast<double>(bias[c]), expected, u * terms) << "bias " << c;
  }
}

TEST_F(BatchNorm, FoldsIntoTheWeightsOfItsPosition) {
  for_each_seed(200, [](Random& random) {
    Features features = all_features;
    features.halves = false;
    sepconv_problem problem = random_problem(random, features, Sizes::kSmall);
    problem.stages = SEPCONV_STAGES_BOTH;
    for (int axis = 0; axis < problem.spatial_rank; ++axis) {
      if (problem.kernel_extent[axis] == 0) problem.kernel_extent[axis] = 1;
      if (problem.dilation[axis] == 0) problem.dilation[axis] = 1;
    }
    if (problem.out_channels == 0) problem.out_channels = 5;
    for (int64_t& pitch : problem.output_pitch) pitch = 0;
    problem.output_channel_pitch = 0;
    problem.has_mid_bias = problem.has_out_bias = 1;
    const sepconv_position position = one_in(random, 2) ? SEPCONV_POSITION_MID : SEPCONV_POSITION_OUT;
    if (problem.weight_dtype == SEPCONV_DTYPE_F64) {
      check_weights<double>(random, problem, position);
    } else {
      check_weights<float>(random, problem, position);
    }
  });
}

// The whole way: both norms folded, then run, against the reference with the norms applied by hand. A pixel with one
// tap and one channel, so that the stages can be done in one's head.
TEST_F(BatchNorm, RunsLikeTheUnfoldedLayer) {
  sepconv_problem problem = default_problem();
  problem.spatial_rank = 1;
  problem.in_channels = problem.out_channels = 1;
  problem.in_extent[0] = 4;
  problem.kernel_extent[0] = 1;
  problem.has_mid_bias = problem.has_out_bias = 1;
  problem.mid_activation.kind = SEPCONV_ACTIVATION_RELU;
  const Norm mid{{2}, {-1}, {3}, {4}, 1e-3}, out{{0.5}, {7}, {1}, {9}, 1e-3};
  Operands<float> operands{{-2, 0, 1, 5}, {3}, {-4}, {0.5F}, {0}};
  std::vector<double> expected;
  for (const float x : operands.input) {
    const double d = mid.apply(0, static_cast<double>(x) * 3 + 0.5);
    expected.push_back(out.apply(0, (d > 0 ? d : 0) * -4));
  }
  const Typed<float> typed_mid(mid), typed_out(out);
  ASSERT_EQ(sepconv_fold_batch_norm(&problem, SEPCONV_POSITION_MID, &typed_mid.norm, operands.depthwise.data(),
                                    operands.mid_bias.data()),
            SEPCONV_OK);
  ASSERT_EQ(sepconv_fold_batch_norm(&problem, SEPCONV_POSITION_OUT, &typed_out.norm, operands.pointwise.data(),
                                    operands.out_bias.data()),
            SEPCONV_OK);
  const std::vector<float> output = run(problem, operands).output;
  ASSERT_EQ(output.size(), expected.size());
  for (size_t i = 0; i < output.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(output[i]), expected[i], 1e-5) << i;  // values below 10, a dozen roundings
  }
}

TEST_F(BatchNorm, RefusesWhatMakesNoSense) {
  sepconv_problem problem = default_problem();
  problem.in_channels = problem.out_channels = 2;
  problem.in_extent[0] = problem.in_extent[1] = problem.kernel_extent[0] = problem.kernel_extent[1] = 3;
  std::vector<float> kernel(2 * 9, 1.0F), bias(2, 1.0F), variance = {1, -1};
  const std::vector<float> untouched = kernel;
  sepconv_batch_norm norm;
  sepconv_batch_norm_init(&norm, sizeof norm);
  const auto refused = [&](const sepconv_problem& p, int position, sepconv_batch_norm* n, void* k, void* b,
                           const char* word) {
    EXPECT_EQ(fold_at_any_position(&p, position, n, k, b), SEPCONV_INVALID_ARGUMENT) << word;
    EXPECT_TRUE(last_error_has(word));
    EXPECT_EQ(kernel, untouched);
  };
  refused(problem, 0, nullptr, kernel.data(), bias.data(), "batch_norm");
  refused(problem, 0, &norm, nullptr, bias.data(), "kernel");
  refused(problem, 0, &norm, kernel.data(), nullptr, "bias");
  for (const int position : {2, -1, 77}) {
    refused(problem, position, &norm, kernel.data(), bias.data(), ("position is " + std::to_string(position)).c_str());
  }
  norm.variance = variance.data();
  refused(problem, 0, &norm, kernel.data(), bias.data(), "variance[1]");
  norm.variance = nullptr;
  norm.epsilon = -2;
  refused(problem, 0, &norm, kernel.data(), bias.data(), "epsilon is -2");
  norm.epsilon = 1e-3;
  // What is changed in place lies apart from all else, and where its elements can.
  refused(problem, 0, &norm, kernel.data(), kernel.data(), "bias overlaps kernel");
  refused(problem, 0, &norm, kernel.data(), kernel.data() + 17, "bias overlaps kernel");
  refused(problem, 0, &norm, reinterpret_cast<char*>(kernel.data()) + 1, bias.data(), "kernel is");
  refused(problem, 0, &norm, kernel.data(), reinterpret_cast<char*>(bias.data()) + 2, "aligned");
  using Array = const void* sepconv_batch_norm::*;
  const std::pair<Array, std::string> arrays[] = {{&sepconv_batch_norm::gamma, "batch_norm.gamma"},
                                                  {&sepconv_batch_norm::beta, "batch_norm.beta"},
                                                  {&sepconv_batch_norm::mean, "batch_norm.mean"},
                                                  {&sepconv_batch_norm::variance, "batch_norm.variance"}};
  for (const auto& [array, name] : arrays) {
    norm.*array = kernel.data() + 5;
    refused(problem, 0, &norm, kernel.data(), bias.data(), (name + " overlaps kernel").c_str());
    norm.*array = bias.data();
    refused(problem, 0, &norm, kernel.data(), bias.data(), (name + " overlaps bias").c_str());
    norm.*array = reinterpret_cast<const char*>(variance.data()) + 1;
    refused(problem, 0, &norm, kernel.data(), bias.data(), (name + " is").c_str());
    norm.*array = nullptr;
  }
  for (const float bad : {-1.0F, std::numeric_limits<float>::quiet_NaN()}) {
    variance[0] = bad;
    norm.variance = variance.data();
    refused(problem, 0, &norm, kernel.data(), bias.data(), "variance[0]");
  }
  norm.variance = nullptr;
  problem.stages = SEPCONV_STAGES_POINTWISE;
  problem.kernel_extent[0] = problem.kernel_extent[1] = 1;
  refused(problem, 0, &norm, kernel.data(), bias.data(), "position is MID, but");
  problem.stages = SEPCONV_STAGES_DEPTHWISE;
  refused(problem, 1, &norm, kernel.data(), bias.data(), "OUT");
  problem.stride[0] = 0;
  refused(problem, 0, &norm, kernel.data(), bias.data(), "stride");
}

}  // namespace
}  // namespace sepconv::test
