// What a runner is told and what it prints, whatever it measures on.
#ifndef SEPCONV_TOOLS_RUNNER_ANSWER_H
#define SEPCONV_TOOLS_RUNNER_ANSWER_H

#include <string>
#include <vector>

#include "race.h"
#include "sepconv/sepconv.h"

namespace sepconv::runner {

//   PROGRAM [peak] [depthwise] [budget=SECONDS] [slower=RATIO] < LAYER.json
//
// The layer comes in a layer file of its own, on standard input: JSON would not survive every shell between here and a
// board.
struct CommandLine {
  bool peak = false;
  bool depthwise = false;  // only the layer's depthwise stage
  double budget = 0.1;     // seconds a candidate
  double slower = 1.2;     // this many times the first one's time is clearly slower
};

// Throws std::runtime_error that quotes a word that is none of these.
CommandLine read_command_line(int argc, char** argv);

// The layer on standard input. Throws std::runtime_error with one sentence.
sepconv_problem read_problem(const CommandLine& line);

// What is known of a candidate in the end.
struct Result {
  std::string failed;  // why it cannot run
  double max_error = 0;
  bool right = false;
  RaceResult time;
};

// One JSON object on a line: the machine's name as `cpu`, `machine` (more members, each followed by a comma), and for
// each candidate in order either "failed", or max_error, and if the answer is right ms_min, ms_median, ratio (to the
// first candidate, race.h) and samples.
void print_answer(const std::string& cpu, const std::string& machine, const std::vector<Result>& results);

}  // namespace sepconv::runner

#endif  // SEPCONV_TOOLS_RUNNER_ANSWER_H
