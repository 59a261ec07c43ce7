/// @file
/// GPUs. With options.device, every tensor is in that device's memory, the workspace included (a run does not allocate
/// one), and sepconv_plan_run only puts work on arguments.stream: it does not wait, copy or allocate, and can be
/// captured in a CUDA graph. CUDA's context is the one that is current on the calling thread; OpenCL's is that of the
/// queue. Packed weights are packed in host memory and copied by the caller; their header is not checked then.
/// A part of sepconv.h.
#ifndef SEPCONV_DEVICE_H
#define SEPCONV_DEVICE_H

#include "sepconv/sepconv.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Loads the plan's code for that context, which takes a driver long, so that the first run does not. Does nothing for
/// the CPU. Errors: SEPCONV_INVALID_ARGUMENT, SEPCONV_NO_DEVICE, SEPCONV_DEVICE_FAILED.
SEPCONV_API sepconv_status sepconv_plan_warm_up(const sepconv_plan* plan, void* stream);

/// Forgets the code that plans have loaded for a context (a CUcontext, which must be current, or a cl_context). Call it
/// before the context is destroyed, with no run in progress. Errors: SEPCONV_INVALID_ARGUMENT, SEPCONV_UNSUPPORTED (no
/// registered library has variants for the device).
SEPCONV_API sepconv_status sepconv_device_release(sepconv_device device, void* context);

/// Runs a GPU plan on tensors in host memory, for programs that have nothing on the device: `arguments` are those of a
/// run on the CPU, without a workspace; `stream` is a stream or queue of the device. Allocates device memory, copies
/// the packed weights, the input and the residual there (and the output, if its pitches leave gaps), runs, copies the
/// output back, waits for it, and frees the memory, in every call.
/// Errors: those of sepconv_plan_run; SEPCONV_OUT_OF_MEMORY, SEPCONV_DEVICE_FAILED.
SEPCONV_API sepconv_status sepconv_plan_run_host(const sepconv_plan* plan, const sepconv_arguments* arguments,
                                                 void* stream);

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // SEPCONV_DEVICE_H
