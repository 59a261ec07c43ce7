#include "device_module.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <cstring>
#include <memory>
#include <string>

#include "arrays.h"
#include "device.h"
#include "layer_module.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace sepconv::python {
namespace {

// Python's libraries name a stream by the number of its address.
void* stream_of(uintptr_t number) {
  return reinterpret_cast<void*>(number);  // NOLINT(performance-no-int-to-ptr)
}

// A tensor as its library gives it for work on a stream, held as long as this lives.
class Capsule {
 public:
  // `bytes`: packed weights or a workspace, which are memory without a type.
  Capsule(const char* argument, nb::handle object, uintptr_t stream, bool bytes) {
    // The library makes the stream wait for what the tensor is still waiting for.
    array_ = nb::cast<nb::ndarray<>>(object.attr("__dlpack__")("stream"_a = stream));
    if (array_.device_type() != nb::device::cuda::value && array_.device_type() != nb::device::cuda_managed::value) {
      throw std::invalid_argument(std::string(argument) + " must be in the memory of a CUDA device, received DLPack " +
                                  "device type " + std::to_string(array_.device_type()));
    }
    if (array_.ndim() > static_cast<std::size_t>(max_rank)) {
      throw std::invalid_argument(std::string(argument) + " has rank " + std::to_string(array_.ndim()));
    }
    given_.device = array_.device_id();
    given_.tensor.data = array_.data();
    given_.tensor.type = bytes ? Type::F32 : element_type(argument);
    for (std::size_t axis = 0; axis < array_.ndim(); ++axis) {
      given_.tensor.shape.append(static_cast<int64_t>(array_.shape(axis)));
      given_.tensor.stride[axis] = array_.stride(axis);
    }
  }

  const DeviceTensor& get() const { return given_; }

  // What plans differ by: device, type, extents, strides.
  nb::tuple key() const {
    nb::list list;
    list.append(given_.device);
    list.append(name(given_.tensor.type));
    for (int axis = 0; axis < given_.tensor.shape.rank; ++axis) {
      list.append(given_.tensor.shape[axis]);
      list.append(given_.tensor.stride[static_cast<std::size_t>(axis)]);
    }
    return nb::tuple(list);
  }

 private:
  Type element_type(const char* argument) const {
    const nb::dlpack::dtype dtype = array_.dtype();
    if (const std::optional<Type> type = type_of(dtype)) return *type;
    throw std::invalid_argument(std::string(argument) + " must be " + type_names());
  }

  nb::ndarray<> array_;
  DeviceTensor given_;
};

nb::object packed_of(const DevicePlan& plan, nb::handle layer) {
  const Block packed = plan.packed(layer_of(layer));
  Tensor tensor;
  Shape words;
  words.append(static_cast<int64_t>(packed.size() / sizeof(float)));
  nb::object array = new_array(Type::F32, words, &tensor);
  std::memcpy(tensor.data, packed.data(), packed.size());
  return array.attr("view")("uint8");
}

}  // namespace

void define_devices(nb::module_* module) {
  nb::class_<Capsule>(*module, "DeviceTensor")
      .def(nb::init<const char*, nb::handle, uintptr_t, bool>(), "argument"_a, "array"_a, "stream"_a, "bytes"_a = false)
      .def_prop_ro("key", &Capsule::key);
  nb::class_<DevicePlan>(*module, "DevicePlan")
      .def(
          "__init__",
          [](DevicePlan* self, nb::handle layer, const Capsule& inputs, bool has_residual) {
            new (self) DevicePlan(layer_of(layer), inputs.get().tensor, has_residual);
          },
          "layer"_a, "inputs"_a, "has_residual"_a)
      .def_prop_ro("variant", &DevicePlan::variant)
      .def_prop_ro("output_shape", [](const DevicePlan& self) { return to_tuple(self.output_shape()); })
      .def_prop_ro("workspace_size", &DevicePlan::workspace_size)
      .def("packed", packed_of, "layer"_a)
      .def(
          "warm_up", [](const DevicePlan& self, uintptr_t stream) { self.warm_up(stream_of(stream)); }, "stream"_a)
      .def(
          "run",
          [](const DevicePlan& self, uintptr_t stream, const Capsule& inputs, const Capsule& packed,
             const Capsule* residual, const Capsule& out, const Capsule* workspace) {
            const nb::gil_scoped_release without_gil;
            self.run(stream_of(stream), inputs.get(), packed.get(), residual != nullptr ? &residual->get() : nullptr,
                     out.get(), workspace != nullptr ? &workspace->get() : nullptr);
          },
          "stream"_a, "inputs"_a, "packed"_a, "residual"_a.none(), "out"_a, "workspace"_a.none());
}

}  // namespace sepconv::python
