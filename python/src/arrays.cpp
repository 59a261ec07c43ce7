#include "arrays.h"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <tuple>

#include "block.h"

namespace nb = nanobind;

namespace sepconv::python {
namespace {

// The name of an array's element type for a sentence.
std::string dtype_of(nb::handle object, const char* otherwise) {
  nb::object dtype = nb::getattr(object, "dtype", nb::none());
  return dtype.is_none() ? otherwise : nb::cast<std::string>(nb::str(dtype));
}

[[noreturn]] void refuse_type(const char* argument, const std::string& dtype) {
  throw std::invalid_argument(std::string(argument) + " must be " + type_names() + ", received " + dtype);
}

// The type of an array that the buffer protocol cannot express, such as bfloat16.
std::optional<Type> type_without_format(nb::handle object) {
  if (!nb::hasattr(object, "dtype") || !nb::hasattr(object, "view")) return std::nullopt;
  const std::optional<Type> type = type_named(dtype_of(object, ""));
  return type && !has_format(*type) ? type : std::nullopt;
}

void demand_rank(const char* argument, int64_t rank) {
  if (rank <= max_rank) return;
  throw std::invalid_argument(std::string(argument) + " has rank " + std::to_string(rank) + ", more than " +
                              std::to_string(max_rank));
}

}  // namespace

std::optional<Type> type_of(const nb::dlpack::dtype& dtype) {
  return type_of_dlpack({dtype.code, dtype.bits, dtype.lanes});
}

nb::tuple to_tuple(const Shape& shape) {
  nb::list list;
  for (int axis = 0; axis < shape.rank; ++axis) list.append(shape[axis]);
  return nb::tuple(list);
}

Array::Array(const char* argument, nb::handle object, bool writable) {
  if (PyObject_CheckBuffer(object.ptr()) && from_buffer(argument, object, writable)) return;
  if (nb::hasattr(object, "__dlpack__")) {
    from_dlpack(argument, object, writable);
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
  std::optional<Type> type;
  if (PyObject_GetBuffer(view.ptr(), &buffer_, flags) != 0) {
    buffer_ = {};
    PyErr_Clear();
    type = writable ? std::nullopt : type_without_format(object);
    if (type) {  // its bytes, as integers
      view = kept_ = object.attr("view")("uint" + std::to_string(8 * bytes(*type)));
      if (PyObject_GetBuffer(view.ptr(), &buffer_, flags) != 0) throw nb::python_error();
    } else if (writable) {
      throw std::invalid_argument(std::string(argument) + " must be writable");
    } else {
      return false;
    }
  }
  demand_rank(argument, buffer_.ndim);
  if (!type) type = type_of_format(buffer_.format);
  if (!type) refuse_type(argument, dtype_of(object, buffer_.format == nullptr ? "bytes" : buffer_.format));
  tensor_.type = *type;
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

void Array::from_dlpack(const char* argument, nb::handle object, bool writable) {
  nb::ndarray<nb::ro> array;
  if (!nb::try_cast(object, array)) {
    throw std::invalid_argument(std::string(argument) + " does not give its memory through DLPack");
  }
  if (nb::ndarray<> changeable; writable && !nb::try_cast(object, changeable)) {
    throw std::invalid_argument(std::string(argument) + " must be writable");
  }
  if (array.device_type() != nb::device::cpu::value) {
    throw std::invalid_argument(std::string(argument) + " must be in the host's memory, received DLPack device type " +
                                std::to_string(array.device_type()));
  }
  demand_rank(argument, static_cast<int64_t>(array.ndim()));
  const std::optional<Type> type = type_of(array.dtype());
  if (!type) refuse_type(argument, dtype_of(object, "another type"));
  tensor_.type = *type;
  for (std::size_t axis = 0; axis < array.ndim(); ++axis) {
    tensor_.shape.append(static_cast<int64_t>(array.shape(axis)));
    tensor_.stride[axis] = array.stride(axis);
  }
  tensor_.data = const_cast<void*>(static_cast<const void*>(array.data()));  // read only
  capsule_ = std::move(array);
}

nb::object new_array(Type type, const Shape& shape, Tensor* tensor) {
  const std::size_t size = static_cast<std::size_t>(shape.elements()) * bytes(type);
  std::unique_ptr<Block> block;
  try {
    block = std::make_unique<Block>(std::max<std::size_t>(size, 1));
  } catch (const std::bad_alloc&) {
    throw OutOfMemory("the memory is too small for the output, of shape " + shape.text() + " and dtype " + name(type) +
                      ": " + std::to_string(size) + " bytes");
  }
  void* const data = block->data();
  const nb::capsule owner(block.get(), [](void* kept) noexcept { delete static_cast<Block*>(kept); });
  std::ignore = block.release();  // it is the capsule's now
  std::array<std::size_t, max_rank> extent = {};
  for (int axis = 0; axis < shape.rank; ++axis) {
    extent[static_cast<std::size_t>(axis)] = static_cast<std::size_t>(shape[axis]);
  }
  const DLPackType known = dlpack_of(type);
  const nb::dlpack::dtype dtype = {static_cast<uint8_t>(has_format(type) ? known.code : dlpack_uint),
                                   static_cast<uint8_t>(known.bits), static_cast<uint16_t>(known.lanes)};
  *tensor = Tensor::dense(data, type, shape);
  return nb::cast(
      nb::ndarray<nb::numpy>(data, static_cast<std::size_t>(shape.rank), extent.data(), owner, nullptr, dtype));
}

}  // namespace sepconv::python
