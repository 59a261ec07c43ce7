// Schedule parameters of the GPU rows, beside those of parameters.h: names, legal values, defaults. The Generator, the
// table of rows and a tuner all read them here. Budgets are at the head of schedules/gpu.cpp.
#ifndef SEPCONV_GENERATORS_DEVICE_PARAMETERS_H
#define SEPCONV_GENERATORS_DEVICE_PARAMETERS_H

#include <map>
#include <string>
#include <vector>

#include "Halide.h"
#include "parameter_spec.h"
#include "variant_name.h"

namespace sepconv {

struct DeviceParameters {
  int chunk = 16;         // channels of one packed chunk: what a block holds in shared memory at a time
  int threads_x = 16;     // threads of a block along the axis that is dense in memory: output channels (channels_first:
  int threads_y = 8;      // pixels); and along the other one
  int thread_pixels = 8;  // pixels of one thread's register tile
  int thread_vectors = 1;  // vectors of 4 output channels of one thread's register tile
  int tap_unroll = 9;      // taps at most that are unrolled, axis by axis from the inside, where the name fixes them
  int split = 0;           // 1: the depthwise result goes through the workspace, in a kernel of its own
};

using DeviceParameterSpec = SpecOf<DeviceParameters>;

// Every parameter, in the order of DeviceParameters.
const std::vector<DeviceParameterSpec>& device_parameter_specs();

// Whether a schedule, as sepconv_target(... SCHEDULE name) says it, is one for GPUs.
bool is_device_schedule(const std::string& schedule);

// A block's share of the output.
struct DeviceTile {
  int pixels, channels;
};
DeviceTile device_tile(const VariantName& name, const DeviceParameters& parameters);

// Why the parameters may not be used, a sentence; "" if they may.
std::string why_illegal(const DeviceParameters& parameters, const VariantName& name);

// The defaults for this name, then `overrides`. Throws std::invalid_argument for an unknown parameter, and with
// why_illegal's sentence.
DeviceParameters resolve_device_parameters(const VariantName& name, const std::map<std::string, int>& overrides);

// As tuned_parameters of parameters.h.
DeviceParameters tuned_device_parameters(const VariantName& name, const std::string& record, std::string* warning);

}  // namespace sepconv

#endif
