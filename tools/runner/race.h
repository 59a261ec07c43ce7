// Times candidates in turns, and stops the ones that are clearly slower.
#ifndef SEPCONV_TOOLS_RUNNER_RACE_H
#define SEPCONV_TOOLS_RUNNER_RACE_H

#include <functional>
#include <vector>

namespace sepconv::runner {

struct RaceResult {
  double min = 0, median = 0;  // seconds of one call
  double ratio = 1;            // to the first candidate: the median over the turns, so that drift cancels
  int samples = 0;
};

// Each turn calls every candidate for some milliseconds, the first one as well; after a few turns, candidates that took
// `slower` times as long as the first in each of them are out. `budget`: seconds a candidate that stays; at least three
// turns.
std::vector<RaceResult> race(const std::vector<std::function<void()>>& candidates, double budget, double slower);

}  // namespace sepconv::runner

#endif  // SEPCONV_TOOLS_RUNNER_RACE_H
