// Python's arrays as tensors, without copies.
#ifndef SEPCONV_PYTHON_ARRAYS_H
#define SEPCONV_PYTHON_ARRAYS_H

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <optional>

#include "tensor.h"

namespace sepconv::python {

/// The type of a DLPack tensor's elements; empty for one that is not computed with.
std::optional<Type> type_of(const nanobind::dlpack::dtype& dtype);

/// A shape as Python has it.
nanobind::tuple to_tuple(const Shape& shape);

/// The memory of an array: of its buffer (NumPy, TensorFlow, JAX, memoryview), else of its DLPack capsule (PyTorch,
/// CuPy on the host and so on). Held as long as the object lives.
class Array {
 public:
  /// Throws TypeError for what is not an array, ValueError for one whose elements have a type that is not computed
  /// with, or that is not in the host's memory. `argument` names it in the sentence.
  Array(const char* argument, nanobind::handle object, bool writable = false);
  ~Array();
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  const Tensor& tensor() const { return tensor_; }

 private:
  bool from_buffer(const char* argument, nanobind::handle object, bool writable);
  void from_dlpack(const char* argument, nanobind::handle object, bool writable);

  Tensor tensor_;
  Py_buffer buffer_ = {};
  nanobind::ndarray<nanobind::ro> capsule_;
  nanobind::object kept_;  // a view or copy that was made of the object
};

/// An array that may be None.
class OptionalArray {
 public:
  OptionalArray(const char* argument, nanobind::handle object, bool writable = false) {
    if (!object.is_none()) array_.emplace(argument, object, writable);
  }
  const Tensor* get() const { return array_ ? &array_->tensor() : nullptr; }

 private:
  std::optional<Array> array_;
};

/// A new NumPy array with memory at a multiple of 64 bytes; `tensor` describes it. A type that NumPy does not have
/// comes as unsigned integers of its size.
nanobind::object new_array(Type type, const Shape& shape, Tensor* tensor);

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_ARRAYS_H
