// Conversions between the types of tensors and the types that are computed in.
#ifndef SEPCONV_PYTHON_CONVERT_H
#define SEPCONV_PYTHON_CONVERT_H

#include "tensor.h"

namespace sepconv::python {

/// Copies any tensor, whatever its strides, densely to `to`, converted to computed_in(from.type).
void gather(const Tensor& from, void* to);

/// Copies dense computed_in(to.type) values to the dense tensor `to`, rounded to nearest, ties to even; what is too
/// large becomes infinite, and NaN stays NaN.
void scatter(const void* from, const Tensor& to);

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_CONVERT_H
