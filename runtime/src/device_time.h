// What a GPU variant takes for a problem, by a model: enough to tell which of several is the fastest. The runtime's
// dispatch asks it, and the generator, for a variant whose sizes are fixed.
#ifndef SEPCONV_SRC_DEVICE_TIME_H
#define SEPCONV_SRC_DEVICE_TIME_H

#include <stdint.h>

namespace sepconv::internal {

// The axis that windows lie along (device_parameters.inc), counted from the outermost: of several the last but one.
constexpr int window_axis(int rank) { return rank > 1 ? rank - 2 : 0; }

// A problem. `window_taps` and `window_stride`: along that axis.
struct DeviceWork {
  int64_t pixels;  // of the output, all images
  int64_t in_channels, depth_multiplier, out_channels, taps, window_taps, window_stride;
};

// A block of threads, as variant_table.h has it.
struct DeviceBlock {
  int32_t pixels, channels, chunk, threads, window;
  bool split;
};

// Microseconds.
double device_time(const DeviceWork& work, const DeviceBlock& block);

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_DEVICE_TIME_H
