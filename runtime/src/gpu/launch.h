// One call of a GPU variant on its way through the code that Halide has compiled for the host, which computes grid and
// arguments and calls back: for the kernels' code, and for each launch.
#ifndef SEPCONV_SRC_GPU_LAUNCH_H
#define SEPCONV_SRC_GPU_LAUNCH_H

#include <stddef.h>
#include <stdint.h>

#include "sepconv/variant_table.h"

namespace sepconv::internal {

struct Module;

// What the compiled code passes on as its user context.
struct Launch {
  const sepconv_device_call* call;
  void* context;  // CUcontext or cl_context
  Module* module;
  sepconv_status status;  // the first failure, with its reason
  char* reason;
  size_t reason_size;

  // Notes the failure; returns nonzero, which ends the call.
  [[gnu::format(printf, 3, 4)]] int fail(sepconv_status why, const char* format, ...);
};

// Calls the variant's entry. `launch` has call, context and the reason's place.
sepconv_status launch_variant(const sepconv_variant& variant, Launch* launch);

// As Launch::fail, where there is no launch.
[[gnu::format(printf, 4, 5)]] sepconv_status say(char* reason, size_t size, sepconv_status status, const char* format,
                                                 ...);

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_GPU_LAUNCH_H
