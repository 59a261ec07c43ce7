// Times candidate variants of one layer against each other, on the machine they were compiled for. `sepconv tune`
// links this with the candidates' objects and tables into one static program, so that a board needs nothing but that
// file.
//
//   PROGRAM [peak] [budget=SECONDS] [slower=RATIO] KEY=VALUE...
//
// KEY=VALUE describe the layer (problem_words.h). Prints one JSON object: the machine (cpu, and with `peak` its
// multiply-add peak in GFLOP/s and its bandwidth in GB/s), and for each candidate in order either why it cannot run
// ("failed"), or max_error, and if the answer is right ms_min, ms_median, ratio (to the first candidate, race.h)
// and samples. Candidates with a wrong answer are not timed.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "bandwidth.h"
#include "candidates.h"
#include "cpu_name.h"
#include "layer_file.h"
#include "layer_run.h"
#include "peak.h"
#include "problem_words.h"
#include "race.h"

namespace {

namespace programs = sepconv::programs;
namespace runner = sepconv::runner;

struct CommandLine {
  bool peak = false;
  double budget = 0.1;  // seconds a candidate
  double slower = 1.2;  // this many times the first one's time is clearly slower
  std::vector<std::string> problem;
};

CommandLine read(int argc, char** argv) {
  CommandLine line;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "peak") {
      line.peak = true;
    } else if (word.rfind("budget=", 0) == 0) {
      line.budget = std::stod(word.substr(7));
    } else if (word.rfind("slower=", 0) == 0) {
      line.slower = std::stod(word.substr(7));
    } else {
      line.problem.push_back(word);
    }
  }
  return line;
}

// One candidate: a plan of its own row, checked.
struct Candidate {
  std::unique_ptr<programs::LayerRun> run;
  std::string failed;
  double max_error = 0;
  bool right = false;
  runner::RaceResult time;
};

Candidate prepare(const sepconv_variant_table* table, const sepconv_problem& problem, const float* input,
                  const programs::Weights& weights) {
  Candidate candidate;
  try {
    programs::require(sepconv_register(table));  // its row now ranks before all others
    candidate.run = std::make_unique<programs::LayerRun>(problem, nullptr, weights);
    candidate.max_error = candidate.run->run_and_check(input, weights).max_error;
    candidate.right = candidate.max_error < programs::kErrorLimit;
  } catch (const std::runtime_error& error) {
    candidate.failed = error.what();
  }
  return candidate;
}

std::vector<Candidate> race_candidates(const sepconv_problem& problem, const CommandLine& line) {
  constexpr uint64_t kSeed = 1;  // any; the same in every run
  programs::Random random(kSeed);
  const programs::Weights weights = programs::random_weights(problem, &random, 0.5F);
  std::vector<float> values;
  random.fill(&values, static_cast<size_t>(problem.batch * programs::input_pixels(problem) * problem.in_channels), 1);
  const programs::Buffer input = programs::allocate(values.size() * sizeof(float));
  float* data = static_cast<float*>(input.get());
  for (size_t i = 0; i < values.size(); ++i) data[i] = values[i];

  std::vector<Candidate> candidates;
  std::vector<std::function<void()>> calls;
  for (const auto* table = sepconv_candidates; *table != nullptr; ++table) {
    candidates.push_back(prepare((*table)(), problem, data, weights));
    if (!candidates.back().right) continue;
    const programs::LayerRun* run = candidates.back().run.get();
    calls.emplace_back([run, data] { run->run(data); });
  }
  const std::vector<runner::RaceResult> times = runner::race(calls, line.budget, line.slower);
  size_t next = 0;
  for (Candidate& candidate : candidates) {
    if (candidate.right) candidate.time = times[next++];
  }
  return candidates;
}

// As JSON has it: between quotes, without what would end the text.
std::string quoted(const std::string& text) {
  std::string safe;
  for (const char c : text) safe += c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ' ? '\'' : c;
  return '"' + safe + '"';
}

void print(const Candidate& c) {
  if (!c.failed.empty()) {
    std::printf("{\"failed\": %s}", quoted(c.failed).c_str());
    return;
  }
  if (std::isfinite(c.max_error)) {
    std::printf("{\"max_error\": %.3g", c.max_error);
  } else {
    std::printf("{\"max_error\": null");
  }
  if (c.right) {
    std::printf(", \"ms_min\": %.6g, \"ms_median\": %.6g, \"ratio\": %.6g, \"samples\": %d", c.time.min * 1e3,
                c.time.median * 1e3, c.time.ratio, c.time.samples);
  }
  std::printf("}");
}

void print_machine() {
  std::printf("\"peak_gflops\": %.5g, \"bandwidth\": {\"L2\": %.4g, \"L3\": %.4g, \"memory\": %.4g}, ",
              programs::measure_peak().gflops, programs::measure_bandwidth(256 << 10),
              programs::measure_bandwidth(8 << 20), programs::measure_bandwidth(128 << 20));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const CommandLine line = read(argc, argv);
    const sepconv_problem problem = runner::problem_of(line.problem);
    const std::vector<Candidate> candidates = race_candidates(problem, line);
    std::printf("{\"cpu\": %s, ", quoted(runner::cpu_name()).c_str());
    if (line.peak) print_machine();
    std::printf("\"candidates\": [");
    for (size_t i = 0; i < candidates.size(); ++i) {
      if (i > 0) std::printf(", ");
      print(candidates[i]);
    }
    std::printf("]}\n");
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sepconv_runner: %s\n", error.what());
    return 1;
  }
}
