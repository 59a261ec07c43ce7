// The module sepconv._native: calls on arrays, in the words of C++. The package around it gives them their public form
// and their documentation.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include "arguments.h"
#include "arrays.h"
#include "call.h"
#include "device_module.h"
#include "layer_module.h"
#include "registry.h"
#include "sepconv_default.h"
#include "stream_module.h"
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

// Keras's calls: a pointwise_kernel of None is a depthwise convolution. `variant` is the one to run; empty: the best.
nb::object conv(nb::handle inputs, nb::handle depthwise_kernel, nb::handle pointwise_kernel, nb::handle strides,
                nb::handle padding, nb::handle data_format, nb::handle dilation_rate, const std::string& variant) {
  Options options = parse_options(strides, padding, data_format, dilation_rate);
  options.variant = variant;
  const Array input("inputs", inputs), depthwise("depthwise_kernel", depthwise_kernel);
  const OptionalArray pointwise("pointwise_kernel", pointwise_kernel);
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
  if (const auto type = type_named(dtype)) return *type;
  throw std::invalid_argument("dtype must be " + type_names() + ", received \"" + dtype + "\"");
}

// That call without data: what follows from the shapes.
class ShapedCall {
 public:
  ShapedCall(nb::handle inputs, nb::handle depthwise_kernel, nb::handle pointwise_kernel, const std::string& dtype,
             nb::handle strides, nb::handle padding, nb::handle data_format, nb::handle dilation_rate)
      : options_(parse_options(strides, padding, data_format, dilation_rate)), input_(parse_shape("inputs", inputs)) {
    const Type type = parse_dtype(dtype);
    depthwise_ = Tensor::dense(nullptr, type, parse_shape("depthwise_kernel", depthwise_kernel));
    weights_.depthwise_kernel = &depthwise_;
    if (pointwise_kernel.is_none()) return;
    pointwise_ = Tensor::dense(nullptr, type, parse_shape("pointwise_kernel", pointwise_kernel));
    weights_.pointwise_kernel = &pointwise_;
  }
  ShapedCall(const ShapedCall&) = delete;

  nb::tuple output_shape() const { return to_tuple(python::output_shape(options_, weights_, input_)); }
  std::string variant() const { return python::variant(options_, weights_, input_); }
  std::string explain() const { return python::explain(options_, weights_, input_); }

 private:
  Tensor depthwise_, pointwise_;
  Options options_;
  Weights weights_;
  Shape input_;
};

// The words of an enumeration, in its order.
template <typename Enum>
nb::tuple words() {
  nb::list list;
  for (int value = 0; const char* word = sepconv::name(static_cast<Enum>(value)); ++value) list.append(word);
  return nb::tuple(list);
}

nb::tuple tensor_types() {
  nb::list list;
  for (const Type type : all_types) list.append(name(type));
  return nb::tuple(list);
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
  module.attr("has_gpu_variants") = true;
#else
  module.attr("has_gpu_variants") = false;
#endif
  nb::register_exception_translator(
      [](const std::exception_ptr& raised, void*) {
        try {
          std::rethrow_exception(raised);
        } catch (const Unsupported& error) {
          PyErr_SetString(PyExc_NotImplementedError, error.what());
        } catch (const OutOfMemory& error) {
          PyErr_SetString(PyExc_MemoryError, error.what());
        } catch (const std::bad_alloc&) {
          PyErr_SetString(PyExc_MemoryError,
                          "the memory is too small for the packed weights or the workspace of the call");
        }
      },
      nullptr);

  module.attr("__version__") = sepconv_version();
  module.attr("activations") = words<sepconv_activation_kind>();
  module.attr("data_formats") = words<sepconv_layout>();
  module.attr("paddings") = words<sepconv_padding>();
  module.attr("max_threads") = SEPCONV_MAX_THREADS;
  module.attr("dtypes") = tensor_types();

  // None is taken everywhere, so that what refuses it names the argument.
  module.def("conv", conv, "inputs"_a.none(), "depthwise_kernel"_a.none(), "pointwise_kernel"_a.none(),
             "strides"_a.none(), "padding"_a.none(), "data_format"_a.none(), "dilation_rate"_a.none(),
             "variant"_a = "");
  nb::class_<ShapedCall>(module, "ShapedCall")
      .def(nb::init<nb::handle, nb::handle, nb::handle, const std::string&, nb::handle, nb::handle, nb::handle,
                    nb::handle>(),
           "inputs"_a.none(), "depthwise_kernel"_a.none(), "pointwise_kernel"_a.none(), "dtype"_a, "strides"_a.none(),
           "padding"_a.none(), "data_format"_a.none(), "dilation_rate"_a.none())
      .def("output_shape", &ShapedCall::output_shape)
      .def("variant", &ShapedCall::variant)
      .def("explain", &ShapedCall::explain);
  define_layers(&module);
  define_devices(&module);
  define_streams(&module);

  module.def("variants", variants);
  module.def("get_threads", default_threads);
  module.def("set_threads", set_default_threads, "threads"_a);
  module.def("run_count", run_count);
  module.def("copy_count", copy_count);
  module.def(
      "address_of", [](nb::handle array) { return reinterpret_cast<uintptr_t>(Array("array", array).tensor().data); },
      "array"_a);
  module.def(
      "set_restorer",
      [](const nb::callable& restorer) {
        set_restorer([restorer = restorer.ptr()](int64_t number, const void* state, std::size_t size) {
          const nb::gil_scoped_acquire gil;
          return nb::cast<int64_t>(nb::handle(restorer)(number, nb::bytes(state, size)));
        });
        nb::object(restorer).release();  // kept for ever: graphs may run until the end
      },
      "restorer"_a);
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
