#include "bandwidth.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "layer_run.h"
#include "timing.h"

namespace sepconv::programs {

double measure_bandwidth(int64_t bytes) {
  // Eight independent sums of 64 bytes each, which compilers turn into vector additions of loads.
  constexpr int64_t kLanes = 128;
  const int64_t count = bytes / static_cast<int64_t>(sizeof(uint32_t)) / kLanes * kLanes;
  const Buffer memory = allocate(static_cast<size_t>(count) * sizeof(uint32_t));
  uint32_t* const data = static_cast<uint32_t*>(memory.get());
  std::fill(data, data + count, 1U);
  constexpr double kSeconds = 0.2;
  double best = 0;
  const double end = seconds_now() + kSeconds;
  for (int pass = 0; pass < 3 || seconds_now() < end; ++pass) {
    const int64_t repeats = std::max<int64_t>(1, (int64_t{16} << 20) / bytes);
    uint32_t sums[kLanes] = {};
    const double start = seconds_now();
    for (int64_t repeat = 0; repeat < repeats; ++repeat) {
      for (int64_t i = 0; i < count; i += kLanes) {
        for (int64_t lane = 0; lane < kLanes; ++lane) sums[lane] += data[i + lane];
      }
    }
    const double seconds = seconds_now() - start;
    if (sums[0] != static_cast<uint32_t>(repeats * count / kLanes))
      throw std::runtime_error("the bandwidth loop is wrong");
    best = std::max(best, static_cast<double>(repeats * count) * sizeof(uint32_t) / seconds / 1e9);
  }
  return best;
}

}  // namespace sepconv::programs
