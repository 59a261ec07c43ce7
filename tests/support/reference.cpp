#include "support/reference.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "activation.h"

namespace sepconv::test {
namespace {

constexpr int kAxes = SEPCONV_MAX_SPATIAL_RANK;
using Extents = std::array<int64_t, kAxes>;

// A problem of rank 1 or 2 is one of rank 3 whose outer axes have extent 1; all loops below are of rank 3.
struct Geometry {
  Extents in{1, 1, 1}, kernel{1, 1, 1}, stride{1, 1, 1}, dilation{1, 1, 1}, out{1, 1, 1}, pad{0, 0, 0};

  explicit Geometry(const sepconv_problem& given) {
    const sepconv_problem problem = completed(given);
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

// The error of summing `terms` products in the problem's type, as a part of the sum of their absolute values, whatever
// the order. Each product and each addition rounds once, by at most u (2^-24 in float32) of its result. The worst case
// is terms * u. Roundings do not all point one way: beyond lambda * sqrt(terms) * u the chance is below
// 2 * exp(-lambda^2 / 2) (Higham and Mary, 2019), 3e-8 at lambda = 6.
double rounding(int64_t terms, sepconv_dtype dtype) {
  const double n = static_cast<double>(terms), u = dtype == SEPCONV_DTYPE_F64 ? 0x1p-53 : 0x1p-24;
  return std::min(n, 6 * std::sqrt(n)) * u;
}

double smallest(sepconv_dtype dtype) {
  return dtype == SEPCONV_DTYPE_F64 ? std::numeric_limits<double>::min()
                                    : static_cast<double>(std::numeric_limits<float>::min());
}

// A value, by how much an implementation may have it wrong, and what the error of a sum with it is measured by: the sum
// of the absolute values that it was made of.
template <typename T>
struct Estimate {
  T value;
  double error, magnitude;
};

template <typename T>
double magnitude(T value) {
  return std::abs(static_cast<double>(value));
}

// The function's own error, and that of its argument, enlarged by at most the function's slope.
template <typename T>
Estimate<T> activated(const sepconv_activation& activation, const Estimate<T>& x, sepconv_dtype dtype) {
  const T value = support::activate(activation, x.value);
  const double own = support::own_error(activation, static_cast<double>(x.value), dtype);
  return {value, support::steepness(activation) * x.error + own, std::max(x.magnitude, magnitude(value))};
}

}  // namespace

OutputAxis output_axis(const sepconv_problem& given, int axis) {
  const sepconv_problem problem = completed(given);
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
    case SEPCONV_PADDING_COUNT:
      break;
  }
  throw std::invalid_argument("no such padding");
}

sepconv_problem completed(const sepconv_problem& given) {
  sepconv_problem problem = given;
  if (problem.stages == SEPCONV_STAGES_DEPTHWISE && problem.out_channels == 0) {
    problem.out_channels = problem.in_channels * problem.depth_multiplier;
  }
  for (int axis = 0; axis < problem.spatial_rank && problem.stages == SEPCONV_STAGES_POINTWISE; ++axis) {
    problem.kernel_extent[axis] = problem.dilation[axis] = 1;
  }
  return problem;
}

bool only_clamps(const sepconv_problem& problem) {
  using support::is_clamp;
  return is_clamp(problem.input_activation) && is_clamp(problem.mid_activation) && is_clamp(problem.out_activation);
}

int64_t input_count(const sepconv_problem& problem) {
  return problem.batch * volume(Geometry(problem).in) * problem.in_channels;
}

int64_t output_count(const sepconv_problem& problem) {
  return problem.batch * volume(Geometry(problem).out) * completed(problem).out_channels;
}

int64_t depthwise_count(const sepconv_problem& problem) {
  if (problem.stages == SEPCONV_STAGES_POINTWISE) return 0;
  return volume(Geometry(problem).kernel) * mid_count(problem);
}

int64_t pointwise_count(const sepconv_problem& problem) {
  return problem.stages == SEPCONV_STAGES_DEPTHWISE ? 0 : mid_count(problem) * problem.out_channels;
}

int64_t mid_count(const sepconv_problem& problem) { return problem.in_channels * problem.depth_multiplier; }

template <typename T>
Result<T> reference(const sepconv_problem& given, const Operands<T>& operands) {
  const sepconv_problem problem = completed(given);
  const Geometry geometry(problem);
  const int64_t channels = problem.in_channels, multiplier = problem.depth_multiplier, filters = problem.out_channels;
  const int64_t mids = mid_count(problem);
  const sepconv_dtype type = problem.output_dtype;
  const auto at = [](const std::vector<T>& values, int64_t i) { return values[static_cast<size_t>(i)]; };

  std::vector<Estimate<T>> input;  // in(X)
  for (const T value : operands.input) {
    input.push_back(activated(problem.input_activation, Estimate<T>{value, 0, magnitude(value)}, type));
  }
  // in(X) under one tap; NULL outside the image, where there are zeros whatever the activation makes of 0.
  const auto sample = [&](int64_t image, const Extents& out, const Extents& tap,
                          int64_t channel) -> const Estimate<T>* {
    Extents in{};
    for (size_t a = 0; a < kAxes; ++a) {
      in[a] = out[a] * geometry.stride[a] - geometry.pad[a] + tap[a] * geometry.dilation[a];
      if (in[a] < 0 || in[a] >= geometry.in[a]) return nullptr;
    }
    return &input[static_cast<size_t>(element(problem.layout, image, geometry.in, in, channels, channel))];
  };
  // D of channel k at one output pixel.
  const auto depthwise = [&](int64_t image, const Extents& out, int64_t k) -> Estimate<T> {
    if (problem.stages == SEPCONV_STAGES_POINTWISE) {
      const Estimate<T>* x = sample(image, out, Extents{}, k);
      return x != nullptr ? *x : Estimate<T>{};
    }
    Estimate<T> sum{};
    if (!operands.mid_bias.empty()) sum.value = at(operands.mid_bias, k);
    sum.magnitude = magnitude(sum.value);
    for_each(geometry.kernel, [&](const Extents& tap) {
      const Estimate<T>* x = sample(image, out, tap, k / multiplier);
      if (x == nullptr) return;
      const T weight = at(operands.depthwise, flat(geometry.kernel, tap) * mids + k);
      sum.value += x->value * weight;
      sum.error += x->error * magnitude(weight);
      sum.magnitude += x->magnitude * magnitude(weight);
    });
    sum.error += rounding(volume(geometry.kernel) + 1, type) * sum.magnitude;
    return activated(problem.mid_activation, sum, type);
  };

  Result<T> result;
  result.values.resize(static_cast<size_t>(output_count(problem)));
  result.tolerance.resize(result.values.size());
  std::vector<Estimate<T>> mid(static_cast<size_t>(mids));  // D at one pixel
  for (int64_t image = 0; image < problem.batch; ++image) {
    for_each(geometry.out, [&](const Extents& out) {
      for (int64_t k = 0; k < mids; ++k) mid[static_cast<size_t>(k)] = depthwise(image, out, k);
      for (int64_t filter = 0; filter < filters; ++filter) {
        const size_t to = static_cast<size_t>(element(problem.layout, image, geometry.out, out, filters, filter));
        Estimate<T> y{};
        if (problem.stages == SEPCONV_STAGES_DEPTHWISE) {
          y = mid[static_cast<size_t>(filter)];
        } else {
          const T bias = operands.out_bias.empty() ? T(0) : at(operands.out_bias, filter);
          const T residual = operands.residual.empty() ? T(0) : operands.residual[to];
          y = {bias + residual, 0, magnitude(bias) + magnitude(residual)};
          for (int64_t k = 0; k < mids; ++k) {
            const Estimate<T>& d = mid[static_cast<size_t>(k)];
            const T weight = at(operands.pointwise, k * filters + filter);
            y.value += d.value * weight;
            y.error += d.error * magnitude(weight);
            y.magnitude += d.magnitude * magnitude(weight);
          }
          y.error += rounding(mids + 3, type) * y.magnitude;
          y = activated(problem.out_activation, y, type);
        }
        result.values[to] = y.value;
        result.tolerance[to] = y.error + smallest(type);
      }
    });
  }
  return result;
}

template Result<double> reference(const sepconv_problem&, const Operands<double>&);
template Result<long double> reference(const sepconv_problem&, const Operands<long double>&);
template Result<int64_t> reference(const sepconv_problem&, const Operands<int64_t>&);

}  // namespace sepconv::test
