// The module sepconv._native: calls on arrays, in the words of C++. The package around it gives them their public form
// and their documentation.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <cstring>
#include <memory>
#include <optional>

#include "arguments.h"
#include "arrays.h"
#include "chain.h"
#include "device_module.h"
#include "layer.h"
#include "registry.h"
#include "sepconv_default.h"
#include "threads.h"

#ifdef SEPCONV_WITH_GPU
#include "sepconv_default_gpu.h"
#endif
#ifdef SEPCONV_WITH_JAX
#include "jax_ffi.h"
#endif

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace sepconv::python {
namespace {

// Tensors that may be None.
class Optional {
 public:
  Optional(const char* argument, nb::handle object, bool writable = false) {
    if (!object.is_none()) array_.emplace(argument, object, writable);
  }
  const Tensor* get() const { return array_ ? &array_->tensor() : nullptr; }

 private:
  std::optional<Array> array_;
};

// Keras's calls: a pointwise_kernel of None is a depthwise convolution.
nb::object conv(nb::handle inputs, nb::handle depthwise_kernel, nb::handle pointwise_kernel, nb::handle strides,
                nb::handle padding, nb::handle data_format, nb::handle dilation_rate) {
  const Options options = parse_options(strides, padding, data_format, dilation_rate);
  const Array input("inputs", inputs), depthwise("depthwise_kernel", depthwise_kernel);
  const Optional pointwise("pointwise_kernel", pointwise_kernel);
  Weights weights;
  weights.depthwise_kernel = &depthwise.tensor();
  weights.pointwise_kernel = pointwise.get();
  demand_type("depthwise_kernel", depthwise.tensor(), input.tensor().type);
  Tensor output;
  nb::object result = new_array(input.tensor().type, output_shape(options, weights, input.tensor().shape), &output);
  const nb::gil_scoped_release without_gil;
  run_once(options, weights, input.tensor(), output);
  return result;
}

Type parse_dtype(const std::string& dtype) {
  for (const Type type : {Type::float16, Type::bfloat16, Type::float32, Type::float64}) {
    if (dtype == name(type)) return type;
  }
  throw std::invalid_argument("dtype must be float16, bfloat16, float32 or float64, received \"" + dtype + "\"");
}

struct Described {  // a call without data
  Tensor depthwise, pointwise;
  Options options;
  Weights weights;
  Shape input;

  Described(nb::handle input_shape, nb::handle depthwise_shape, nb::handle pointwise_shape, const std::string& dtype,
            nb::handle strides, nb::handle padding, nb::handle data_format, nb::handle dilation_rate)
      : options(parse_options(strides, padding, data_format, dilation_rate)),
        input(parse_shape("inputs", input_shape)) {
    const Type type = parse_dtype(dtype);
    depthwise = Tensor::dense(nullptr, type, parse_shape("depthwise_kernel", depthwise_shape));
    weights.depthwise_kernel = &depthwise;
    if (pointwise_shape.is_none()) return;
    pointwise = Tensor::dense(nullptr, type, parse_shape("pointwise_kernel", pointwise_shape));
    weights.pointwise_kernel = &pointwise;
  }
  Described(const Described&) = delete;
};

nb::tuple to_tuple(const Shape& shape) {
  nb::list list;
  for (int axis = 0; axis < shape.rank; ++axis) list.append(shape[axis]);
  return nb::tuple(list);
}

// A layer or a chain as Python holds it, with its number for graphs.
class RunnableObject {
 public:
  explicit RunnableObject(std::shared_ptr<const Runnable> runnable)
      : runnable_(std::move(runnable)), number_(register_layer(runnable_)) {}
  ~RunnableObject() { forget_layer(number_); }
  RunnableObject(const RunnableObject&) = delete;

  const Runnable& runnable() const { return *runnable_; }
  int64_t number() const { return number_; }

  nb::object run(nb::handle inputs, nb::handle residual, nb::handle out) const {
    const Array input("inputs", inputs);
    const Optional added("residual", residual), given("out", out, true);
    Tensor output;
    nb::object result = nb::borrow(out);
    if (given.get() != nullptr) {
      output = *given.get();
      if (!output.dense()) throw std::invalid_argument("out must be C-contiguous");
    } else {
      result = new_array(runnable_->type(), runnable_->output_shape(input.tensor().shape), &output);
    }
    const nb::gil_scoped_release without_gil;
    runnable_->run(input.tensor(), added.get(), output);
    return result;
  }

 private:
  std::shared_ptr<const Runnable> runnable_;
  int64_t number_;
};

class LayerObject : public RunnableObject {
 public:
  explicit LayerObject(std::shared_ptr<const Layer> layer) : RunnableObject(layer), layer_(std::move(layer)) {}
  const Layer& layer() const { return *layer_; }
  const std::shared_ptr<const Layer>& shared() const { return layer_; }

 private:
  std::shared_ptr<const Layer> layer_;
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
    nb::object array = new_array(computed_in(layer.type()), shape, &tensor);
    std::memcpy(tensor.data, data, static_cast<std::size_t>(shape.elements()) * bytes(tensor.type));
    return array;
  };
  const Layer::Kept kept = layer.weights();
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
  const Optional depthwise("depthwise_kernel", depthwise_kernel), pointwise("pointwise_kernel", pointwise_kernel);
  const Optional mid("mid_bias", mid_bias), last("out_bias", out_bias);
  Weights weights;
  weights.depthwise_kernel = depthwise.get();
  weights.pointwise_kernel = pointwise.get();
  weights.mid_bias = mid.get();
  weights.out_bias = last.get();
  new (self) LayerObject(std::make_shared<const Layer>(options, weights));
}

void make_chain(ChainObject* self, nb::sequence objects) {
  std::vector<std::shared_ptr<const Layer>> layers;
  for (nb::handle object : objects) layers.push_back(nb::cast<const LayerObject&>(object).shared());
  new (self) ChainObject(std::make_shared<const Chain>(std::move(layers)));
}

nb::list variants() {
  nb::list list;
  int runnable = 0;
  for (size_t i = 0; const char* name = sepconv_variant_name(i, &runnable); ++i) {
    list.append(nb::make_tuple(name, runnable != 0));
  }
  return list;
}

}  // namespace

