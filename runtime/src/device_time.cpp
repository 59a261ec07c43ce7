#include "device_time.h"

#include "integers.h"

namespace sepconv::internal {
namespace {

// Fitted by bench/gpu/fit_times.py to the times of bench/gpu/h200_times.json; the root mean square of the error's
// logarithm is 0.15. Microseconds.
constexpr double multiprocessors = 132;
constexpr double launch = 1.45, second_launch = 3.94;
// A round of a block's loop, when nothing else runs there: what its loads and barriers wait, what a thread's products
// and its taps take.
constexpr double wait_of_round = 0.328, wait_of_product = 0.688e-3, wait_of_tap = 69.9e-3;
// What a multiprocessor takes when it is full: a product, an element that a round puts into shared memory, a tap, an
// element that goes to the workspace and back.
constexpr double product = 4.51e-6, element = 101e-6, tap = 71.3e-6, stored = 233e-6;

double as_double(int64_t number) { return static_cast<double>(number); }

// Loads of samples and weights for a tap of a pixel, beside those of one pixel alone.
double share_of_loads(const DeviceWork& work, int32_t window) {
  const double alone = as_double(work.window_taps);
  const double samples = (window - 1) * as_double(work.window_stride) + alone;
  return (samples / (window * alone) + 1.0 / window) / 2;
}

}  // namespace

double device_time(const DeviceWork& work, const DeviceBlock& block) {
  const double rounds = as_double(divide_up(work.in_channels, block.chunk)) * as_double(work.depth_multiplier);
  const double blocks =
      as_double(divide_up(work.pixels, block.pixels)) * as_double(divide_up(work.out_channels, block.channels));
  const double mid = as_double(work.pixels) * rounds * block.chunk;
  const double products = as_double(block.pixels) * block.channels * block.chunk;  // of one round
  const double taps = as_double(work.taps) * share_of_loads(work, block.window);
  const double elements = (as_double(block.pixels) + block.channels) * block.chunk;

  double wait = wait_of_round + wait_of_product * products / block.threads;
  double busy = product * products + element * elements;
  double time = launch;
  if (block.split) {
    time += second_launch + mid * (tap * taps + stored) / multiprocessors;
  } else {
    const double of_block = taps * block.pixels * block.chunk;
    wait += wait_of_tap * of_block / (4.0 * block.threads);
    busy += tap * of_block;
  }
  return time + rounds * wait + blocks * rounds * busy / multiprocessors;
}

}  // namespace sepconv::internal
