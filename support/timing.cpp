#include "timing.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>

namespace sepconv::support {
namespace {

constexpr double kTurnSeconds = 0.01;
constexpr double kSampleSeconds = 20e-6;  // about a thousand times what reading the clock costs

double median(std::vector<double> samples) {
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::nth_element(samples.begin(), middle, samples.end());
  return *middle;
}

struct Candidate {
  const std::function<void()>* call;
  int calls_per_sample = 1;
  std::vector<double> samples;

  void sample() {
    const double start = seconds_now();
    for (int i = 0; i < calls_per_sample; ++i) (*call)();
    samples.push_back((seconds_now() - start) / calls_per_sample);
  }
};

}  // namespace

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void pin_to_cores(int first, int count) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  for (int core = first; core < first + count; ++core) {
    if (core < 0 || core >= CPU_SETSIZE) throw std::runtime_error("core " + std::to_string(core) + " does not exist");
    CPU_SET(core, &cores);
  }
  const auto fail = [&](const std::string& why) {
    throw std::runtime_error("cannot run on " + std::to_string(count) + " core(s) from core " + std::to_string(first) +
                             " on: " + why);
  };
  if (sched_setaffinity(0, sizeof cores, &cores) != 0) fail(std::strerror(errno));
  cpu_set_t granted;
  if (sched_getaffinity(0, sizeof granted, &granted) != 0) fail(std::strerror(errno));
  if (CPU_COUNT(&granted) != count)
    fail("this process may use only " + std::to_string(CPU_COUNT(&granted)) + " of them");
}

std::vector<Timing> time_in_turns(const std::vector<std::function<void()>>& calls, double budget) {
  const double end = seconds_now() + budget;
  std::vector<Candidate> candidates;
  for (const std::function<void()>& call : calls) {
    Candidate candidate{&call, 1, {}};
    candidate.sample();  // cold
    candidate.sample();
    candidate.calls_per_sample = std::max(1, static_cast<int>(kSampleSeconds / candidate.samples.back()));
    candidate.samples.clear();
    candidates.push_back(candidate);
  }
  for (int turn = 0; turn < 3 || seconds_now() < end; ++turn) {
    for (Candidate& candidate : candidates) {
      const double turn_end = seconds_now() + kTurnSeconds;
      do {
        candidate.sample();
      } while (seconds_now() < turn_end);
    }
  }
  std::vector<Timing> timings;
  for (const Candidate& candidate : candidates) {
    timings.push_back({*std::min_element(candidate.samples.begin(), candidate.samples.end()), median(candidate.samples),
                       static_cast<int>(candidate.samples.size())});
  }
  return timings;
}

}  // namespace sepconv::support
