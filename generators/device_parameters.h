// The schedule parameters of the GPU variants (device_parameters.inc), and what follows from them and the name.
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
#define SEPCONV_PARAMETER(name, initial, ...) int name = initial;
#include "device_parameters.inc"
};

using DeviceParameterSpec = SpecOf<DeviceParameters>;

// Every parameter, in the order of the list.
const std::vector<DeviceParameterSpec>& device_parameter_specs();

// Whether a schedule, as sepconv_target(... SCHEDULE name) says it, is one for GPUs.
bool is_device_schedule(const std::string& schedule);

// Taps of one axis that are unrolled together with a window, where that is the only axis.
inline constexpr int window_taps = 4;

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
