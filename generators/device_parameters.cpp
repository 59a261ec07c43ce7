#include "device_parameters.h"

#include <algorithm>
#include <stdexcept>

#include "device_time.h"
#include "parameters.h"

namespace sepconv {
namespace {

constexpr int lanes = 4;  // of one load of 16 bytes
constexpr int most_threads = 512, most_shared = 48 * 1024;

// Shapes of a block, by the family of the names that have them: measured on an H200 (bench/gpu/sweep.py). Threads along
// z hide what a round of the loop over channels waits for, where there are few blocks.
struct Shape {
  const char* family;
  int split, threads_x, threads_y, threads_z, thread_pixels, thread_vectors, chunk;
  int window;       // where its pixels share much: the stride is 1, or the kernel large
  int line_window;  // the same with one axis, where the window lies along the pixels; 0: there is no such shape
};
constexpr Shape last_shapes[] = {
    {"", 0, 16, 8, 1, 4, 1, 32, 1, 2},            // 32 pixels x 64 channels
    {"narrow", 0, 8, 8, 2, 4, 1, 32, 2, 0},       // 32 x 32
    {"split", 1, 16, 8, 1, 8, 1, 32, 2, 8},       // 64 x 64
    {"split_small", 1, 8, 8, 4, 4, 1, 32, 1, 4},  // 32 x 32
    {"split_deep", 1, 8, 4, 8, 8, 1, 64, 2, 2},   // 32 x 32
    {"depthwise", 0, 16, 8, 1, 4, 1, 32, 2, 4},
};
// Where the kernel has many taps.
constexpr Shape large_kernel_shapes[] = {
    {"narrow", 0, 8, 16, 1, 4, 2, 32, 4, 0},      // 64 x 64
    {"split", 1, 16, 8, 1, 8, 1, 32, 1, 0},       // 64 x 64
    {"split_small", 1, 8, 8, 4, 4, 1, 32, 1, 0},  // 32 x 32
    {"split_deep", 1, 8, 4, 8, 4, 1, 128, 2, 0},  // 16 x 32
    {"depthwise", 0, 16, 8, 1, 4, 1, 32, 2, 0},
};
// Threads along the pixels, 32 of them for whole cache lines.
constexpr Shape first_shapes[] = {
    {"", 0, 32, 4, 1, 2, 4, 16, 1, 0},             // 64 x 64
    {"split", 1, 32, 4, 1, 2, 4, 16, 1, 0},        // 64 x 64
    {"split_small", 1, 32, 2, 4, 1, 4, 32, 1, 0},  // 32 x 32
    {"depthwise", 0, 32, 4, 1, 2, 4, 16, 1, 0},
};

// Vectors of samples that a thread holds for a window, along the window's axis.
int samples_of(const VariantName& name, int window) {
  const size_t axis = internal::window_axis(name.rank);
  const int64_t taps = name.rank == 1 ? window_taps : name.kernel[axis];
  return static_cast<int>(std::min<int64_t>(taps + (window - 1) * name.stride[axis], 1000));
}

// Whether the name fixes what a window needs to know, and a thread has the registers.
bool takes_window(const VariantName& name, int window) {
  constexpr int most_samples = 16;
  const size_t axis = internal::window_axis(name.rank);
  return !name.channels_first && !name.all_activations() && name.stride[axis] > 0 && name.dilation[axis] == 1 &&
         (name.rank == 1 || name.kernel[axis] > 0) && samples_of(name, window) <= most_samples;
}

bool has_large_kernel(const VariantName& name) {
  constexpr int64_t large = 25;
  int64_t taps = 1;
  for (const int64_t along : name.kernel) taps *= along;
  return taps >= large && name.rank > 1;
}

DeviceParameters parameters_of(const VariantName& name, const Shape& shape) {
  DeviceParameters p;
  p.split = shape.split;
  p.threads_x = shape.threads_x;
  p.threads_y = shape.threads_y;
  p.threads_z = shape.threads_z;
  p.thread_pixels = shape.thread_pixels;
  p.thread_vectors = shape.thread_vectors;
  p.chunk = shape.chunk;
  const bool shares_much = name.stride[internal::window_axis(name.rank)] == 1 || has_large_kernel(name);
  p.window = takes_window(name, shape.window) && shares_much ? shape.window : 1;
  // Where a window's sums are beside all taps at once, they would take more registers than there are.
  if (has_large_kernel(name)) p.tap_unroll = p.window > 1 && (p.split == 1 || name.depthwise_only()) ? 5 : 25;
  return p;
}

template <size_t count>
std::vector<Shape> listed(const Shape (&shapes)[count]) {
  return {shapes, shapes + count};
}

std::vector<Shape> shapes_for(const VariantName& name) {
  if (name.channels_first) return listed(first_shapes);
  if (has_large_kernel(name)) return listed(large_kernel_shapes);
  if (name.rank > 1) return listed(last_shapes);
  std::vector<Shape> shapes;
  for (Shape shape : last_shapes) {
    shape.window = shape.line_window;
    if (shape.window > 0) shapes.push_back(shape);
  }
  return shapes;
}

// Microseconds for one image of a name that fixes its sizes, by the model that dispatch goes by.
double time_for(const VariantName& name, const DeviceParameters& p) {
  const size_t axis = internal::window_axis(name.rank);
  internal::DeviceWork work = {1, name.in_channels, name.multiplier, name.out_channels, 1, 1, 1};
  for (int a = 0; a < name.rank; a++) {
    work.pixels *= std::max<int64_t>(name.extent[a] / std::max<int64_t>(name.stride[a], 1), 1);
    work.taps *= std::max<int64_t>(name.kernel[a], 1);
  }
  work.window_taps = std::max<int64_t>(name.kernel[axis], 1);
  work.window_stride = std::max<int64_t>(name.stride[axis], 1);
  const DeviceTile tile = device_tile(name, p);
  return internal::device_time(
      work, {tile.pixels, tile.channels, p.chunk, p.threads_x * p.threads_y * p.threads_z, p.window, p.split == 1});
}

DeviceParameters defaults(const VariantName& name) {
  const std::vector<Shape> shapes = shapes_for(name);
  for (const Shape& shape : shapes) {
    if (!name.family.empty() && name.family == shape.family) return parameters_of(name, shape);
  }
  for (const char* family : {"narrow", "split", "split_small", "split_deep", "depthwise"}) {
    if (name.family == family)
      throw std::invalid_argument("variant " + name.text + ": no shape of a block is called " + family + " there");
  }
  DeviceParameters best = parameters_of(name, shapes[0]);
  if (name.in_channels == 0 || name.multiplier == 0 || name.out_channels == 0 || name.extent[0] == 0) return best;
  for (const Shape& shape : shapes) {
    if (std::string(shape.family) == "depthwise") continue;
    const DeviceParameters p = parameters_of(name, shape);
    if (time_for(name, p) < time_for(name, best)) best = p;
  }
  return best;
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
  const int threads = p.threads_x * p.threads_y * p.threads_z;
  if (threads < 32 || threads > most_threads) {
    return illegal_sentence("threads_y", p.threads_y,
                            "with threads_x " + std::to_string(p.threads_x) + " and threads_z " +
                                std::to_string(p.threads_z) + " a block has " + std::to_string(threads) +
                                " threads; it may have 32 to " + std::to_string(most_threads));
  }
  const DeviceTile tile = device_tile(name, p);
  if (p.chunk % (p.threads_z * lanes) != 0) {
    return illegal_sentence("threads_z", p.threads_z, "they do not share the vectors of a chunk evenly");
  }
  if (p.window > 1 && !takes_window(name, p.window)) {
    return illegal_sentence("window", p.window,
                            "the name must fix stride, a dilation of 1 and, of several axes, a small kernel, with "
                            "channels last and clamps only");
  }
  const int window = p.split == 1 ? 1 : p.window;
  const int items = tile.pixels / window * p.chunk / lanes;
  const bool spare = !name.channels_first && items > 0 && threads % items == 0;  // threads that take none
  if (tile.pixels % window != 0 || (items % threads != 0 && !spare)) {
    return illegal_sentence(
        "thread_pixels", p.thread_pixels,
        "the threads of a block do not share the " + std::to_string(tile.pixels) + " pixels evenly");
  }
  if (p.thread_pixels * p.thread_vectors * lanes > 64) {
    return illegal_sentence("thread_pixels", p.thread_pixels, "a thread holds at most 64 sums");
  }
  // When the sums are exchanged, they take the place of one of the two others.
  const int flat = (p.chunk + lanes) * tile.pixels, weights = p.chunk * tile.channels;
  const int sums = p.threads_z == 1 ? 0 : p.threads_z * tile.pixels * (tile.channels + lanes);
  const int arrays = std::max(std::max(flat, sums) + weights, flat + std::max(weights, sums));
  const int shared = 4 * (arrays + (name.rank + 4) * tile.pixels);
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
