#include "support/random_problem.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>

#include "sepconv/problem.hpp"
#include "support/halves.h"
#include "support/tensor.h"

namespace sepconv::test {
namespace {

// Channel counts around the widths that variants are built from; half of all draws come from here.
constexpr int64_t kEdgeChannels[] = {1,  2,  3,  4,  5,  7,  8,  9,  12, 15, 16, 17,
                                     23, 24, 25, 31, 32, 33, 47, 48, 63, 64, 65, 70};
constexpr int64_t kSmallEdgeChannels = 15;  // how many of them are at most 25

int64_t random_channels(Random& random, Sizes sizes) {
  const bool small = sizes == Sizes::kSmall;
  if (uniform(random, 0, 1) == 0) return uniform(random, 1, small ? 24 : 70);
  const int64_t edges = small ? kSmallEdgeChannels : static_cast<int64_t>(std::size(kEdgeChannels));
  return kEdgeChannels[uniform(random, 0, edges - 1)];
}

sepconv_activation random_activation(Random& random, const Features& features) {
  if (features.every_activation && one_in(random, 4)) {
    const int64_t kind = uniform(random, SEPCONV_ACTIVATION_CLAMP + 1, SEPCONV_ACTIVATION_COUNT - 1);
    return {static_cast<sepconv_activation_kind>(kind), 0, 0};
  }
  switch (uniform(random, 0, 5)) {
    case 0:
      return {SEPCONV_ACTIVATION_RELU, 0, 0};
    case 1:
      return {SEPCONV_ACTIVATION_RELU6, 0, 0};
    case 2:  // mostly around 0
      return {SEPCONV_ACTIVATION_CLAMP, static_cast<float>(uniform(random, -5, 0)),
              static_cast<float>(uniform(random, 0, 5))};
    case 3: {  // anywhere: 0 need not stay 0
      const int64_t lo = uniform(random, -5, 4);
      return {SEPCONV_ACTIVATION_CLAMP, static_cast<float>(lo), static_cast<float>(uniform(random, lo, 5))};
    }
    default:
      return {SEPCONV_ACTIVATION_NONE, 0, 0};
  }
}

// Takes the variant's value where the variant fixes one.
int64_t fixed_or(int64_t fixed, int64_t otherwise) { return fixed > 0 ? fixed : otherwise; }

// Whether the variant may run problems without a depthwise stage.
bool takes_pointwise(const sepconv_variant& variant) {
  bool takes = variant.stages == SEPCONV_STAGES_BOTH && variant.depth_multiplier <= 1;
  for (int axis = 0; axis < variant.spatial_rank; ++axis) {
    takes = takes && variant.kernel_extent[axis] <= 1 && variant.dilation[axis] <= 1;
  }
  return takes;
}

sepconv_padding random_padding(Random& random, const Features& features, int rank) {
  if (features.causal && rank == 1 && one_in(random, 3)) return SEPCONV_PADDING_CAUSAL;
  if (features.explicit_padding && one_in(random, 3)) return SEPCONV_PADDING_EXPLICIT;
  return uniform(random, 0, 1) == 0 ? SEPCONV_PADDING_VALID : SEPCONV_PADDING_SAME;
}

// The window has to fit a VALID or EXPLICIT axis: the extent or the padding is drawn large enough, or, where the
// variant fixes the extent, the padding becomes SAME.
void random_axis(Random& random, const sepconv_variant& variant, Sizes sizes, sepconv_problem* problem, int axis) {
  const bool deep = problem->spatial_rank == 3;
  const int64_t most = sizes == Sizes::kSmall ? (deep ? 6 : 12) : (deep ? 12 : 40);
  problem->kernel_extent[axis] = fixed_or(variant.kernel_extent[axis], uniform(random, 1, deep ? 4 : 7));
  problem->stride[axis] = fixed_or(variant.stride[axis], uniform(random, 1, 4));
  problem->dilation[axis] = fixed_or(variant.dilation[axis], uniform(random, 1, deep ? 3 : 4));
  problem->in_extent[axis] = fixed_or(variant.in_extent[axis], uniform(random, 1, most));
  if (problem->stages == SEPCONV_STAGES_POINTWISE) {
    problem->kernel_extent[axis] = uniform(random, 0, 1);
    problem->dilation[axis] = uniform(random, 0, 1);
  }
  const int64_t window = (problem->kernel_extent[axis] - 1) * problem->dilation[axis] + 1;
  if (problem->padding == SEPCONV_PADDING_EXPLICIT) {
    // Now and then more than the window, so that whole outputs lie in the padding.
    const int64_t widest = one_in(random, 8) ? 2 * window + 3 : window;
    problem->pad_before[axis] = uniform(random, 0, widest);
    problem->pad_after[axis] = uniform(random, 0, widest);
    const int64_t missing = window - problem->in_extent[axis] - problem->pad_before[axis] - problem->pad_after[axis];
    if (missing > 0) problem->pad_after[axis] += missing;
  }
  if (problem->padding != SEPCONV_PADDING_VALID || problem->in_extent[axis] >= window) return;
  if (variant.in_extent[axis] > 0) {
    problem->padding = SEPCONV_PADDING_SAME;
  } else {
    problem->in_extent[axis] = uniform(random, window, std::max<int64_t>(window, most));
  }
}

// One axis far beyond what layers look like: padding, strides and dilations of thousands, beyond the image too. The
// other axes and the channels become small, so that a reference stays affordable.
void random_far_axis(Random& random, const sepconv_variant& variant, sepconv_problem* problem) {
  constexpr int64_t far = 10'000, most_outputs = 3'000;
  const int chosen = static_cast<int>(uniform(random, 0, variant.spatial_rank - 1));
  for (int axis = 0; axis < variant.spatial_rank; ++axis) {
    if (variant.in_extent[axis] > 0) return;
  }
  problem->padding = SEPCONV_PADDING_EXPLICIT;
  problem->batch = 1;
  problem->in_channels = legal_channels(variant, uniform(random, 1, 20));
  problem->out_channels = fixed_or(variant.out_channels, uniform(random, 1, 20));
  for (int axis = 0; axis < variant.spatial_rank; ++axis) {
    problem->in_extent[axis] = uniform(random, 1, 5);
    problem->kernel_extent[axis] = fixed_or(variant.kernel_extent[axis], uniform(random, 1, 3));
    problem->stride[axis] = fixed_or(variant.stride[axis], 1);
    problem->dilation[axis] = fixed_or(variant.dilation[axis], 1);
    if (problem->stages == SEPCONV_STAGES_POINTWISE) problem->kernel_extent[axis] = problem->dilation[axis] = 1;
    problem->pad_before[axis] = (problem->kernel_extent[axis] - 1) * problem->dilation[axis];
    problem->pad_after[axis] = 0;
  }
  const auto draw = [&](int64_t most) { return one_in(random, 2) ? uniform(random, 1, 4) : uniform(random, 1, most); };
  problem->in_extent[chosen] = draw(most_outputs);
  problem->stride[chosen] = fixed_or(variant.stride[chosen], draw(far));
  if (problem->kernel_extent[chosen] > 1) problem->dilation[chosen] = fixed_or(variant.dilation[chosen], draw(far));
  problem->pad_before[chosen] = draw(far);
  problem->pad_after[chosen] = draw(far);
  const int64_t window = (problem->kernel_extent[chosen] - 1) * problem->dilation[chosen] + 1;
  const auto padded = [&] {
    return problem->pad_before[chosen] + problem->in_extent[chosen] + problem->pad_after[chosen];
  };
  if (padded() < window) problem->pad_before[chosen] += window - padded();
  const int64_t excess = (padded() - window) / problem->stride[chosen] - most_outputs;
  if (excess > 0) problem->stride[chosen] = fixed_or(variant.stride[chosen], (padded() - window) / most_outputs + 1);
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

bool one_in(Random& random, int64_t n) { return uniform(random, 1, n) == 1; }

int64_t legal_channels(const sepconv_variant& variant, int64_t channels) {
  const int64_t multiple = std::max<int64_t>(variant.channels_multiple, 1);
  return fixed_or(variant.in_channels, (channels + multiple - 1) / multiple * multiple);
}

void random_pitches(Random& random, const Tensor& tensor, sepconv_layout layout, int64_t* pitch,
                    int64_t* channel_pitch) {
  const bool last = layout == SEPCONV_LAYOUT_CHANNELS_LAST;
  int64_t dense = 1;
  for (size_t i = tensor.size(); i-- > 0;) {
    const bool free = i + 1 < tensor.size();  // the innermost elements are always adjacent
    const int64_t chosen = free && one_in(random, 3) ? dense + uniform(random, 1, 9) : dense;
    const bool is_channel = last ? i + 1 == tensor.size() : i == 1;
    int64_t* field = is_channel ? channel_pitch : &pitch[last || i == 0 ? i : i - 1];
    *field = chosen == dense && one_in(random, 2) ? 0 : chosen;
    dense = chosen * std::max<int64_t>(tensor[i].extent, 1);
  }
}

sepconv_dtype random_dtype(Random& random, const Features& features) {
  if (features.float64 && one_in(random, 5)) return SEPCONV_DTYPE_F64;
  if (features.halves && one_in(random, 4)) return one_in(random, 2) ? SEPCONV_DTYPE_F16 : SEPCONV_DTYPE_BF16;
  return SEPCONV_DTYPE_F32;
}

sepconv_problem random_problem(Random& random, const Features& features, Sizes sizes) {
  sepconv_variant variant{};
  variant.spatial_rank = static_cast<int32_t>(uniform(random, 1, features.three_axes ? 3 : 2));
  variant.layout =
      features.channels_first && one_in(random, 2) ? SEPCONV_LAYOUT_CHANNELS_FIRST : SEPCONV_LAYOUT_CHANNELS_LAST;
  variant.activations = variant.input_activation = 1;
  if (features.single_stages && one_in(random, 10)) variant.stages = SEPCONV_STAGES_DEPTHWISE;
  variant.input_dtype = variant.weight_dtype = variant.output_dtype = random_dtype(random, features);
  return random_problem_for(random, variant, features, sizes);
}

sepconv_problem random_problem_for(Random& random, const sepconv_variant& variant, const Features& features,
                                   Sizes sizes) {
  sepconv_problem problem;
  sepconv_problem_init(&problem, sizeof problem);
  problem.spatial_rank = variant.spatial_rank;
  problem.layout = variant.layout;
  set_dtype(&problem, variant.input_dtype);
  problem.stages = variant.stages;
  if (features.single_stages && takes_pointwise(variant) && one_in(random, 10))
    problem.stages = SEPCONV_STAGES_POINTWISE;
  problem.padding = random_padding(random, features, variant.spatial_rank);
  problem.batch = uniform(random, 0, 9) == 0 ? 0 : uniform(random, 1, 3);
  problem.in_channels = legal_channels(variant, random_channels(random, sizes));
  problem.depth_multiplier = fixed_or(variant.depth_multiplier, uniform(random, 1, 4));
  problem.out_channels = fixed_or(variant.out_channels, random_channels(random, sizes));
  for (int axis = 0; axis < variant.spatial_rank; ++axis) random_axis(random, variant, sizes, &problem, axis);
  if (features.far && features.explicit_padding && one_in(random, 16)) random_far_axis(random, variant, &problem);
  problem.has_mid_bias = static_cast<int32_t>(uniform(random, 0, 1));
  problem.has_out_bias = static_cast<int32_t>(uniform(random, 0, 1));
  const bool integers = variant.weight_dtype == SEPCONV_DTYPE_I8;
  if (integers && one_in(random, 3)) set_dtype(&problem, SEPCONV_DTYPE_U8);
  if (features.residual && !integers && one_in(random, 3)) problem.has_residual = 1;
  Features variant_features = features;
  variant_features.every_activation = features.every_activation && variant.activations != 0;
  if (features.input_activation && variant.input_activation != 0 && one_in(random, 3)) {
    problem.input_activation = random_activation(random, variant_features);
  }
  problem.mid_activation = random_activation(random, variant_features);
  problem.out_activation = random_activation(random, variant_features);
  if (problem.stages == SEPCONV_STAGES_DEPTHWISE) {
    problem.out_channels = one_in(random, 2) ? 0 : mid_count(problem);
    problem.has_out_bias = problem.has_residual = 0;
    problem.out_activation = {SEPCONV_ACTIVATION_NONE, 0, 0};
  } else if (problem.stages == SEPCONV_STAGES_POINTWISE) {
    problem.depth_multiplier = 1;
    problem.has_mid_bias = 0;
    problem.mid_activation = {SEPCONV_ACTIVATION_NONE, 0, 0};
  }
  if (features.pitches && one_in(random, 3)) {
    random_pitches(random, input_tensor(problem), problem.layout, problem.input_pitch, &problem.input_channel_pitch);
  }
  if (features.pitches && one_in(random, 3)) {
    random_pitches(random, output_tensor(problem), problem.layout, problem.output_pitch, &problem.output_channel_pitch);
  }
  return problem;
}

template <typename T>
Operands<T> random_operands_of(Random& random, const sepconv_problem& problem, Fill fill) {
  // The largest sum of integers: 64 taps * 5 * 2, times 280 channels * 2, is below 2^24.
  const auto draw = [&](int64_t count, int64_t limit) {
    std::vector<T> values(static_cast<size_t>(count));
    for (T& value : values) {
      value = fill == Fill::kIntegers ? static_cast<T>(uniform(random, -limit, limit))
                                      : static_cast<T>(uniform(random, -(1 << 23), 1 << 23)) * T(0x1p-22);
    }
    return values;
  };
  Operands<T> operands;
  operands.input = draw(input_count(problem), 4);
  operands.depthwise = draw(depthwise_count(problem), 2);
  operands.pointwise = draw(pointwise_count(problem), 2);
  if (problem.has_mid_bias) operands.mid_bias = draw(mid_count(problem), 9);
  if (problem.has_out_bias) operands.out_bias = draw(problem.out_channels, 9);
  if (problem.has_residual) operands.residual = draw(output_count(problem), 9);
  return operands;
}

template <>
Operands<uint16_t> random_operands_of(Random& random, const sepconv_problem& problem, Fill fill) {
  Operands<float> operands = random_operands(random, problem, fill);
  return encoded(problem, &operands);
}

template Operands<float> random_operands_of(Random&, const sepconv_problem&, Fill);
template Operands<double> random_operands_of(Random&, const sepconv_problem&, Fill);

}  // namespace sepconv::test
