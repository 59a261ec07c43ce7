#include "network.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "timing.h"

namespace sepconv::examples {
namespace {

constexpr float kBiasLimit = 0.5F;

std::vector<double> compute_reference(const sepconv_problem& problem, const std::vector<double>& input,
                                      const support::Weights& weights) {
  support::Reference<double> reference(problem, input.data(), weights);
  const int64_t pixels = support::output_pixels(problem), channels = problem.out_channels;
  std::vector<double> output(static_cast<size_t>(pixels * channels));
  for (int64_t pixel = 0; pixel < pixels; ++pixel) reference.compute(0, pixel, output.data() + pixel * channels);
  return output;
}

// NaN counts as infinitely wrong, and so does a layer that is zero everywhere, because it would hide every later error.
double relative_error(const float* actual, const std::vector<double>& expected) {
  double difference = 0, magnitude = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    if (std::isnan(actual[i])) return std::numeric_limits<double>::infinity();
    difference = std::max(difference, std::abs(actual[i] - expected[i]));
    magnitude = std::max(magnitude, std::abs(expected[i]));
  }
  return magnitude > 0 ? difference / magnitude : std::numeric_limits<double>::infinity();
}

void check_chain(const std::vector<support::Layer>& layers) {
  for (size_t i = 1; i < layers.size(); ++i) {
    const sepconv_problem& before = layers[i - 1].problem;
    const sepconv_problem& after = layers[i].problem;
    int64_t extent[SEPCONV_MAX_SPATIAL_RANK];
    support::require(sepconv_output_extent(&before, extent));
    if (before.out_channels != after.in_channels || before.spatial_rank != after.spatial_rank ||
        !std::equal(extent, extent + after.spatial_rank, after.in_extent)) {
      throw std::runtime_error("layer " + layers[i].name + " does not fit the output of layer " + layers[i - 1].name);
    }
  }
}

}  // namespace

Network::Network(const std::vector<support::Layer>& layers, support::Random* random) {
  for (const support::Layer& layer : layers) {
    for (int64_t i = 0; i < layer.repeat; ++i) {
      layers_.push_back(layer);
      if (layer.repeat > 1) layers_.back().name += " #" + std::to_string(i + 1);
      weights_.push_back(random_weights(layer.problem, random, kBiasLimit));
    }
  }
  check_chain(layers_);
}

size_t Network::input_count() const {
  return static_cast<size_t>(support::input_pixels(layers_[0].problem) * layers_[0].problem.in_channels);
}

void Network::set_input(std::vector<float> input, std::vector<double> reference_input) {
  if (input.size() != input_count() || reference_input.size() != input_count()) {
    throw std::runtime_error("the first layer takes " + std::to_string(input_count()) + " numbers, not " +
                             std::to_string(input.size()));
  }
  input_ = std::move(input);
  reference_ = std::move(reference_input);
}

LayerReport Network::run_layer(size_t index, double budget) {
  const sepconv_problem& problem = layers_[index].problem;
  runs_.push_back(std::make_unique<support::LayerRun>(problem, nullptr, weights_[index]));
  const support::LayerRun& run = *runs_.back();
  const float* input = layer_input(index);
  std::fill_n(run.output(), run.output_count(), std::numeric_limits<float>::quiet_NaN());  // so that a gap is seen
  run.run(input);
  reference_ = compute_reference(problem, reference_, weights_[index]);

  LayerReport report;
  report.name = layers_[index].name;
  report.shape = support::describe(problem);
  report.variant = run.variant();
  report.flops = support::flops(problem);
  report.max_error = relative_error(run.output(), reference_);
  const auto zeros = std::count(run.output(), run.output() + run.output_count(), 0.0F);
  report.alive = 1 - static_cast<double>(zeros) / static_cast<double>(run.output_count());
  report.seconds = support::time_in_turns({[&] { run.run(input); }}, budget)[0].min;
  return report;
}

double Network::time_all(double budget) const {
  const auto run_all = [&] {
    for (size_t i = 0; i < runs_.size(); ++i) runs_[i]->run(layer_input(i));
  };
  return support::time_in_turns({run_all}, budget)[0].min;
}

}  // namespace sepconv::examples
