#include "chain.h"

#include <string>
#include <utility>

#include "scratch.h"

namespace sepconv::python {
namespace {

// What a layer takes or gives, in words: "float32, channels_last, 2 spatial axes, 8 channels".
std::string interface_of(const Layer& layer, int64_t channels) {
  const sepconv_problem& problem = layer.problem();
  return std::string(name(layer.type())) + ", " + sepconv::name(problem.layout) + ", " +
         std::to_string(problem.spatial_rank) + " spatial axes, " + std::to_string(channels) + " channels";
}

}  // namespace

Chain::Chain(std::vector<std::shared_ptr<const Layer>> layers) : layers_(std::move(layers)) {
  if (layers_.empty()) throw std::invalid_argument("layers must have at least one entry, received none");
  for (std::size_t i = 1; i < layers_.size(); ++i) {
    const Layer &before = *layers_[i - 1], &after = *layers_[i];
    const std::string gives = interface_of(before, before.problem().out_channels);
    const std::string takes = interface_of(after, after.problem().in_channels);
    if (gives == takes) continue;
    throw std::invalid_argument("layers must follow one another: layers[" + std::to_string(i) + "] takes " + takes +
                                ", layers[" + std::to_string(i - 1) + "] gives " + gives);
  }
}

std::shared_ptr<const Runnable> Chain::channels_last() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (channels_last_ == nullptr) {
    std::vector<std::shared_ptr<const Layer>> layers;
    for (const auto& layer : layers_) layers.push_back(layer->layer_channels_last());
    channels_last_ = std::make_shared<const Chain>(std::move(layers));
  }
  return channels_last_;
}

Shape Chain::output_shape(const Shape& input) const {
  Shape shape = input;
  for (const auto& layer : layers_) shape = layer->output_shape(shape);
  return shape;
}

void Chain::run(const Tensor& input, const Tensor* residual, const Tensor& output) const {
  if (layers_.size() > 1) output_shape(input.shape);  // what is wrong is said before anything runs
  Tensor from = input;
  for (std::size_t i = 0; i + 1 < layers_.size(); ++i) {
    const Shape shape = layers_[i]->output_shape(from.shape);
    const auto size = static_cast<std::size_t>(shape.elements()) * bytes(type());
    void* block = scratch(i % 2 == 0 ? Scratch::even_layer : Scratch::odd_layer, size);
    const Tensor to = Tensor::dense(block, type(), shape);
    layers_[i]->run(from, nullptr, to);
    from = to;
  }
  layers_.back()->run(from, residual, output);
}

}  // namespace sepconv::python
