// The part of the module that is about GPUs.
#ifndef SEPCONV_PYTHON_DEVICE_MODULE_H
#define SEPCONV_PYTHON_DEVICE_MODULE_H

#include <nanobind/nanobind.h>

namespace sepconv::python {

/// Defines DeviceTensor and DevicePlan.
void define_devices(nanobind::module_* module);

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_DEVICE_MODULE_H
