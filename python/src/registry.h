// Layers, and chains of them, by number: for graphs of frameworks, whose operations carry numbers and not objects.
#ifndef SEPCONV_PYTHON_REGISTRY_H
#define SEPCONV_PYTHON_REGISTRY_H

#include <cstdint>
#include <memory>

#include "call.h"
#include "entry.h"
#include "layer.h"

namespace sepconv::python {

/// A number that no other layer has; the registry does not keep it alive.
int64_t register_layer(const std::shared_ptr<const Runnable>& layer);
void forget_layer(int64_t number);
/// Throws std::invalid_argument if the layer is gone.
std::shared_ptr<const Runnable> find_layer(int64_t number);

/// The functions of entry.h.
const sepconv_entry& entry();

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_REGISTRY_H
