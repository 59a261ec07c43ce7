#include "race.h"

#include <algorithm>
#include <utility>

#include "timing.h"

namespace sepconv::runner {
namespace {

constexpr double kTurnSeconds = 0.3e-3;
constexpr size_t kTurnsBeforeOut = 5;

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double least(const std::vector<double>& values) { return *std::min_element(values.begin(), values.end()); }

// Turn by turn, as far as both went: what slows the machine for a while slows both, and a candidate whose time varies
// with where its memory lies is not judged by its luckiest call.
double median_ratio(const std::vector<double>& turns, const std::vector<double>& base) {
  std::vector<double> ratios;
  for (size_t i = 0; i < std::min(turns.size(), base.size()); ++i) ratios.push_back(turns[i] / base[i]);
  return median(std::move(ratios));
}

struct Runner {
  const Sampler* sampler;
  int calls_per_sample = 1;
  bool out = false;
  std::vector<double> samples;  // seconds of a call
  std::vector<double> turns;    // the least of each turn

  double sample() const { return (*sampler)(calls_per_sample) / calls_per_sample; }

  void turn() {
    sample();  // after another candidate the first call finds its weights out of the cache
    const double end = support::seconds_now() + kTurnSeconds;
    const auto first = static_cast<std::ptrdiff_t>(samples.size());
    do {
      samples.push_back(sample());
    } while (support::seconds_now() < end);
    turns.push_back(*std::min_element(samples.begin() + first, samples.end()));
  }
};

}  // namespace

std::vector<RaceResult> race(const std::vector<Sampler>& candidates, double budget, double slower,
                             double sample_seconds) {
  std::vector<Runner> runners;
  for (const Sampler& sampler : candidates) {
    Runner runner{&sampler, 1, false, {}, {}};
    runner.sample();  // cold
    runner.calls_per_sample = std::max(1, static_cast<int>(sample_seconds / runner.sample()));
    runners.push_back(runner);
  }
  double spent = 0;
  for (size_t turn = 0; turn < kTurnsBeforeOut || spent < budget; ++turn) {
    const double start = support::seconds_now();
    int running = 0;
    for (Runner& runner : runners) {
      if (runner.out) continue;
      runner.turn();
      ++running;
    }
    if (running == 0 || (running == 1 && candidates.size() > 1)) break;
    spent += (support::seconds_now() - start) / running;
    if (turn + 1 != kTurnsBeforeOut && turn + 1 != 3 * kTurnsBeforeOut) continue;
    for (Runner& runner : runners) {
      runner.out = runner.out || median_ratio(runner.turns, runners[0].turns) > slower;
    }
  }
  std::vector<RaceResult> results;
  for (const Runner& runner : runners) {
    RaceResult result;
    result.min = least(runner.samples);
    result.median = median(runner.samples);
    result.samples = static_cast<int>(runner.samples.size());
    result.ratio = median_ratio(runner.turns, runners[0].turns);
    results.push_back(result);
  }
  return results;
}

}  // namespace sepconv::runner
