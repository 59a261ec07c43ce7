// Calls that bring their weights along, used for this call only.
#ifndef SEPCONV_PYTHON_CALL_H
#define SEPCONV_PYTHON_CALL_H

#include <string>

#include "describe.h"

namespace sepconv::python {

/// The weights are dense or not; the output is dense.
void run_once(const Options& options, const Weights& weights, const Tensor& input, const Tensor& output);

/// The shape of that run's output; extents may be -1, as in describe.h.
Shape output_shape(const Options& options, const Weights& weights, const Shape& input);

/// Full name of that run's variant; and why it is chosen: a text for people.
std::string variant(const Options& options, const Weights& weights, const Shape& input);
std::string explain(const Options& options, const Weights& weights, const Shape& input);

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_CALL_H
