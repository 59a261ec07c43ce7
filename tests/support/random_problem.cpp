#include "support/random_problem.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>

namespace sepconv::test {
namespace {

// Channel counts around the widths that variants are built from; half of all draws come from here.
constexpr int64_t kEdgeChannels[] = {1,  2,  3,  4,  5,  7,  8,  9,  12, 15, 16, 17,
                                     23, 24, 25, 31, 32, 33, 47, 48, 63, 64, 65, 70};

int64_t random_channels(Random& random) {
  if (uniform(random, 0, 1) == 0) return uniform(random, 1, 70);
  return kEdgeChannels[uniform(random, 0, static_cast<int64_t>(std::size(kEdgeChannels)) - 1)];
}

sepconv_activation random_clamp(Random& random) {
  switch (uniform(random, 0, 4)) {
    case 0:
      return {SEPCONV_ACTIVATION_RELU, 0, 0};
    case 1:
      return {SEPCONV_ACTIVATION_RELU6, 0, 0};
    case 2:
      return {SEPCONV_ACTIVATION_CLAMP, static_cast<float>(uniform(random, -5, 0)),
              static_cast<float>(uniform(random, 0, 5))};
    default:
      return {SEPCONV_ACTIVATION_NONE, 0, 0};
  }
}

// Takes the row's value where the row fixes one.
int64_t fixed_or(int64_t fixed, int64_t otherwise) { return fixed > 0 ? fixed : otherwise; }

// A VALID window has to fit: the extent is drawn large enough, or, where the row fixes it, the padding becomes SAME.
void random_axis(Random& random, const sepconv_variant& row, sepconv_problem* problem, int axis) {
  problem->kernel_extent[axis] = fixed_or(row.kernel_extent[axis], uniform(random, 1, 7));
  problem->stride[axis] = fixed_or(row.stride[axis], uniform(random, 1, 4));
  problem->dilation[axis] = fixed_or(row.dilation[axis], uniform(random, 1, 4));
  problem->in_extent[axis] = fixed_or(row.in_extent[axis], uniform(random, 1, 40));
  const int64_t window = (problem->kernel_extent[axis] - 1) * problem->dilation[axis] + 1;
  if (problem->padding == SEPCONV_PADDING_SAME || problem->in_extent[axis] >= window) return;
  if (row.in_extent[axis] > 0)
    problem->padding = SEPCONV_PADDING_SAME;
  else
    problem->in_extent[axis] = uniform(random, window, std::max<int64_t>(window, 40));
}

}  // namespace

uint64_t test_seed() {
  static const uint64_t seed = [] {
    const char* const text = std::getenv("SEPCONV_TEST_SEED");
    const uint64_t value = text != nullptr ? std::strtoull(text, nullptr, 10) : 20261122;
    std::printf("SEPCONV_TEST_SEED=%llu\n", static_cast<unsigned long long>(value));
    return value;
  }();
  return seed;
}

int test_count(int otherwise) {
  const char* const text = std::getenv("SEPCONV_TEST_COUNT");
  return text != nullptr ? std::atoi(text) : otherwise;
}

int64_t uniform(Random& random, int64_t low, int64_t high) {
  return low + static_cast<int64_t>(random() % static_cast<uint64_t>(high - low + 1));
}

sepconv_problem random_problem(Random& random) {
  sepconv_variant row{};
  row.spatial_rank = static_cast<int32_t>(uniform(random, 1, 2));
  row.layout = SEPCONV_LAYOUT_CHANNELS_LAST;
  return random_problem_for(random, row);
}

sepconv_problem random_problem_for(Random& random, const sepconv_variant& row) {
  sepconv_problem problem;
  sepconv_problem_init(&problem, sizeof problem);
  problem.spatial_rank = row.spatial_rank;
  problem.layout = row.layout;
  problem.padding = uniform(random, 0, 1) == 0 ? SEPCONV_PADDING_VALID : SEPCONV_PADDING_SAME;
  problem.batch = uniform(random, 0, 9) == 0 ? 0 : uniform(random, 1, 3);
  problem.in_channels = fixed_or(row.in_channels, random_channels(random));
  problem.depth_multiplier = fixed_or(row.depth_multiplier, uniform(random, 1, 4));
  problem.out_channels = fixed_or(row.out_channels, random_channels(random));
  for (int axis = 0; axis < row.spatial_rank; ++axis) random_axis(random, row, &problem, axis);
  problem.has_mid_bias = static_cast<int32_t>(uniform(random, 0, 1));
  problem.has_out_bias = static_cast<int32_t>(uniform(random, 0, 1));
  problem.mid_activation = random_clamp(random);
  problem.out_activation = random_clamp(random);
  return problem;
}

Operands<float> random_operands(Random& random, const sepconv_problem& problem, Fill fill) {
  // The largest sum of integers: 49 taps * 4 * 2, times 280 channels * 2, is below 2^24.
  const auto draw = [&](int64_t count, int64_t limit) {
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) {
      value = fill == Fill::kIntegers ? static_cast<float>(uniform(random, -limit, limit))
                                      : static_cast<float>(uniform(random, -(1 << 23), 1 << 23)) * 0x1p-22f;
    }
    return values;
  };
  Operands<float> operands;
  operands.input = draw(input_count(problem), 4);
  operands.depthwise = draw(depthwise_count(problem), 2);
  operands.pointwise = draw(pointwise_count(problem), 2);
  if (problem.has_mid_bias) operands.mid_bias = draw(mid_count(problem), 9);
  if (problem.has_out_bias) operands.out_bias = draw(problem.out_channels, 9);
  return operands;
}

}  // namespace sepconv::test
