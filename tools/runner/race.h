// Times candidates in turns, and stops the ones that are clearly slower.
#ifndef SEPCONV_TOOLS_RUNNER_RACE_H
#define SEPCONV_TOOLS_RUNNER_RACE_H

#include <functional>
#include <vector>

namespace sepconv::runner {

struct RaceResult {
  double min = 0, median = 0;  // seconds of one call
  double ratio = 1;            // to the first candidate: the median over the turns of their fastest calls' ratio
  int samples = 0;
};

// Makes so many calls of a candidate; the seconds that they take.
using Sampler = std::function<double(int calls)>;

// A turn calls every candidate for some tenths of a millisecond, once more before that: so short that a slow spell of
// the machine meets all of them. After a few turns, candidates whose ratio is above `slower` are out. `budget`: seconds
// of a candidate that stays; at least five turns. A sample is as many calls as take `sample_seconds`.
std::vector<RaceResult> race(const std::vector<Sampler>& candidates, double budget, double slower,
                             double sample_seconds);

}  // namespace sepconv::runner

#endif  // SEPCONV_TOOLS_RUNNER_RACE_H
