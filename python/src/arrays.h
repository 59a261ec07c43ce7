// Python's arrays as tensors, without copies.
#ifndef SEPCONV_PYTHON_ARRAYS_H
#define SEPCONV_PYTHON_ARRAYS_H

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "tensor.h"

namespace sepconv::python {

/// The memory of an array: of its buffer (NumPy, TensorFlow, JAX, memoryview), else of its DLPack capsule (PyTorch,
/// CuPy on the host and so on). Held as long as the object lives.
class Array {
 public:
  /// Throws TypeError for what is no array, ValueError for one whose elements are of no type that is computed with, or
  /// that is not in the host's memory. `argument` names it in the sentence.
  Array(const char* argument, nanobind::handle object, bool writable = false);
  ~Array();
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  const Tensor& tensor() const { return tensor_; }

 private:
  bool from_buffer(const char* argument, nanobind::handle object, bool writable);
  void from_dlpack(const char* argument, nanobind::handle object);

  Tensor tensor_;
  Py_buffer buffer_ = {};
  nanobind::ndarray<> capsule_;
  nanobind::object kept_;  // a view or copy that was made of the object
};

/// A new NumPy array with memory at a multiple of 64 bytes; `tensor` describes it. bfloat16 comes as uint16.
nanobind::object new_array(Type type, const Shape& shape, Tensor* tensor);

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_ARRAYS_H
