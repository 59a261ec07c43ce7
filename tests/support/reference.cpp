#include "support/reference.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace sepconv::test {
namespace {

constexpr int kAxes = SEPCONV_MAX_SPATIAL_RANK;
using Extents = std::array<int64_t, kAxes>;

// A problem of rank 1 or 2 is one of rank 3 whose outer axes have extent 1; all loops below are of rank 3.
struct Geometry {
  Extents in{1, 1, 1}, kernel{1, 1, 1}, stride{1, 1, 1}, dilation{1, 1, 1}, out{1, 1, 1}, pad{0, 0, 0};

  explicit Geometry(const sepconv_problem& problem) {
    for (int axis = 0; axis < problem.spatial_rank; ++axis) {
      const size_t at = static_cast<size_t>(kAxes - problem.spatial_rank + axis);
      const OutputAxis output = output_axis(problem, axis);
      in[at] = problem.in_extent[axis];
      kernel[at] = problem.kernel_extent[axis];
      stride[at] = problem.stride[axis];
      dilation[at] = problem.dilation[axis];
      out[at] = output.extent;
      pad[at] = output.pad_before;
    }
  }
};

int64_t volume(const Extents& extents) { return extents[0] * extents[1] * extents[2]; }

// Calls body with every position of a box, row-major.
template <typename Body>
void for_each(const Extents& extents, Body body) {
  Extents at{};
  for (at[0] = 0; at[0] < extents[0]; ++at[0]) {
    for (at[1] = 0; at[1] < extents[1]; ++at[1]) {
      for (at[2] = 0; at[2] < extents[2]; ++at[2]) body(at);
    }
  }
}

int64_t flat(const Extents& extents, const Extents& at) { return (at[0] * extents[1] + at[1]) * extents[2] + at[2]; }

// The index of an element of the input or the output.
int64_t element(sepconv_layout layout, int64_t image, const Extents& extents, const Extents& at, int64_t channels,
                int64_t channel) {
  const int64_t pixel = flat(extents, at);
  if (layout == SEPCONV_LAYOUT_CHANNELS_LAST) return (image * volume(extents) + pixel) * channels + channel;
  return (image * channels + channel) * volume(extents) + pixel;
}

template <typename T>
T activate(const sepconv_activation& activation, T value) {
  switch (activation.kind) {
    case SEPCONV_ACTIVATION_NONE:
      return value;
    case SEPCONV_ACTIVATION_RELU:
      return std::max(value, T(0));
    case SEPCONV_ACTIVATION_RELU6:
      return std::min(std::max(value, T(0)), T(6));
    case SEPCONV_ACTIVATION_CLAMP:
      return std::min(std::max(value, T(activation.lo)), T(activation.hi));
    default:
      throw std::invalid_argument("the reference knows no such activation");
  }
}

// The error of summing `terms` products in float32, as a part of the sum of their absolute values, whatever the order.
// Each product and each addition rounds once, by at most u = 2^-24 of its result. The worst case is terms * u.
// Roundings do not all point one way: beyond lambda * sqrt(terms) * u the chance is below 2 * exp(-lambda^2 / 2)
// (Higham and Mary, 2019), 3e-8 at lambda = 6.
double rounding(int64_t terms) {
  const double n = static_cast<double>(terms);
  return std::min(n, 6 * std::sqrt(n)) * 0x1p-24;
}

}  // namespace

OutputAxis output_axis(const sepconv_problem& problem, int axis) {
  const int64_t n = problem.in_extent[axis], k = problem.kernel_extent[axis];
  const int64_t s = problem.stride[axis], d = problem.dilation[axis];
  const int64_t window = (k - 1) * d + 1;
  switch (problem.padding) {
    case SEPCONV_PADDING_VALID:
      return {(n - window) / s + 1, 0};
    case SEPCONV_PADDING_SAME: {
      const int64_t out = (n - 1) / s + 1;  // ceil(n / s)
      const int64_t total = std::max<int64_t>((out - 1) * s + window - n, 0);
      return {out, total / 2};
    }
    case SEPCONV_PADDING_CAUSAL:
      return {(n - 1) / s + 1, window - 1};
    case SEPCONV_PADDING_EXPLICIT: {
      const int64_t before = problem.pad_before[axis], after = problem.pad_after[axis];
      return {(n + before + after - window) / s + 1, before};
    }
  }
  throw std::invalid_argument("no such padding");
}

