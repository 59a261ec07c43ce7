// The part of the module that is about GPUs.
#ifndef SEPCONV_PYTHON_DEVICE_MODULE_H
#define SEPCONV_PYTHON_DEVICE_MODULE_H

#include <nanobind/nanobind.h>

#include <functional>

#include "layer.h"

namespace sepconv::python {

/// Defines DeviceTensor and DevicePlan; `layer_of` finds the layer of a Python object.
void define_devices(nanobind::module_* module, std::function<const Layer&(nanobind::handle)> layer_of);

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_DEVICE_MODULE_H
