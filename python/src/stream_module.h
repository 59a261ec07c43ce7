// The part of the module that is about streams.
#ifndef SEPCONV_PYTHON_STREAM_MODULE_H
#define SEPCONV_PYTHON_STREAM_MODULE_H

#include <nanobind/nanobind.h>

namespace sepconv::python {

/// Defines Stream.
void define_streams(nanobind::module_* module);

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_STREAM_MODULE_H
