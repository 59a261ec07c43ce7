#include "arrays.h"

#include <nanobind/stl/string.h>

#include <cstring>
#include <new>
#include <string>

namespace nb = nanobind;

namespace sepconv::python {
namespace {

constexpr std::size_t alignment = 64;

// The name of an array's element type for a sentence.
std::string dtype_of(nb::handle object, const char* otherwise) {
  nb::object dtype = nb::getattr(object, "dtype", nb::none());
  return dtype.is_none() ? otherwise : nb::cast<std::string>(nb::str(dtype));
}

[[noreturn]] void refuse_type(const char* argument, const std::string& dtype) {
  throw std::invalid_argument(std::string(argument) + " must be float16, bfloat16, float32 or float64, received " +
                              dtype);
}

bool is_bfloat16(nb::handle object) {
  return nb::hasattr(object, "dtype") && nb::hasattr(object, "view") && dtype_of(object, "") == "bfloat16";
}

// One character of the struct module's, in native order and size.
bool type_of_format(const char* format, Type* type) {
  if (format == nullptr) return false;
  if (*format == '@' || *format == '=' || *format == '<') ++format;
  if (format[0] == '\0' || format[1] != '\0') return false;
  switch (format[0]) {
    case 'e':
      return *type = Type::float16, true;
    case 'f':
      return *type = Type::float32, true;
    case 'd':
      return *type = Type::float64, true;
    default:
      return false;
  }
}

void demand_rank(const char* argument, int64_t rank) {
  if (rank <= max_rank) return;
  throw std::invalid_argument(std::string(argument) + " has rank " + std::to_string(rank) + ", more than " +
                              std::to_string(max_rank));
}

}  // namespace

Array::Array(const char* argument, nb::handle object, bool writable) {
  if (PyObject_CheckBuffer(object.ptr()) && from_buffer(argument, object, writable)) return;
  if (nb::hasattr(object, "__dlpack__")) {
    from_dlpack(argument, object);
    return;
  }
  const std::string type = nb::cast<std::string>(nb::str(object.type()));
  throw nb::type_error(
      (std::string(argument) + " must be an array (with the buffer protocol or DLPack), received " + type).c_str());
}

Array::~Array() {
  if (buffer_.obj != nullptr) PyBuffer_Release(&buffer_);
}

bool Array::from_buffer(const char* argument, nb::handle object, bool writable) {
  const int flags = PyBUF_FORMAT | PyBUF_STRIDES | (writable ? PyBUF_WRITABLE : 0);
  nb::object view = nb::borrow(object);
  bool bfloat16 = false;
  if (PyObject_GetBuffer(view.ptr(), &buffer_, flags) != 0) {
    buffer_ = {};
    PyErr_Clear();
    if (is_bfloat16(object) && !writable) {  // the buffer protocol has no such type: as 16-bit integers
      view = kept_ = object.attr("view")("uint16");
      bfloat16 = true;
      if (PyObject_GetBuffer(view.ptr(), &buffer_, flags) != 0) throw nb::python_error();
    } else if (writable) {
      throw std::invalid_argument(std::string(argument) + " must be writable");
    } else {
      return false;
    }
  }
  demand_rank(argument, buffer_.ndim);
  if (bfloat16) {
    tensor_.type = Type::bfloat16;
  } else if (!type_of_format(buffer_.format, &tensor_.type)) {
    refuse_type(argument, dtype_of(object, buffer_.format == nullptr ? "bytes" : buffer_.format));
  }
  const auto size = static_cast<int64_t>(bytes(tensor_.type));
  bool whole = reinterpret_cast<uintptr_t>(buffer_.buf) % static_cast<uintptr_t>(size) == 0;
  for (int axis = 0; axis < buffer_.ndim; ++axis) {
    tensor_.shape.append(buffer_.shape[axis]);
    tensor_.stride[static_cast<std::size_t>(axis)] = buffer_.strides[axis] / size;
    whole = whole && buffer_.strides[axis] % size == 0;
  }
  tensor_.data = buffer_.buf;
  if (whole) return true;
  // Elements that are not aligned, as in a field of a packed record.
  if (writable) throw std::invalid_argument(std::string(argument) + " must be aligned to its element type");
  PyBuffer_Release(&buffer_);
  buffer_ = {};
  tensor_ = Tensor();
  kept_ = nb::module_::import_("numpy").attr("array")(object, nb::arg("order") = "C", nb::arg("copy") = true);
  return from_buffer(argument, kept_, false);
}

void Array::from_dlpack(const char* argument, nb::handle object) {
  nb::ndarray<> array;
  if (!nb::try_cast(object, array)) {
    throw std::invalid_argument(std::string(argument) + " does not give its memory through DLPack");
  }
  if (array.device_type() != nb::device::cpu::value) {
    throw std::invalid_argument(std::string(argument) + " must be in the host's memory, received DLPack device type " +
                                std::to_string(array.device_type()));
  }
  demand_rank(argument, static_cast<int64_t>(array.ndim()));
  const nb::dlpack::dtype dtype = array.dtype();
  const bool is_float = dtype.code == static_cast<uint8_t>(nb::dlpack::dtype_code::Float) && dtype.lanes == 1;
  const bool is_bfloat = dtype.code == static_cast<uint8_t>(nb::dlpack::dtype_code::Bfloat) && dtype.lanes == 1;
  if (is_bfloat && dtype.bits == 16) {
    tensor_.type = Type::bfloat16;
  } else if (is_float && (dtype.bits == 16 || dtype.bits == 32 || dtype.bits == 64)) {
    tensor_.type = dtype.bits == 16 ? Type::float16 : dtype.bits == 32 ? Type::float32 : Type::float64;
  } else {
    refuse_type(argument, dtype_of(object, "another type"));
  }
  for (std::size_t axis = 0; axis < array.ndim(); ++axis) {
    tensor_.shape.append(static_cast<int64_t>(array.shape(axis)));
    tensor_.stride[axis] = array.stride(axis);
  }
  tensor_.data = array.data();
  capsule_ = std::move(array);
}

nb::object new_array(Type type, const Shape& shape, Tensor* tensor) {
  const std::size_t size = static_cast<std::size_t>(shape.elements()) * bytes(type);
  void* data = ::operator new(size == 0 ? 1 : size, std::align_val_t(alignment));
  const nb::capsule owner(data, [](void* memory) noexcept { ::operator delete(memory, std::align_val_t(alignment)); });
  std::array<std::size_t, max_rank> extent = {};
  for (int axis = 0; axis < shape.rank; ++axis) {
    extent[static_cast<std::size_t>(axis)] = static_cast<std::size_t>(shape[axis]);
  }
  nb::dlpack::dtype dtype = {static_cast<uint8_t>(nb::dlpack::dtype_code::Float), static_cast<uint8_t>(bytes(type) * 8),
                             1};
  if (type == Type::bfloat16) dtype.code = static_cast<uint8_t>(nb::dlpack::dtype_code::UInt);
  *tensor = Tensor::dense(data, type, shape);
  return nb::cast(
      nb::ndarray<nb::numpy>(data, static_cast<std::size_t>(shape.rank), extent.data(), owner, nullptr, dtype));
}

}  // namespace sepconv::python
