// Tensors as every framework has them: memory, a type, extents, strides. No Python and no framework in it.
#ifndef SEPCONV_PYTHON_TENSOR_H
#define SEPCONV_PYTHON_TENSOR_H

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "types.h"

namespace sepconv::python {

/// Batch, three spatial axes, channels.
constexpr int max_rank = 5;

/// Extents, outermost axis first.
struct Shape {
  int rank = 0;
  std::array<int64_t, max_rank> extent = {};

  int64_t operator[](int axis) const { return extent[static_cast<std::size_t>(axis)]; }
  int64_t& operator[](int axis) { return extent[static_cast<std::size_t>(axis)]; }
  bool operator==(const Shape& other) const { return rank == other.rank && extent == other.extent; }
  void append(int64_t value) { extent[static_cast<std::size_t>(rank++)] = value; }
  /// The number of elements. Only for shapes whose product is known to fit.
  int64_t elements() const {
    int64_t count = 1;
    for (int axis = 0; axis < rank; ++axis) count *= (*this)[axis];
    return count;
  }
  /// "(1, 8, 8, 3)"
  std::string text() const {
    std::string list = "(";
    for (int axis = 0; axis < rank; ++axis) list += (axis == 0 ? "" : ", ") + std::to_string((*this)[axis]);
    return list + (rank == 1 ? ",)" : ")");
  }
};

/// A tensor that lives elsewhere. Strides are in elements.
struct Tensor {
  void* data = nullptr;
  Type type = Type::F32;
  Shape shape;
  std::array<int64_t, max_rank> stride = {};

  /// Row-major without gaps; axes of one element may have any stride.
  bool dense() const {
    int64_t expected = 1;
    for (int axis = shape.rank; axis-- > 0;) {
      if (shape[axis] != 1 && stride[static_cast<std::size_t>(axis)] != expected) return shape.elements() == 0;
      expected *= shape[axis];
    }
    return true;
  }
  void make_dense() {
    int64_t step = 1;
    for (int axis = shape.rank; axis-- > 0;) {
      stride[static_cast<std::size_t>(axis)] = step;
      step *= shape[axis];
    }
  }
  static Tensor dense(void* data, Type type, const Shape& shape) {
    Tensor tensor;
    tensor.data = data;
    tensor.type = type;
    tensor.shape = shape;
    tensor.make_dense();
    return tensor;
  }
};

/// A legal problem that no variant on this machine takes; Python's NotImplementedError.
struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// An array that the memory is too small for; Python's MemoryError.
struct OutOfMemory : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_TENSOR_H
