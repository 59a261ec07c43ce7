#include "stream_module.h"

#include <memory>
#include <string>

#include "arrays.h"
#include "layer_module.h"
#include "stream.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace sepconv::python {
namespace {

void make_stream(Stream* self, nb::sequence objects, int64_t batch, bool residual) {
  std::vector<std::shared_ptr<const Layer>> layers;
  for (nb::handle object : objects) layers.push_back(shared_layer_of(object));
  new (self) Stream(std::move(layers), batch, residual);
}

// `out`, which `output` then describes, or a new array.
nb::object output_array(const Stream& self, const OptionalArray& given, nb::handle out, const Shape& shape,
                        Tensor* output) {
  if (given.get() == nullptr) return new_array(self.type(), shape, output);
  *output = *given.get();
  if (!output->dense()) throw std::invalid_argument("out must be C-contiguous");
  return nb::borrow(out);
}

nb::object push(Stream& self, nb::handle inputs, nb::handle residual, nb::handle out) {
  const Array input("inputs", inputs);
  const OptionalArray added("residual", residual), given("out", out, true);
  Tensor output;
  nb::object result = output_array(self, given, out, self.output_shape(input.tensor().shape), &output);
  const nb::gil_scoped_release without_gil;
  self.push(input.tensor(), added.get(), output);
  return result;
}

nb::object finish(Stream& self, nb::handle residual, nb::handle out) {
  const OptionalArray added("residual", residual), given("out", out, true);
  Tensor output;
  nb::object result = output_array(self, given, out, self.last_shape(), &output);
  const nb::gil_scoped_release without_gil;
  self.finish(added.get(), output);
  return result;
}

}  // namespace

void define_streams(nb::module_* module) {
  module->attr("all_signals") = SEPCONV_ALL_SIGNALS;
  nb::class_<Stream>(*module, "Stream")
      .def("__init__", make_stream, "layers"_a, "batch"_a, "residual"_a)
      .def("push", push, "inputs"_a, "residual"_a.none(), "out"_a.none())
      .def("finish", finish, "residual"_a.none(), "out"_a.none())
      .def("position", &Stream::position, "signal"_a)
      .def(
          "save",
          [](const Stream& self, int64_t signal) {
            const std::string state = self.save(signal);
            return nb::bytes(state.data(), state.size());
          },
          "signal"_a)
      .def(
          "restore",
          [](Stream& self, int64_t signal, const nb::bytes& state) {
            self.restore(signal, std::string(static_cast<const char*>(state.data()), state.size()));
          },
          "signal"_a, "state"_a)
      .def("reset", &Stream::reset, "signal"_a)
      .def_prop_ro("delay", &Stream::delay)
      .def_prop_ro("stride", &Stream::stride);
}

}  // namespace sepconv::python
