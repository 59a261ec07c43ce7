// Answers of Keras, exactly (golden/keras.inc).
#ifndef SEPCONV_TESTS_SUPPORT_GOLDEN_H
#define SEPCONV_TESTS_SUPPORT_GOLDEN_H

#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "support/reference.h"

namespace sepconv::test {

// All operands are row-major aranges. The expected output is told by its extent, first and last element, sum, and a
// hash of all.
struct GoldenCase {
  int32_t rank;
  sepconv_layout layout;
  sepconv_padding padding;
  int64_t batch, in_channels, depth_multiplier, out_channels;
  int64_t in_extent[SEPCONV_MAX_SPATIAL_RANK], kernel_extent[SEPCONV_MAX_SPATIAL_RANK];
  int64_t stride[SEPCONV_MAX_SPATIAL_RANK], dilation[SEPCONV_MAX_SPATIAL_RANK], out_extent[SEPCONV_MAX_SPATIAL_RANK];
  int64_t first, last, sum;
  uint64_t hash;
};

inline const std::vector<GoldenCase>& golden_cases() {
  constexpr sepconv_layout LAST = SEPCONV_LAYOUT_CHANNELS_LAST, FIRST = SEPCONV_LAYOUT_CHANNELS_FIRST;
  constexpr sepconv_padding VALID = SEPCONV_PADDING_VALID, SAME = SEPCONV_PADDING_SAME;
  static const std::vector<GoldenCase> cases = {
#include "golden/keras.inc"
  };
  return cases;
}

inline sepconv_problem golden_problem(const GoldenCase& golden) {
  sepconv_problem problem;
  sepconv_problem_init(&problem, sizeof problem);
  problem.spatial_rank = golden.rank;
  problem.layout = golden.layout;
  problem.padding = golden.padding;
  problem.batch = golden.batch;
  problem.in_channels = golden.in_channels;
  problem.depth_multiplier = golden.depth_multiplier;
  problem.out_channels = golden.out_channels;
  for (int axis = 0; axis < golden.rank; ++axis) {
    problem.in_extent[axis] = golden.in_extent[axis];
    problem.kernel_extent[axis] = golden.kernel_extent[axis];
    problem.stride[axis] = golden.stride[axis];
    problem.dilation[axis] = golden.dilation[axis];
  }
  return problem;
}

template <typename T>
Operands<T> golden_operands(const sepconv_problem& problem) {
  const auto arange = [](int64_t count) {
    std::vector<T> values(static_cast<size_t>(count));
    std::iota(values.begin(), values.end(), T(0));
    return values;
  };
  return {arange(input_count(problem)), arange(depthwise_count(problem)), arange(pointwise_count(problem)), {}, {}};
}

// 64-bit FNV-1a over the values as little-endian 64-bit integers.
template <typename T>
uint64_t golden_hash(const std::vector<T>& values) {
  uint64_t digest = 0xcbf29ce484222325u;
  for (const T value : values) {
    const uint64_t bits = static_cast<uint64_t>(static_cast<int64_t>(value));
    for (int byte = 0; byte < 8; ++byte) digest = (digest ^ ((bits >> (8 * byte)) & 0xff)) * 0x100000001b3u;
  }
  return digest;
}

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_SUPPORT_GOLDEN_H
