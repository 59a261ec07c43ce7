// Times things fairly: warmed up, on a fixed core, in turns.
#ifndef SEPCONV_SUPPORT_TIMING_H
#define SEPCONV_SUPPORT_TIMING_H

#include <functional>
#include <vector>

namespace sepconv::support {

double seconds_now();  // of a clock that never jumps

// Keeps this process on `count` cores from `first` on. Throws std::runtime_error if the system refuses.
void pin_to_cores(int first, int count);

struct Timing {
  double min = 0, median = 0;  // seconds of one call
  int samples = 0;
};

// Times the candidates in turns, so that a slow spell of the machine meets all of them: each turn calls every candidate
// for a few milliseconds. Calls too short for the clock are timed several at once. `budget` is in seconds, for all
// candidates together, warm-up included; every candidate is timed at least three times.
std::vector<Timing> time_in_turns(const std::vector<std::function<void()>>& candidates, double budget);

}  // namespace sepconv::support

#endif  // SEPCONV_SUPPORT_TIMING_H
