#include "device_parameters.h"

#include <algorithm>
#include <stdexcept>

#include "parameters.h"

namespace sepconv {
namespace {

constexpr int lanes = 4;  // of one load of 16 bytes
constexpr int most_threads = 512, most_shared = 48 * 1024;

DeviceParameters defaults(const VariantName& name) {
  DeviceParameters p;
  p.split = name.split() ? 1 : 0;
  if (name.channels_first) {  // threads along the pixels, 32 of them for whole cache lines
    p.threads_x = 32;
    p.threads_y = 4;
    p.thread_pixels = 2;
    p.thread_vectors = 4;
  }
  return p;
}

}  // namespace

const std::vector<DeviceParameterSpec>& device_parameter_specs() {
  static const std::vector<DeviceParameterSpec> specs = {
#define SEPCONV_PARAMETER(name, initial, searched_for, meaning, ...) \
  {#name, meaning, {__VA_ARGS__}, &DeviceParameters::name, searched_for},
#include "device_parameters.inc"
  };
  return specs;
}

bool is_device_schedule(const std::string& schedule) { return schedule == "gpu"; }

DeviceTile device_tile(const VariantName& name, const DeviceParameters& p) {
  const int along_pixels = name.channels_first ? p.threads_x : p.threads_y;
  const int along_channels = name.channels_first ? p.threads_y : p.threads_x;
  return {along_pixels * p.thread_pixels, along_channels * p.thread_vectors * lanes};
}

std::string why_illegal(const DeviceParameters& p, const VariantName& name) {
  const Halide::Type type = element_type(name);
  if (type.is_int_or_uint() || type.bits() > 32) return "GPUs have no variants of " + name.types;
  std::string illegal_value = why_illegal_value(device_parameter_specs(), p);
  if (!illegal_value.empty()) return illegal_value;
  const int threads = p.threads_x * p.threads_y;
  if (threads < 32 || threads > most_threads) {
    return illegal_sentence("threads_y", p.threads_y,
                            "with threads_x " + std::to_string(p.threads_x) + " a block has " +
                                std::to_string(threads) + " threads; it may have 32 to " +
                                std::to_string(most_threads));
  }
  const DeviceTile tile = device_tile(name, p);
  // The threads of one row share a chunk's vectors of a pixel.
  if (!name.channels_first && p.threads_x % (p.chunk / lanes) != 0) {
    return illegal_sentence("threads_x", p.threads_x,
                            "it must be a multiple of the vectors of a chunk, " + std::to_string(p.chunk / lanes));
  }
  if (tile.pixels * p.chunk / lanes % threads != 0) {
    return illegal_sentence(
        "thread_pixels", p.thread_pixels,
        "the threads of a block do not share the " + std::to_string(tile.pixels) + " pixels evenly");
  }
  if (p.thread_pixels * p.thread_vectors * lanes > 64) {
    return illegal_sentence("thread_pixels", p.thread_pixels, "a thread holds at most 64 sums");
  }
  const int shared = 4 * ((p.chunk + lanes) * tile.pixels + p.chunk * tile.channels + 5 * tile.pixels);
  if (shared > most_shared) {
    return illegal_sentence("chunk", p.chunk,
                            "a block would need " + std::to_string(shared) + " bytes of shared memory");
  }
  return "";
}

DeviceParameters resolve_device_parameters(const VariantName& name, const std::map<std::string, int>& overrides) {
  DeviceParameters parameters = defaults(name);
  override_parameters(device_parameter_specs(), overrides, "schedule parameter of GPUs", &parameters);
  const std::string illegal = why_illegal(parameters, name);
  if (!illegal.empty()) throw std::invalid_argument("variant " + name.text + ": " + illegal);
  return parameters;
}

DeviceParameters tuned_device_parameters(const VariantName& name, const std::string& record, std::string* warning) {
  return resolve_record(
      name.text, record,
      [&](const std::map<std::string, int>& overrides) { return resolve_device_parameters(name, overrides); }, warning);
}

}  // namespace sepconv
