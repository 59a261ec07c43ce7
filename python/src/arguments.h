// Python's arguments as options.
#ifndef SEPCONV_PYTHON_ARGUMENTS_H
#define SEPCONV_PYTHON_ARGUMENTS_H

#include <nanobind/nanobind.h>

#include "describe.h"

namespace sepconv::python {

/// strides and dilation_rate: an integer or a sequence of them. padding: a string, or a sequence with a pair (before,
/// after) for each spatial axis. data_format: a string; None is the configured default, "channels_last" unless Keras is
/// imported and says otherwise. Throws std::invalid_argument or TypeError.
Options parse_options(nanobind::handle strides, nanobind::handle padding, nanobind::handle data_format,
                      nanobind::handle dilation_rate);

/// None, a word of sepconv_activation_name but "clamp", or a pair (lo, hi) to clamp to, either of which may be None.
sepconv_activation parse_activation(const char* argument, nanobind::handle activation);

/// A sequence of integers.
Shape parse_shape(const char* argument, nanobind::handle shape);

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_ARGUMENTS_H
