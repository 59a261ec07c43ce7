// What this machine can do at best, measured: the yardstick beside every time.
#ifndef SEPCONV_SUPPORT_PEAK_H
#define SEPCONV_SUPPORT_PEAK_H

#include <cstdint>
#include <string>
#include <vector>

namespace sepconv::support {

// One loop of independent float32 multiply-add chains, for one instruction set.
struct PeakLoop {
  const char* name;          // "avx2", the name that SEPCONV_TARGETS uses without the architecture
  const char* instructions;  // for people
  int flops_per_step;        // of one step of all chains
  // Runs `steps` steps of x = x * factor + term in all chains, which begin differently; returns the sum of all lanes.
  float (*run)(int64_t steps, float factor, float term);
  int lanes;         // of all chains together
  int vector_lanes;  // of one
};

// The loops that this machine can run, widest last. Never empty.
std::vector<PeakLoop> peak_loops();

struct Peak {
  std::string name, instructions;
  double gflops = 0;             // of all threads together
  double flops_per_cycle = 0;    // of one core
  double clock_ghz = 0;          // of one core, by a chain of dependent additions
  double vectors_per_cycle = 0;  // of one core; near 1 or 2 on every processor that nothing disturbs
  int threads = 1;
};

// Runs the loop on `threads` threads at once and keeps the best of many rounds, each shorter than the slice of time
// that a busy system gives to a program. The loop is checked twice: its result must be the limit of the recurrence, and
// its speed is set against the core's clock, measured between the rounds. Throws std::runtime_error if the result is
// wrong.
Peak measure_peak(const PeakLoop& loop, int threads);

// The fastest loop's peak.
Peak measure_peak(int threads = 1);

// "peak: 103.4 GFLOP/s on 1 thread (AVX2 and FMA; 31.9 a cycle at 3.24 GHz)", and a warning if that is no rate at which
// a processor works undisturbed.
std::string to_text(const Peak& peak);

}  // namespace sepconv::support

#endif  // SEPCONV_SUPPORT_PEAK_H
