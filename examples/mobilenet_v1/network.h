// A chain of separable layers, computed twice: by the library, and in double precision from the first layer to the
// last.
#ifndef SEPCONV_EXAMPLES_MOBILENET_V1_NETWORK_H
#define SEPCONV_EXAMPLES_MOBILENET_V1_NETWORK_H

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "layer_file.h"
#include "layer_run.h"
#include "reference.h"

namespace sepconv::examples {

struct LayerReport {
  std::string name, shape, variant;
  double flops = 0, seconds = 0;  // seconds of the fastest call
  double max_error = 0;           // against the double-precision chain, over the layer's largest magnitude
  double alive = 0;               // fraction of the outputs that are not zero
};

class Network {
 public:
  // Layers with a `repeat` are repeated, each time with other weights. Throws std::runtime_error if they do not fit
  // together.
  Network(const std::vector<support::Layer>& layers, support::Random* random);

  size_t size() const { return layers_.size(); }
  const support::Layer& layer(size_t index) const { return layers_[index]; }
  size_t input_count() const;

  // The input of the first layer, in both precisions. Must be called first.
  void set_input(std::vector<float> input, std::vector<double> reference_input);

  // Runs layer `index` on the output of the one before, checks it at every pixel, and times it. In order, each once.
  LayerReport run_layer(size_t index, double budget);

  // Seconds of the fastest run of all layers, one after the other. After all were run.
  double time_all(double budget) const;

 private:
  const float* layer_input(size_t index) const { return index == 0 ? input_.data() : runs_[index - 1]->output(); }

  std::vector<support::Layer> layers_;
  std::vector<support::Weights> weights_;
  std::vector<std::unique_ptr<support::LayerRun>> runs_;
  std::vector<float> input_;
  std::vector<double> reference_;  // the newest layer's output in double precision
};

}  // namespace sepconv::examples

#endif  // SEPCONV_EXAMPLES_MOBILENET_V1_NETWORK_H
