#include "filter.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>

#include "layer_run.h"
#include "reference.h"
#include "sepconv/sepconv.h"
#include "timing.h"

namespace sepconv::examples {
namespace {

constexpr int kChannels = 3;

// (taps, taps, channels, multiplier 1): the same Gaussian for each channel, with the sum 1.
std::vector<float> gaussian_kernel(int radius, float sigma) {
  std::vector<double> line;
  double sum = 0;
  for (int i = -radius; i <= radius; ++i) {
    line.push_back(std::exp(-0.5 * i * i / (sigma * sigma)));
    sum += line.back();
  }
  std::vector<float> kernel;
  for (const double vertical : line) {
    for (const double horizontal : line) {
      kernel.insert(kernel.end(), kChannels, static_cast<float>(vertical * horizontal / (sum * sum)));
    }
  }
  return kernel;
}

// Repeats the outermost pixels `radius` times on every side, so that edges do not darken as they would next to zeros.
Picture extend(const Picture& picture, int radius) {
  Picture result(picture.width + 2 * radius, picture.height + 2 * radius);
  for (int y = 0; y < result.height; ++y) {
    const int from_y = std::clamp(y - radius, 0, picture.height - 1);
    for (int x = 0; x < result.width; ++x) {
      const float* from = picture.pixel(std::clamp(x - radius, 0, picture.width - 1), from_y);
      std::copy_n(from, kChannels, result.pixel(x, y));
    }
  }
  return result;
}

// Interleaved colours as planes one behind the other.
std::vector<float> to_planes(const std::vector<float>& rgb) {
  std::vector<float> planes;
  for (size_t c = 0; c < kChannels; ++c) {
    for (size_t i = c; i < rgb.size(); i += kChannels) planes.push_back(rgb[i]);
  }
  return planes;
}

std::vector<float> from_planes(const float* planes, size_t pixels) {
  std::vector<float> rgb;
  for (size_t i = 0; i < pixels; ++i) {
    for (size_t c = 0; c < kChannels; ++c) rgb.push_back(planes[c * pixels + i]);
  }
  return rgb;
}

sepconv_problem describe_problem(const Picture& extended, int radius, sepconv_layout layout) {
  sepconv_problem problem;
  sepconv_problem_init(&problem, sizeof problem);
  problem.layout = layout;
  problem.padding = SEPCONV_PADDING_VALID;
  problem.in_channels = problem.out_channels = kChannels;
  problem.in_extent[0] = extended.height;
  problem.in_extent[1] = extended.width;
  problem.kernel_extent[0] = problem.kernel_extent[1] = 2 * radius + 1;
  problem.out_activation = {SEPCONV_ACTIVATION_CLAMP, 0.0F, 1.0F};  // colours stay in range
  return problem;
}

}  // namespace

const std::map<std::string, ColorMatrix>& tones() {
  static const std::map<std::string, ColorMatrix> named = {
      {"sepia", {0.393F, 0.349F, 0.272F, 0.769F, 0.686F, 0.534F, 0.189F, 0.168F, 0.131F}},
      {"gray", {0.299F, 0.299F, 0.299F, 0.587F, 0.587F, 0.587F, 0.114F, 0.114F, 0.114F}},
      {"cool", {0.85F, 0.05F, 0.10F, 0.05F, 0.90F, 0.20F, 0.00F, 0.10F, 1.00F}},
      {"keep", {1, 0, 0, 0, 1, 0, 0, 0, 1}},
  };
  return named;
}

Filtered filter_picture(const Picture& picture, float sigma, const ColorMatrix& colors, sepconv_layout layout) {
  const int radius = std::max(1, static_cast<int>(std::ceil(2.5F * sigma)));
  const Picture extended = extend(picture, radius);
  const bool planes = layout == SEPCONV_LAYOUT_CHANNELS_FIRST;
  const std::vector<float> input = planes ? to_planes(extended.rgb) : extended.rgb;
  const sepconv_problem problem = describe_problem(extended, radius, layout);
  support::Weights weights;
  weights.depthwise = gaussian_kernel(radius, sigma);
  weights.pointwise.assign(colors.begin(), colors.end());

  const support::LayerRun run(problem, nullptr, weights);  // plans, packs the weights, allocates
  Filtered filtered;
  filtered.variant = run.variant();
  run.run(input.data());  // the first touch of fresh memory costs more than the work
  const double start = support::seconds_now();
  run.run(input.data());
  filtered.milliseconds = 1e3 * (support::seconds_now() - start);

  constexpr double kCheckBudget = 1e6;
  filtered.max_error = support::check(problem, input.data(), weights, run.output(), kCheckBudget).max_error;
  filtered.picture = Picture(picture.width, picture.height);
  if (planes) {
    filtered.picture.rgb = from_planes(run.output(), run.output_count() / kChannels);
  } else {
    std::copy_n(run.output(), run.output_count(), filtered.picture.rgb.begin());
  }
  return filtered;
}

}  // namespace sepconv::examples
