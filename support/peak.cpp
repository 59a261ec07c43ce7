#include "peak.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <thread>

#include "timing.h"

namespace sepconv::support {
namespace {

// With x = x / 2 + 1 every lane ends at exactly 2.
constexpr float kFactor = 0.5F, kTerm = 1.0F, kLimit = 2.0F;

// At least this many rounds, and up to ten times as many while the result says that something else had a share of the
// core.
constexpr int kRounds = 150, kMostRounds = 1500;
constexpr double kRoundSeconds = 0.0005;

// Additions that each wait for the one before: one a cycle on every core this runs on. The addend is a register,
// because some cores add constants for nothing.
double measure_clock_ghz() {
  constexpr int64_t kSteps = 50000, kAdditionsPerStep = 16;
  uint64_t sum = 1;
  const uint64_t addend = 3;
  const double start = seconds_now();
  for (int64_t step = 0; step < kSteps; ++step) {
    for (int64_t i = 0; i < kAdditionsPerStep; ++i) {
#if defined(__x86_64__)
      asm volatile("add %1, %0" : "+r"(sum) : "r"(addend) : "cc");
#elif defined(__aarch64__)
      asm volatile("add %0, %0, %1" : "+r"(sum) : "r"(addend));
#else
      asm volatile("" : "+r"(sum));
      sum += addend;
#endif
    }
  }
  return static_cast<double>(kSteps * kAdditionsPerStep) / (seconds_now() - start) / 1e9;
}

struct Span {
  double start = 0, end = 0;  // in seconds
  float sum = 0;
};

// One round on all threads at once, from the first one's start to the last one's end, in GFLOP/s.
double measure_round(const PeakLoop& loop, int threads, int64_t steps) {
  std::vector<Span> spans(static_cast<size_t>(threads));
  std::vector<std::thread> others;
  std::atomic<int> ready{0};
  const auto work = [&](Span* span) {
    for (++ready; ready < threads;) std::this_thread::yield();
    span->start = seconds_now();
    span->sum = loop.run(steps, kFactor, kTerm);
    span->end = seconds_now();
  };
  for (size_t i = 1; i < spans.size(); ++i) others.emplace_back(work, &spans[i]);
  work(spans.data());
  for (std::thread& other : others) other.join();
  double start = spans[0].start, end = spans[0].end;
  for (const Span& span : spans) {
    start = std::min(start, span.start);
    end = std::max(end, span.end);
    const float expected = kLimit * static_cast<float>(loop.lanes);
    if (span.sum != expected) {
      throw std::runtime_error("the " + std::string(loop.name) + " peak loop is wrong: its lanes add up to " +
                               std::to_string(span.sum) + ", not " + std::to_string(expected));
    }
  }
  return static_cast<double>(threads) * static_cast<double>(steps) * loop.flops_per_step / (end - start) / 1e9;
}

// A core starts a whole number of vector multiply-adds a cycle.
bool undisturbed(const Peak& peak) {
  constexpr double kTolerance = 0.1;
  const double whole = std::max(1.0, std::round(peak.vectors_per_cycle));
  return std::abs(peak.vectors_per_cycle - whole) <= kTolerance * whole;
}

}  // namespace

Peak measure_peak(const PeakLoop& loop, int threads) {
  Peak peak;
  peak.name = loop.name;
  peak.instructions = loop.instructions;
  peak.threads = threads;
  constexpr int64_t kProbe = 5000;
  double probed = 0;
  for (int i = 0; i < 10; ++i) probed = std::max(probed, measure_round(loop, 1, kProbe));
  const auto steps = std::max(kProbe, static_cast<int64_t>(kRoundSeconds * probed * 1e9 / loop.flops_per_step));
  for (int round = 0; round < kRounds || (round < kMostRounds && !undisturbed(peak)); ++round) {
    peak.gflops = std::max(peak.gflops, measure_round(loop, threads, steps));
    peak.clock_ghz = std::max(peak.clock_ghz, measure_clock_ghz());
    peak.flops_per_cycle = peak.gflops / threads / peak.clock_ghz;
    peak.vectors_per_cycle = peak.flops_per_cycle / (2 * loop.vector_lanes);
  }
  return peak;
}

Peak measure_peak(int threads) {
  Peak best;
  for (const PeakLoop& loop : peak_loops()) {
    const Peak peak = measure_peak(loop, threads);
    if (peak.gflops > best.gflops) best = peak;
  }
  return best;
}

std::string to_text(const Peak& peak) {
  char text[400];
  int length = std::snprintf(text, sizeof text, "peak: %.1f GFLOP/s on %d thread%s (%s; %.1f a cycle at %.2f GHz)",
                             peak.gflops, peak.threads, peak.threads == 1 ? "" : "s", peak.instructions.c_str(),
                             peak.flops_per_cycle, peak.clock_ghz);
  if (!undisturbed(peak)) {
    length = std::min(std::max(length, 0), static_cast<int>(sizeof text));
    std::snprintf(
        text + length, sizeof text - static_cast<size_t>(length),
        "\nwarning: %.2f vectors a cycle is no whole number: something disturbs this machine, do not trust the times",
        peak.vectors_per_cycle);
  }
  return text;
}

}  // namespace sepconv::support
