#include "bandwidth.h"

#include <algorithm>
#include <stdexcept>

#include "layer_run.h"
#include "timing.h"

namespace sepconv::support {
namespace {

// Eight independent sums, each as wide as one load.
using Vector = uint32_t __attribute__((vector_size(32)));
constexpr int kSums = 8;
constexpr int64_t kStep = kSums * sizeof(Vector) / sizeof(uint32_t);

__attribute__((always_inline)) inline uint32_t sum_of(const uint32_t* data, int64_t count, int64_t repeats) {
  Vector sums[kSums] = {};
  for (int64_t repeat = 0; repeat < repeats; ++repeat) {
    for (int64_t i = 0; i < count; i += kStep) {
      const Vector* const at = reinterpret_cast<const Vector*>(data + i);
#pragma GCC unroll 8
      for (int lane = 0; lane < kSums; ++lane) sums[lane] += at[lane];
    }
    asm volatile("" ::: "memory");  // each repeat reads anew
  }
  uint32_t sum = 0;
  for (const Vector& vector : sums) {
    for (size_t lane = 0; lane < sizeof(Vector) / sizeof(uint32_t); ++lane) sum += vector[lane];
  }
  return sum;
}

uint32_t sum_any(const uint32_t* data, int64_t count, int64_t repeats) { return sum_of(data, count, repeats); }

#if defined(__x86_64__)
__attribute__((target("avx2"))) uint32_t sum_avx2(const uint32_t* data, int64_t count, int64_t repeats) {
  return sum_of(data, count, repeats);
}
#endif

using Sum = uint32_t (*)(const uint32_t* data, int64_t count, int64_t repeats);

// The loop with the widest loads that this machine has.
Sum widest() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return sum_avx2;
#endif
  return sum_any;
}

}  // namespace

double measure_bandwidth(int64_t bytes) {
  const int64_t count = bytes / static_cast<int64_t>(sizeof(uint32_t)) / kStep * kStep;
  const Buffer memory = allocate(static_cast<size_t>(count) * sizeof(uint32_t));
  uint32_t* const data = static_cast<uint32_t*>(memory.get());
  std::fill(data, data + count, 1U);
  constexpr double kSeconds = 0.2;
  const Sum sum = widest();
  double best = 0;
  const double end = seconds_now() + kSeconds;
  for (int pass = 0; pass < 3 || seconds_now() < end; ++pass) {
    const int64_t repeats = std::max<int64_t>(1, (int64_t{16} << 20) / bytes);
    const double start = seconds_now();
    const uint32_t total = sum(data, count, repeats);
    const double seconds = seconds_now() - start;
    if (total != static_cast<uint32_t>(repeats * count)) throw std::runtime_error("the bandwidth loop is wrong");
    best = std::max(best, static_cast<double>(repeats * count) * sizeof(uint32_t) / seconds / 1e9);
  }
  return best;
}

}  // namespace sepconv::support
