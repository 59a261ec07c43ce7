// Where the elements of an input or an output lie, pitches included, and copies between such memory and dense arrays.
#ifndef SEPCONV_TESTS_SUPPORT_TENSOR_H
#define SEPCONV_TESTS_SUPPORT_TENSOR_H

#include <cstdint>
#include <vector>

#include "sepconv/sepconv.h"

namespace sepconv::test {

// One axis of a tensor: its extent, and its pitch in elements.
struct TensorAxis {
  int64_t extent, pitch;
};

// The axes of a tensor, outermost first, in the order of its layout; the dense arrays of the tests are row-major in it.
using Tensor = std::vector<TensorAxis>;

Tensor input_tensor(const sepconv_problem& problem);
Tensor output_tensor(const sepconv_problem& problem);

// Elements from the first to the last, both included; 0 if there are none.
int64_t span(const Tensor& tensor);

// Calls body(offset) for every element, in row-major order.
template <typename Body>
void for_each_offset(const Tensor& tensor, Body body, size_t axis = 0, int64_t offset = 0) {
  if (axis == tensor.size()) return body(offset);
  for (int64_t i = 0; i < tensor[axis].extent; ++i) {
    for_each_offset(tensor, body, axis + 1, offset + i * tensor[axis].pitch);
  }
}

template <typename T>
void scatter(const Tensor& tensor, const std::vector<T>& dense, T* memory) {
  auto next = dense.begin();
  for_each_offset(tensor, [&](int64_t offset) { memory[offset] = *next++; });
}

template <typename T>
std::vector<T> gather(const Tensor& tensor, const T* memory) {
  std::vector<T> dense;
  for_each_offset(tensor, [&](int64_t offset) { dense.push_back(memory[offset]); });
  return dense;
}

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_SUPPORT_TENSOR_H
