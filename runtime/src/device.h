// Plans for GPUs: what a call of a GPU variant is made of, and the run that hands it to the variant's driver.
#ifndef SEPCONV_SRC_DEVICE_H
#define SEPCONV_SRC_DEVICE_H

#include "dispatch.h"
#include "plan.h"

namespace sepconv::internal {

inline constexpr int64_t vector_elements = 4;  // of one load: 16 bytes of float32

// The driver that the registered variants for the device have, or NULL without such variants.
const sepconv_driver* find_driver(sepconv_device device, const Tables& tables);

// The targets that the device can run, asked of the first registered driver for it.
// Errors: SEPCONV_UNSUPPORTED without variants for it; SEPCONV_NO_DEVICE and SEPCONV_DEVICE_FAILED as the driver says.
sepconv_status device_targets(sepconv_device device, const Tables& tables, TargetSet* targets);

// Fills plan->call, but for what arguments bring, and the size of the workspace, from plan->geometry, variant and
// packed. SEPCONV_UNSUPPORTED if a tensor is too large for 32-bit indices.
sepconv_status plan_call(sepconv_plan* plan);

// Checks the arguments and puts one run on their stream.
sepconv_status run_on_device(const sepconv_plan& plan, const sepconv_arguments& arguments);

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_DEVICE_H
