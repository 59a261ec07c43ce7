// Dense copies of tensors with any strides.
#ifndef SEPCONV_PYTHON_GATHER_H
#define SEPCONV_PYTHON_GATHER_H

#include "tensor.h"

namespace sepconv::python {

/// Copies any tensor, whatever its strides, densely to `to`.
void gather(const Tensor& from, void* to);

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_GATHER_H
