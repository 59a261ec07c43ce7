// sepconv_plan_time: what planning costs, layer by layer: a plan, and a plan for another batch and another image inside
// the packing of the first, as a program with images of many sizes makes them.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "layer_file.h"
#include "layer_run.h"
#include "options.h"
#include "sepconv_default.h"
#include "standard_output.h"
#include "timing.h"

namespace {

using sepconv::support::Layer;
using sepconv::support::require;

struct PlanDeleter {
  void operator()(sepconv_plan* plan) const { sepconv_plan_destroy(plan); }
};
using Plan = std::unique_ptr<sepconv_plan, PlanDeleter>;

Plan make_plan(const sepconv_problem& problem, const sepconv_options& options) {
  sepconv_plan* plan = nullptr;
  require(sepconv_plan_create(&problem, &options, &plan));
  return Plan(plan);
}

void run(const std::vector<std::string>& files, int threads) {
  require(sepconv_register(sepconv_default_variants()));
  sepconv_options options;
  sepconv_options_init(&options, sizeof options);
  options.max_threads = threads;
  fmt::print("{:40} {:>10} {:>12}   microseconds, medians; {} threads\n", "layer", "plan", "plan again", threads);
  double slowest = 0;
  for (const std::string& file : files) {
    for (const Layer& layer : sepconv::support::read_layers(file)) {
      if (!layer.fusable) continue;
      const Plan first = make_plan(layer.problem, options);
      sepconv_options again = options;
      again.packing_of = first.get();
      sepconv_problem other = layer.problem;
      int call = 0;
      const auto replan = [&] {
        ++call;
        other.batch = 1 + call % 4;
        for (int axis = 0; axis < other.spatial_rank; ++axis) {
          other.in_extent[axis] = layer.problem.in_extent[axis] + call % (7 + axis);
        }
        make_plan(other, again);
      };
      const auto times = sepconv::support::time_in_turns({[&] { make_plan(layer.problem, options); }, replan}, 0.2);
      fmt::print("{:40} {:10.2f} {:12.2f}\n", layer.name, 1e6 * times[0].median, 1e6 * times[1].median);
      slowest = std::max(slowest, 1e6 * times[1].median);
    }
  }
  fmt::print("the slowest second plan: {:.2f} microseconds\n", slowest);
}

}  // namespace

int main(int argc, char** argv) {
  sepconv::support::check_standard_output_at_exit("sepconv_plan_time");
  CLI::App app{"Times the planning of layers."};
  std::vector<std::string> files;
  int threads = 1;
  app.add_option("layers", files, "Layer files (JSON)")->required()->check(CLI::ExistingFile);
  app.add_option("--threads", threads, "Threads to plan for")
      ->check(sepconv::support::whole_number(1, SEPCONV_MAX_THREADS))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    run(files, threads);
  } catch (const std::exception& error) {
    std::fflush(stdout);
    fmt::print(stderr, "sepconv_plan_time: {}\n", error.what());
    return 1;
  }
}
