// Memory that calls need for a moment and keep for the next one.
#ifndef SEPCONV_PYTHON_SCRATCH_H
#define SEPCONV_PYTHON_SCRATCH_H

#include <cstddef>

namespace sepconv::python {

/// What this thread's memory is used for: each has its own block.
enum class Scratch : int {
  workspace,
  packed,
  input,
  residual,
  depthwise_kernel,
  pointwise_kernel,
  even_layer,  // what the layers of a chain give
  odd_layer,
  count
};

/// At least `size` bytes at a multiple of 64, of this thread, until its next call with the same purpose. It only grows:
/// memory fresh from the system costs more than many a layer.
void* scratch(Scratch purpose, std::size_t size);

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_SCRATCH_H
