#include "problem_size.h"

#include <algorithm>
#include <stdexcept>

namespace sepconv::support {
namespace {

int64_t product(const int64_t* extents, int rank) {
  int64_t result = 1;
  for (int axis = 0; axis < rank; ++axis) result *= extents[axis];
  return result;
}

std::string joined(const int64_t* extents, int rank) {
  std::string text = std::to_string(extents[0]);
  for (int axis = 1; axis < rank; ++axis) text += "x" + std::to_string(extents[axis]);
  return text;
}

}  // namespace

int64_t output_pixels(const sepconv_problem& problem) {
  int64_t extent[SEPCONV_MAX_SPATIAL_RANK];
  if (sepconv_output_extent(&problem, extent) != SEPCONV_OK) throw std::runtime_error(sepconv_last_error());
  return product(extent, problem.spatial_rank);
}

int64_t input_pixels(const sepconv_problem& problem) { return product(problem.in_extent, problem.spatial_rank); }

int64_t taps(const sepconv_problem& problem) { return product(problem.kernel_extent, problem.spatial_rank); }

int64_t mid_channels(const sepconv_problem& problem) { return problem.in_channels * problem.depth_multiplier; }

int64_t output_channels(const sepconv_problem& problem) {
  return problem.stages == SEPCONV_STAGES_DEPTHWISE ? mid_channels(problem) : problem.out_channels;
}

sepconv_problem depthwise_stage(sepconv_problem problem) {
  problem.stages = SEPCONV_STAGES_DEPTHWISE;
  problem.out_channels = 0;
  problem.has_out_bias = 0;
  problem.out_activation = {SEPCONV_ACTIVATION_NONE, 0, 0};
  return problem;
}

double flops(const sepconv_problem& problem) {
  const int64_t products = problem.stages == SEPCONV_STAGES_DEPTHWISE ? 0 : problem.out_channels;
  const auto macs_per_channel = static_cast<double>(taps(problem) + products);
  return 2.0 * static_cast<double>(problem.batch * output_pixels(problem)) *
         static_cast<double>(mid_channels(problem)) * macs_per_channel;
}

std::string describe(const sepconv_problem& problem) {
  const int rank = problem.spatial_rank;
  std::string text = joined(problem.in_extent, rank) + " " + std::to_string(problem.in_channels);
  if (problem.depth_multiplier > 1) text += "*" + std::to_string(problem.depth_multiplier);
  text += "->" + std::to_string(problem.out_channels) + " k" + joined(problem.kernel_extent, rank);
  const auto any_above_1 = [rank](const int64_t* axes) {
    return std::any_of(axes, axes + rank, [](int64_t value) { return value > 1; });
  };
  if (any_above_1(problem.stride)) text += " s" + joined(problem.stride, rank);
  if (any_above_1(problem.dilation)) text += " d" + joined(problem.dilation, rank);
  return text;
}

}  // namespace sepconv::support
