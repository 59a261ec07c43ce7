#include "layer_module.h"

#include <nanobind/stl/string.h>

#include <cstring>
#include <memory>

#include "arguments.h"
#include "arrays.h"
#include "chain.h"
#include "registry.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace sepconv::python {
namespace {

// A layer or a chain as Python holds it, with its number for graphs.
class RunnableObject {
 public:
  explicit RunnableObject(std::shared_ptr<const Runnable> runnable)
      : runnable_(std::move(runnable)), number_(register_layer(runnable_)) {}
  ~RunnableObject() { forget_layer(number_); }
  RunnableObject(const RunnableObject&) = delete;

  const Runnable& runnable() const { return *runnable_; }
  int64_t number() const { return number_; }

  nb::object run(nb::handle inputs, nb::handle residual, nb::handle out, bool channels_last) const {
    const std::shared_ptr<const Runnable> runnable = channels_last ? runnable_->channels_last() : runnable_;
    const Array input("inputs", inputs);
    const OptionalArray added("residual", residual), given("out", out, true);
    Tensor output;
    nb::object result = nb::borrow(out);
    if (given.get() != nullptr) {
      output = *given.get();
      if (!output.dense()) throw std::invalid_argument("out must be C-contiguous");
    } else {
      result = new_array(runnable->type(), runnable->output_shape(input.tensor().shape), &output);
    }
    const nb::gil_scoped_release without_gil;
    runnable->run(input.tensor(), added.get(), output);
    return result;
  }

 private:
  std::shared_ptr<const Runnable> runnable_;
  int64_t number_;
};

class LayerObject : public RunnableObject {
 public:
  explicit LayerObject(std::shared_ptr<Layer> layer) : RunnableObject(layer), layer_(std::move(layer)) {}
  const Layer& layer() const { return *layer_; }
  Layer& layer() { return *layer_; }
  std::shared_ptr<const Layer> shared() const { return layer_; }

 private:
  std::shared_ptr<Layer> layer_;
};

class ChainObject : public RunnableObject {
 public:
  using RunnableObject::RunnableObject;
};

// Copies of a layer's weights: kernels and biases, None for what it does not have.
nb::tuple weights_of(const LayerObject& self) {
  const Layer& layer = self.layer();
  const sepconv_problem& problem = layer.problem();
  Shape depthwise, pointwise, mid, last;
  for (int axis = 0; axis < problem.spatial_rank; ++axis) {
    depthwise.append(problem.kernel_extent[axis]);
    pointwise.append(1);
  }
  mid.append(problem.in_channels * problem.depth_multiplier);
  depthwise.append(problem.in_channels);
  depthwise.append(problem.depth_multiplier);
  pointwise.append(mid[0]);
  pointwise.append(problem.out_channels);
  last.append(problem.out_channels);
  const auto copy = [&](const void* data, const Shape& shape) {
    if (data == nullptr) return nb::object(nb::none());
    Tensor tensor;
    nb::object array = new_array(layer.type(), shape, &tensor);
    std::memcpy(tensor.data, data, static_cast<std::size_t>(shape.elements()) * bytes(tensor.type));
    return array;
  };
  const WeightData kept = layer.weights();
  return nb::make_tuple(copy(kept.depthwise_kernel, depthwise), copy(kept.pointwise_kernel, pointwise),
                        copy(kept.mid_bias, mid), copy(kept.out_bias, last));
}

void make_layer(LayerObject* self, nb::handle depthwise_kernel, nb::handle pointwise_kernel, nb::handle mid_bias,
                nb::handle out_bias, nb::handle strides, nb::handle padding, nb::handle data_format,
                nb::handle dilation_rate, nb::handle input_activation, nb::handle mid_activation,
                nb::handle out_activation, int threads) {
  if (depthwise_kernel.is_none() && pointwise_kernel.is_none()) {
    throw std::invalid_argument("depthwise_kernel and pointwise_kernel are both None: a layer has at least one");
  }
  Options options = parse_options(strides, padding, data_format, dilation_rate);
  options.input_activation = parse_activation("input_activation", input_activation);
  options.mid_activation = parse_activation("mid_activation", mid_activation);
  options.out_activation = parse_activation("out_activation", out_activation);
  options.threads = threads;
  const OptionalArray depthwise("depthwise_kernel", depthwise_kernel), pointwise("pointwise_kernel", pointwise_kernel);
  const OptionalArray mid("mid_bias", mid_bias), last("out_bias", out_bias);
  Weights weights;
  weights.depthwise_kernel = depthwise.get();
  weights.pointwise_kernel = pointwise.get();
  weights.mid_bias = mid.get();
  weights.out_bias = last.get();
  new (self) LayerObject(std::make_shared<Layer>(options, weights));
}

void make_chain(ChainObject* self, nb::sequence objects) {
  std::vector<std::shared_ptr<const Layer>> layers;
  for (nb::handle object : objects) layers.push_back(shared_layer_of(object));
  new (self) ChainObject(std::make_shared<const Chain>(std::move(layers)));
}

}  // namespace

const Layer& layer_of(nb::handle object) { return nb::cast<const LayerObject&>(object).layer(); }
std::shared_ptr<const Layer> shared_layer_of(nb::handle object) {
  return nb::cast<const LayerObject&>(object).shared();
}

void define_layers(nb::module_* module) {
  nb::class_<RunnableObject>(*module, "Runnable")
      .def("run", &RunnableObject::run, "inputs"_a.none(), "residual"_a.none(), "out"_a.none(),
           "channels_last"_a = false)
      .def(
          "output_shape",
          [](const RunnableObject& self, nb::handle shape) {
            return to_tuple(self.runnable().output_shape(parse_shape("input_shape", shape)));
          },
          "input_shape"_a.none())
      .def_prop_ro("dtype", [](const RunnableObject& self) { return name(self.runnable().type()); })
      .def_prop_ro("number", &RunnableObject::number);

  nb::class_<ChainObject, RunnableObject>(*module, "Chain").def("__init__", make_chain, "layers"_a);

  nb::class_<LayerObject, RunnableObject>(*module, "Layer")
      .def("__init__", make_layer, "depthwise_kernel"_a.none(), "pointwise_kernel"_a.none(), "mid_bias"_a.none(),
           "out_bias"_a.none(), "strides"_a.none(), "padding"_a.none(), "data_format"_a.none(),
           "dilation_rate"_a.none(), "input_activation"_a.none(), "mid_activation"_a.none(), "out_activation"_a.none(),
           "threads"_a)
      .def(
          "prepare",
          [](const LayerObject& self, nb::handle shape) { self.layer().prepare(parse_shape("input_shape", shape)); },
          "input_shape"_a.none())
      .def(
          "variant",
          [](const LayerObject& self, nb::handle shape) {
            return self.layer().variant(parse_shape("input_shape", shape));
          },
          "input_shape"_a.none())
      .def(
          "explain",
          [](const LayerObject& self, nb::handle shape) {
            return self.layer().explain(parse_shape("input_shape", shape));
          },
          "input_shape"_a.none())
      .def("weights", weights_of)
      .def_prop_rw(
          "threads", [](const LayerObject& self) { return self.layer().threads(); },
          [](LayerObject& self, int threads) { self.layer().set_threads(threads); });
}

}  // namespace sepconv::python
