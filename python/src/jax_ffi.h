// The calls that JAX compiles into its programs, through XLA's foreign function interface.
#ifndef SEPCONV_PYTHON_JAX_FFI_H
#define SEPCONV_PYTHON_JAX_FFI_H

#include <array>

namespace sepconv::python {

struct JaxHandler {
  const char* name;
  void* function;  ///< an XLA_FFI_Handler
};

/// sepconv_conv and sepconv_layer, for jax.ffi.register_ffi_target on the platform "cpu".
std::array<JaxHandler, 2> jax_handlers();

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_JAX_FFI_H
