// Times candidate variants of one layer against each other, on the machine they were compiled for. `sepconv tune`
// links this with the candidates' objects and tables into one static program, so that a board needs nothing but that
// file.
//
// answer.h says what it is told and what it prints: of the machine cpu and, with `peak`, its multiply-add peak in
// GFLOP/s and its bandwidth in GB/s. Candidates with a wrong answer are not timed.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "answer.h"
#include "bandwidth.h"
#include "candidates.h"
#include "cpu_name.h"
#include "layer_file.h"
#include "layer_run.h"
#include "peak.h"
#include "race.h"
#include "standard_output.h"
#include "timing.h"

namespace {

namespace support = sepconv::support;
namespace runner = sepconv::runner;

// One candidate: a plan of its own variant, checked.
struct Candidate {
  std::unique_ptr<support::LayerRun> run;
  runner::Result result;
};

Candidate prepare(const sepconv_variant_table* table, const sepconv_problem& problem, const void* input,
                  const support::Weights& weights) {
  Candidate candidate;
  try {
    support::require(sepconv_register(table));  // its variant now ranks before all others
    sepconv_options options;
    sepconv_options_init(&options, sizeof options);
    options.variant = table->variants[0].name;  // also where dispatch would take another for the problem's size
    candidate.run = std::make_unique<support::LayerRun>(problem, &options, weights);
    candidate.result.max_error = candidate.run->run_and_check(input, weights).max_error;
    candidate.result.right = candidate.result.max_error < support::error_limit(problem.output_dtype);
  } catch (const std::runtime_error& error) {
    candidate.result.failed = error.what();
  }
  return candidate;
}

std::vector<runner::Result> race_candidates(const sepconv_problem& problem, const runner::CommandLine& line) {
  constexpr uint64_t kSeed = 1;  // any; the same in every run
  support::require_memory(problem);
  support::Random random(kSeed);
  const support::Weights weights = support::random_weights(problem, &random, 0.5F);
  std::vector<float> values;
  random.fill(&values, static_cast<size_t>(problem.batch * support::input_pixels(problem) * problem.in_channels), 1);
  const support::Buffer input = support::elements_of(values, problem.input_dtype);
  const void* const data = input.get();

  std::vector<Candidate> candidates;
  std::vector<runner::Sampler> samplers;
  for (const auto* table = sepconv_candidates; *table != nullptr; ++table) {
    candidates.push_back(prepare((*table)(), problem, data, weights));
    if (!candidates.back().result.right) continue;
    const support::LayerRun* run = candidates.back().run.get();
    samplers.emplace_back([run, data](int calls) {
      const double start = support::seconds_now();
      for (int i = 0; i < calls; ++i) run->run(data);
      return support::seconds_now() - start;
    });
  }
  constexpr double kSampleSeconds = 20e-6;  // about a thousand times what reading the clock costs
  const std::vector<runner::RaceResult> times = runner::race(samplers, line.budget, line.slower, kSampleSeconds);
  std::vector<runner::Result> results;
  size_t next = 0;
  for (const Candidate& candidate : candidates) {
    results.push_back(candidate.result);
    if (candidate.result.right) results.back().time = times[next++];
  }
  return results;
}

std::string measured_machine() {
  char text[200];
  std::snprintf(text, sizeof text,
                "\"peak_gflops\": %.5g, \"bandwidth\": {\"L2\": %.4g, \"L3\": %.4g, \"memory\": %.4g}, ",
                support::measure_peak().gflops, support::measure_bandwidth(256 << 10),
                support::measure_bandwidth(8 << 20), support::measure_bandwidth(128 << 20));
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  support::check_standard_output_at_exit("sepconv_runner");
  try {
    const runner::CommandLine line = runner::read_command_line(argc, argv);
    const std::vector<runner::Result> results = race_candidates(runner::read_problem(line), line);
    runner::print_answer(runner::cpu_name(), line.peak ? measured_machine() : "", results);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sepconv_runner: %s\n", error.what());
    return 1;
  }
}
