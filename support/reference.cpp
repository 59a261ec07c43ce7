#include "reference.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <stdexcept>

#include "activation.h"
#include "halves.h"
#include "problem_size.h"

namespace sepconv::support {
namespace {

// Zeros before the first element of one axis.
int64_t zeros_before(const sepconv_problem& problem, int axis, int64_t out_extent) {
  const int64_t window = (problem.kernel_extent[axis] - 1) * problem.dilation[axis] + 1;
  switch (problem.padding) {
    case SEPCONV_PADDING_VALID:
      return 0;
    case SEPCONV_PADDING_SAME:
      return std::max<int64_t>((out_extent - 1) * problem.stride[axis] + window - problem.in_extent[axis], 0) / 2;
    case SEPCONV_PADDING_CAUSAL:
      return window - 1;
    case SEPCONV_PADDING_EXPLICIT:
      return problem.pad_before[axis];
    case SEPCONV_PADDING_COUNT:
      break;
  }
  throw std::logic_error("the reference does not know padding " + std::to_string(problem.padding));
}

// Splits a flat index into one an axis, the innermost fastest.
void unflatten(int64_t flat, const int64_t* extent, int rank, int64_t* index) {
  for (int axis = rank - 1; axis >= 0; --axis) {
    index[axis] = flat % extent[axis];
    flat /= extent[axis];
  }
}

// Corners, up to 24 pixels along each edge, and the rest spread over the image by a step that shares no factor with its
// size.
std::set<int64_t> sample_pixels(const int64_t* extent, int rank, int64_t pixels, int64_t wanted) {
  std::set<int64_t> sample;
  for (int edge_axis = 0; edge_axis < rank; ++edge_axis) {
    for (int corner = 0; corner < (1 << rank); ++corner) {  // along edge_axis, the other axes at an end
      const int64_t steps = std::min<int64_t>(extent[edge_axis], 24);
      for (int64_t step = 0; step < steps; ++step) {
        int64_t flat = 0;
        for (int axis = 0; axis < rank; ++axis) {
          const int64_t last = extent[axis] - 1;
          const int64_t end = (corner >> axis & 1) ? last : 0;
          flat = flat * extent[axis] + (axis == edge_axis ? last * step / std::max<int64_t>(steps - 1, 1) : end);
        }
        sample.insert(flat);
      }
    }
  }
  constexpr int64_t kPrime = 1000003;
  for (int64_t i = 0; static_cast<int64_t>(sample.size()) < std::min(wanted, pixels) && i < pixels; ++i) {
    sample.insert(i * kPrime % pixels);
  }
  return sample;
}

}  // namespace

template <typename Input>
Reference<Input>::Reference(const sepconv_problem& problem, const Input* input, const Weights& weights)
    : problem_(problem), input_(input), weights_(weights), middle_(static_cast<size_t>(mid_channels(problem))) {
  if (sepconv_output_extent(&problem, out_extent_) != SEPCONV_OK) throw std::runtime_error(sepconv_last_error());
  for (int axis = 0; axis < problem.spatial_rank; ++axis)
    pad_before_[axis] = zeros_before(problem, axis, out_extent_[axis]);
}

template <typename Input>
void Reference<Input>::compute(int64_t image, int64_t pixel, double* outputs) {
  const int rank = problem_.spatial_rank;
  const int64_t channels = problem_.in_channels, multiplier = problem_.depth_multiplier,
                out_channels = problem_.out_channels;
  const int64_t image_pixels = input_pixels(problem_);
  const bool channels_last = problem_.layout == SEPCONV_LAYOUT_CHANNELS_LAST;
  const int64_t channel_step = channels_last ? 1 : image_pixels, pixel_step = channels_last ? channels : 1;
  const Input* image_base = input_ + image * image_pixels * channels;

  int64_t position[SEPCONV_MAX_SPATIAL_RANK], tap[SEPCONV_MAX_SPATIAL_RANK];
  unflatten(pixel, out_extent_, rank, position);
  std::fill(middle_.begin(), middle_.end(), 0.0);
  for (int64_t flat_tap = 0; flat_tap < taps(problem_); ++flat_tap) {
    unflatten(flat_tap, problem_.kernel_extent, rank, tap);
    int64_t source = 0;
    bool inside = true;
    for (int axis = 0; axis < rank; ++axis) {
      const int64_t at =
          position[axis] * problem_.stride[axis] - pad_before_[axis] + tap[axis] * problem_.dilation[axis];
      inside = inside && at >= 0 && at < problem_.in_extent[axis];
      source = source * problem_.in_extent[axis] + at;
    }
    if (!inside) continue;
    const Input* samples = image_base + source * pixel_step;
    const float* kernel = weights_.depthwise.data() + flat_tap * channels * multiplier;
    for (int64_t c = 0; c < channels; ++c) {
      const double x = activate(problem_.input_activation, samples[c * channel_step]);
      for (int64_t m = 0; m < multiplier; ++m) {
        middle_[static_cast<size_t>(c * multiplier + m)] += x * kernel[c * multiplier + m];
      }
    }
  }
  for (size_t k = 0; k < middle_.size(); ++k) {
    const double bias = weights_.mid_bias.empty() ? 0.0 : weights_.mid_bias[k];
    middle_[k] = activate(problem_.mid_activation, middle_[k] + bias);
  }
  if (problem_.stages == SEPCONV_STAGES_DEPTHWISE) {
    std::copy(middle_.begin(), middle_.end(), outputs);
    return;
  }
  for (int64_t f = 0; f < out_channels; ++f) {
    outputs[f] = weights_.out_bias.empty() ? 0.0 : weights_.out_bias[static_cast<size_t>(f)];
  }
  for (size_t k = 0; k < middle_.size(); ++k) {
    const float* row = weights_.pointwise.data() + static_cast<int64_t>(k) * out_channels;
    for (int64_t f = 0; f < out_channels; ++f) outputs[f] += middle_[k] * row[f];
  }
  for (int64_t f = 0; f < out_channels; ++f) outputs[f] = activate(problem_.out_activation, outputs[f]);
}

template class Reference<float>;
template class Reference<double>;

namespace {

template <typename Element>
Accuracy check_elements(const sepconv_problem& problem, const Element* input, const Weights& weights,
                        const Element* output, double budget) {
  const int64_t pixels = output_pixels(problem), out_channels = output_channels(problem);
  const double cost_per_pixel = flops(problem) / 2 / static_cast<double>(problem.batch * pixels);
  const auto affordable = static_cast<int64_t>(budget / cost_per_pixel / static_cast<double>(problem.batch));
  Accuracy accuracy;
  accuracy.complete = affordable >= pixels;
  int64_t extent[SEPCONV_MAX_SPATIAL_RANK];
  sepconv_output_extent(&problem, extent);
  std::set<int64_t> sample;
  if (!accuracy.complete)
    sample = sample_pixels(extent, problem.spatial_rank, pixels, std::max<int64_t>(affordable, 300));

  const bool channels_last = problem.layout == SEPCONV_LAYOUT_CHANNELS_LAST;
  const int64_t channel_step = channels_last ? 1 : pixels, pixel_step = channels_last ? out_channels : 1;
  Reference<Element> reference(problem, input, weights);
  std::vector<double> expected(static_cast<size_t>(out_channels));
  double max_difference = 0;
  const auto check_pixel = [&](int64_t image, int64_t pixel) {
    reference.compute(image, pixel, expected.data());
    const Element* actual = output + image * pixels * out_channels + pixel * pixel_step;
    for (int64_t f = 0; f < out_channels; ++f) {
      const double wanted = expected[static_cast<size_t>(f)];
      const double difference = std::abs(actual[f * channel_step] - wanted);
      max_difference = std::max(max_difference, difference);
      if (std::isnan(difference)) max_difference = std::numeric_limits<double>::infinity();
      accuracy.max_magnitude = std::max(accuracy.max_magnitude, std::abs(wanted));
    }
    ++accuracy.pixels;
  };
  for (int64_t image = 0; image < problem.batch; ++image) {
    if (accuracy.complete) {
      for (int64_t pixel = 0; pixel < pixels; ++pixel) check_pixel(image, pixel);
    } else {
      for (const int64_t pixel : sample) check_pixel(image, pixel);
    }
  }
  accuracy.max_error = max_difference > 0 ? max_difference / accuracy.max_magnitude : 0;
  return accuracy;
}

}  // namespace

Accuracy check(const sepconv_problem& problem, const void* input, const Weights& weights, const void* output,
               double budget) {
  if (problem.output_dtype == SEPCONV_DTYPE_F64) {
    return check_elements(problem, static_cast<const double*>(input), weights, static_cast<const double*>(output),
                          budget);
  }
  if (is_half(problem.output_dtype)) {
    const auto values = [&](const void* halves, int64_t count) {
      std::vector<float> floats(static_cast<size_t>(problem.batch * count));
      std::transform(static_cast<const uint16_t*>(halves), static_cast<const uint16_t*>(halves) + floats.size(),
                     floats.begin(), [&](uint16_t half) { return from_half(half, problem.output_dtype); });
      return floats;
    };
    const std::vector<float> inputs = values(input, input_pixels(problem) * problem.in_channels);
    const std::vector<float> outputs = values(output, output_pixels(problem) * output_channels(problem));
    return check_elements(problem, inputs.data(), weights, outputs.data(), budget);
  }
  return check_elements(problem, static_cast<const float*>(input), weights, static_cast<const float*>(output), budget);
}

}  // namespace sepconv::support
