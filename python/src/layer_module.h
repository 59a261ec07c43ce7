// The part of the module that is about layers and chains.
#ifndef SEPCONV_PYTHON_LAYER_MODULE_H
#define SEPCONV_PYTHON_LAYER_MODULE_H

#include <nanobind/nanobind.h>

#include <memory>

#include "layer.h"

namespace sepconv::python {

/// Defines Runnable, Chain and Layer.
void define_layers(nanobind::module_* module);

/// The layer of a Python object of the class Layer; the second may outlive the object.
const Layer& layer_of(nanobind::handle object);
std::shared_ptr<const Layer> shared_layer_of(nanobind::handle object);

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_LAYER_MODULE_H