NB_MODULE(_native, module) {
  check_status(sepconv_register(sepconv_default_variants()));
#ifdef SEPCONV_WITH_GPU
  check_status(sepconv_register(sepconv_default_gpu_variants()));
  module.attr("has_gpu_rows") = true;
#else
  module.attr("has_gpu_rows") = false;
#endif
  nb::register_exception_translator(
      [](const std::exception_ptr& raised, void*) {
        try {
          std::rethrow_exception(raised);
        } catch (const Unsupported& error) {
          PyErr_SetString(PyExc_NotImplementedError, error.what());
        }
      },
      nullptr);

  module.attr("__version__") = sepconv_version();
  module.def("conv", conv, "inputs"_a, "depthwise_kernel"_a, "pointwise_kernel"_a.none(), "strides"_a, "padding"_a,
             "data_format"_a.none(), "dilation_rate"_a);
  module.def(
      "conv_shape",
      [](nb::handle inputs, nb::handle depthwise, nb::handle pointwise, const std::string& dtype, nb::handle strides,
         nb::handle padding, nb::handle data_format, nb::handle dilation_rate) {
        const Described call(inputs, depthwise, pointwise, dtype, strides, padding, data_format, dilation_rate);
        return to_tuple(output_shape(call.options, call.weights, call.input));
      },
      "inputs"_a, "depthwise_kernel"_a, "pointwise_kernel"_a.none(), "dtype"_a, "strides"_a, "padding"_a,
      "data_format"_a.none(), "dilation_rate"_a);
  module.def(
      "explain",
      [](nb::handle inputs, nb::handle depthwise, nb::handle pointwise, const std::string& dtype, nb::handle strides,
         nb::handle padding, nb::handle data_format, nb::handle dilation_rate) {
        const Described call(inputs, depthwise, pointwise, dtype, strides, padding, data_format, dilation_rate);
        return explain(call.options, call.weights, call.input);
      },
      "inputs"_a, "depthwise_kernel"_a, "pointwise_kernel"_a.none(), "dtype"_a, "strides"_a, "padding"_a,
      "data_format"_a.none(), "dilation_rate"_a);

  nb::class_<RunnableObject>(module, "Runnable")
      .def("run", &RunnableObject::run, "inputs"_a, "residual"_a.none(), "out"_a.none())
      .def(
          "output_shape",
          [](const RunnableObject& self, nb::handle shape) {
            return to_tuple(self.runnable().output_shape(parse_shape("input_shape", shape)));
          },
          "input_shape"_a)
      .def_prop_ro("dtype", [](const RunnableObject& self) { return name(self.runnable().type()); })
      .def_prop_ro("number", &RunnableObject::number);

  nb::class_<ChainObject, RunnableObject>(module, "Chain").def("__init__", make_chain, "layers"_a);

  nb::class_<LayerObject, RunnableObject>(module, "Layer")
      .def("__init__", make_layer, "depthwise_kernel"_a.none(), "pointwise_kernel"_a.none(), "mid_bias"_a.none(),
           "out_bias"_a.none(), "strides"_a, "padding"_a, "data_format"_a.none(), "dilation_rate"_a,
           "input_activation"_a.none(), "mid_activation"_a.none(), "out_activation"_a.none(), "threads"_a)
      .def(
          "prepare",
          [](const LayerObject& self, nb::handle shape) { self.layer().prepare(parse_shape("input_shape", shape)); },
          "input_shape"_a)
      .def(
          "variant",
          [](const LayerObject& self, nb::handle shape) {
            return self.layer().variant(parse_shape("input_shape", shape));
          },
          "input_shape"_a)
      .def(
          "explain",
          [](const LayerObject& self, nb::handle shape) {
            return self.layer().explain(parse_shape("input_shape", shape));
          },
          "input_shape"_a)
      .def("weights", weights_of)
      .def_prop_ro("threads", [](const LayerObject& self) { return self.layer().threads(); });

  define_devices(&module, [](nb::handle layer) -> const Layer& { return nb::cast<const LayerObject&>(layer).layer(); });

  module.def("variants", variants);
  module.def("get_threads", default_threads);
  module.def("set_threads", set_default_threads, "threads"_a);
  module.def("run_count", run_count);
  module.def("copy_count", copy_count);
  module.def(
      "address_of", [](nb::handle array) { return reinterpret_cast<uintptr_t>(Array("array", array).tensor().data); },
      "array"_a);
  module.def("entry", [] { return reinterpret_cast<uintptr_t>(&entry()); });
#ifdef SEPCONV_WITH_JAX
  module.def("jax_handlers", [] {
    nb::dict handlers;
    for (const JaxHandler& handler : jax_handlers()) {
      handlers[handler.name] = nb::capsule(reinterpret_cast<void*>(handler.function), "xla._CUSTOM_CALL_TARGET");
    }
    return handlers;
  });
#endif
}

}  // namespace sepconv::python