int64_t input_count(const sepconv_problem& problem) {
  return problem.batch * volume(Geometry(problem).in) * problem.in_channels;
}

int64_t output_count(const sepconv_problem& problem) {
  return problem.batch * volume(Geometry(problem).out) * problem.out_channels;
}

int64_t depthwise_count(const sepconv_problem& problem) {
  return volume(Geometry(problem).kernel) * mid_count(problem);
}

int64_t pointwise_count(const sepconv_problem& problem) { return mid_count(problem) * problem.out_channels; }

int64_t mid_count(const sepconv_problem& problem) { return problem.in_channels * problem.depth_multiplier; }

template <typename T>
Result<T> reference(const sepconv_problem& problem, const Operands<T>& operands) {
  const Geometry geometry(problem);
  const int64_t channels = problem.in_channels, multiplier = problem.depth_multiplier, filters = problem.out_channels;
  const int64_t mids = mid_count(problem);
  const auto magnitude = [](T value) { return std::abs(static_cast<double>(value)); };

  Result<T> result;
  result.values.resize(static_cast<size_t>(output_count(problem)));
  result.tolerance.resize(result.values.size());
  std::vector<T> mid(static_cast<size_t>(mids));  // D at one pixel
  std::vector<double> mid_error(mid.size());      // by how much a float32 D may be wrong
  std::vector<double> mid_magnitude(mid.size());  // what D's error in the second stage is measured by

  for (int64_t image = 0; image < problem.batch; ++image) {
    for_each(geometry.out, [&](const Extents& out) {
      for (int64_t k = 0; k < mids; ++k) {
        const int64_t channel = k / multiplier;
        T sum = operands.mid_bias.empty() ? T(0) : operands.mid_bias[static_cast<size_t>(k)];
        double absolute = magnitude(sum);
        for_each(geometry.kernel, [&](const Extents& tap) {
          Extents in{};
          for (size_t a = 0; a < kAxes; ++a) {
            in[a] = out[a] * geometry.stride[a] - geometry.pad[a] + tap[a] * geometry.dilation[a];
            if (in[a] < 0 || in[a] >= geometry.in[a]) return;  // zeros outside the image
          }
          const int64_t from = element(problem.layout, image, geometry.in, in, channels, channel);
          const int64_t weight = flat(geometry.kernel, tap) * mids + k;
          const T product = activate(problem.input_activation, operands.input[static_cast<size_t>(from)]) *
                            operands.depthwise[static_cast<size_t>(weight)];
          sum += product;
          absolute += magnitude(product);
        });
        const size_t at = static_cast<size_t>(k);
        mid[at] = activate(problem.mid_activation, sum);
        mid_error[at] = rounding(volume(geometry.kernel) + 1) * absolute;  // a clamp does not enlarge an error
        mid_magnitude[at] = std::max(absolute, magnitude(mid[at]));
      }
      for (int64_t filter = 0; filter < filters; ++filter) {
        T sum = operands.out_bias.empty() ? T(0) : operands.out_bias[static_cast<size_t>(filter)];
        double absolute = magnitude(sum), inherited = 0;
        for (size_t k = 0; k < mid.size(); ++k) {
          const T weight = operands.pointwise[k * static_cast<size_t>(filters) + static_cast<size_t>(filter)];
          sum += mid[k] * weight;
          absolute += mid_magnitude[k] * magnitude(weight);
          inherited += mid_error[k] * magnitude(weight);
        }
        const int64_t to = element(problem.layout, image, geometry.out, out, filters, filter);
        result.values[static_cast<size_t>(to)] = activate(problem.out_activation, sum);
        result.tolerance[static_cast<size_t>(to)] =
            inherited + rounding(mids + 2) * absolute + static_cast<double>(std::numeric_limits<float>::min());
      }
    });
  }
  return result;
}

template Result<double> reference(const sepconv_problem&, const Operands<double>&);
template Result<int64_t> reference(const sepconv_problem&, const Operands<int64_t>&);

}  // namespace sepconv::test
