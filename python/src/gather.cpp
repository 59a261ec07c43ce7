#include "gather.h"

#include <algorithm>
#include <cstdint>

namespace sepconv::python {
namespace {

// Calls row(source, target) for every row along the innermost axis; both are indices of elements.
template <typename Row>
void for_each_row(const Tensor& tensor, Row row) {
  const Shape& shape = tensor.shape;
  if (shape.elements() == 0) return;
  std::array<int64_t, max_rank> at = {};
  const int inner = shape.rank - 1;
  int64_t source = 0, target = 0;
  for (;;) {
    row(source, target);
    target += shape[inner];
    int axis = inner;
    while (axis-- > 0) {
      const auto a = static_cast<std::size_t>(axis);
      source += tensor.stride[a];
      if (++at[a] < shape[axis]) break;
      source -= tensor.stride[a] * shape[axis];
      at[a] = 0;
    }
    if (axis < 0) return;
  }
}

template <typename Element>
void gather_elements(const Tensor& tensor, void* to) {
  if (tensor.shape.rank == 0) return;
  const int inner = tensor.shape.rank - 1;
  const int64_t count = tensor.shape[inner], step = tensor.stride[static_cast<std::size_t>(inner)];
  for_each_row(tensor, [=](int64_t source, int64_t target) {
    const Element* from = static_cast<const Element*>(tensor.data) + source;
    Element* out = static_cast<Element*>(to) + target;
    if (step == 1) {
      std::copy_n(from, count, out);
    } else {
      for (int64_t i = 0; i < count; ++i) out[i] = from[i * step];
    }
  });
}

}  // namespace

void gather(const Tensor& from, void* to) {
  switch (bytes(from.type)) {
    case sizeof(uint16_t):
      return gather_elements<uint16_t>(from, to);
    case sizeof(uint32_t):
      return gather_elements<uint32_t>(from, to);
    default:
      return gather_elements<uint64_t>(from, to);
  }
}

}  // namespace sepconv::python
