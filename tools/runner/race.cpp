#include "race.h"

#include <algorithm>

#include "timing.h"

namespace sepconv::runner {
namespace {

constexpr double kTurnSeconds = 0.006;
constexpr double kSampleSeconds = 20e-6;  // about a thousand times what reading the clock costs
constexpr int kTurnsBeforeOut = 3;

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

struct Runner {
  const std::function<void()>* call;
  int calls_per_sample = 1;
  bool out = false;
  std::vector<double> samples, turns;  // seconds of a call; of the fastest in each turn

  double sample() const {
    const double start = programs::seconds_now();
    for (int i = 0; i < calls_per_sample; ++i) (*call)();
    return (programs::seconds_now() - start) / calls_per_sample;
  }

  void turn() {
    // After another candidate the first call finds cold caches.
    sample();
    const double end = programs::seconds_now() + kTurnSeconds;
    double fastest = 0;
    do {
      samples.push_back(sample());
      fastest = fastest == 0 ? samples.back() : std::min(fastest, samples.back());
    } while (programs::seconds_now() < end);
    turns.push_back(fastest);
  }
};

// Ratios to the first, one a turn.
std::vector<double> ratios(const Runner& runner, const Runner& first) {
  std::vector<double> values;
  for (size_t i = 0; i < runner.turns.size(); ++i) values.push_back(runner.turns[i] / first.turns[i]);
  return values;
}

}  // namespace

std::vector<RaceResult> race(const std::vector<std::function<void()>>& candidates, double budget, double slower) {
  std::vector<Runner> runners;
  for (const std::function<void()>& call : candidates) {
    Runner runner{&call, 1, false, {}, {}};
    runner.sample();  // cold
    runner.calls_per_sample = std::max(1, static_cast<int>(kSampleSeconds / runner.sample()));
    runners.push_back(runner);
  }
  double spent = 0;
  for (int turn = 0; turn < kTurnsBeforeOut || spent < budget; ++turn) {
    const double start = programs::seconds_now();
    int running = 0;
    for (Runner& runner : runners) {
      if (runner.out) continue;
      runner.turn();
      ++running;
    }
    if (running == 0 || (turn >= kTurnsBeforeOut && running == 1 && runners.size() > 1)) break;
    spent += (programs::seconds_now() - start) / running;
    if (turn + 1 < kTurnsBeforeOut) continue;
    for (Runner& runner : runners) {
      if (runner.out) continue;
      const std::vector<double> values = ratios(runner, runners[0]);
      runner.out = *std::min_element(values.begin(), values.end()) > slower;
    }
  }
  std::vector<RaceResult> results;
  for (const Runner& runner : runners) {
    results.push_back({*std::min_element(runner.samples.begin(), runner.samples.end()), median(runner.samples),
                       median(ratios(runner, runners[0])), static_cast<int>(runner.samples.size())});
  }
  return results;
}

}  // namespace sepconv::runner
