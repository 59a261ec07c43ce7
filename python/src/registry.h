// Layers, and chains of them, by number: for graphs of frameworks, whose operations carry numbers and not objects.
#ifndef SEPCONV_PYTHON_REGISTRY_H
#define SEPCONV_PYTHON_REGISTRY_H

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "call.h"
#include "entry.h"
#include "layer.h"

namespace sepconv::python {

/// A number that no other layer has, nor one of another process: a graph that was saved there never finds a layer of
/// this one. The registry does not keep it alive.
int64_t register_layer(const std::shared_ptr<const Runnable>& layer);
void forget_layer(int64_t number);
/// Throws std::invalid_argument if the layer is gone, or is another process's.
std::shared_ptr<const Runnable> find_layer(int64_t number);

/// Makes the layer of another process, from what a graph saved of it, and returns its number here. It is called without
/// the GIL, and throws what it likes.
using Restorer = std::function<int64_t(int64_t number, const void* state, std::size_t size)>;
void set_restorer(Restorer restorer);

/// The functions of entry.h.
const sepconv_entry& entry();

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_REGISTRY_H
