// sepconv_bench: verifies and times the layers of layer files. With sepconv_add_bench, the same program around a
// library of one's own layers.
#include <fmt/format.h>
#include <sched.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "bench_layer.h"
#include "files.h"
#include "layer_file.h"
#include "layer_run.h"
#include "options.h"
#include "own_variants.h"
#include "peak.h"
#include "progress.h"
#include "report.h"
#include "sepconv/thread_pool.hpp"
#include "sepconv_default.h"
#include "standard_output.h"
#include "timing.h"

namespace {

using sepconv::bench::Result;
using sepconv::support::Layer;

struct CommandLine {
  std::vector<std::string> files;
  std::string filter, variant, json;
  int threads = 1;
  std::optional<int> core;
  double budget = 0.5;
  bool shipped = false;
};

void define(CLI::App* app, CommandLine* line) {
  const std::string own_layers = sepconv::bench::own_layers();
  CLI::Option* files = app->add_option("layers", line->files, "Layer files (JSON)")->check(CLI::ExistingFile);
  if (own_layers.empty()) {
    files->required();
  } else {
    line->files = {own_layers};
    files->capture_default_str();
  }
  app->add_option("--threads", line->threads, "Threads of one run")
      ->check(sepconv::support::whole_number(1, SEPCONV_MAX_THREADS))
      ->capture_default_str();
  app->add_option("--filter", line->filter, "Only layers whose name holds this regular expression");
  app->add_option("--variant", line->variant,
                  "Use this variant, by its full name; layers that it cannot run are left out");
  app->add_option("--json", line->json, "Write the results to this file");
  app->add_option("--budget", line->budget, "Seconds of timing a layer")
      ->check(sepconv::support::number(1e-6, 86400))
      ->capture_default_str();
  app->add_option("--core", line->core, "Run on this core (and the ones after it, with --threads)")
      ->check(sepconv::support::whole_number(0, CPU_SETSIZE - 1));
  if (sepconv::bench::own_variants() != nullptr) {
    app->add_flag("--shipped", line->shipped, "Time the best shipped variant beside the library's own");
  }
}

// Layers whose name holds a regular expression.
class Filter {
 public:
  explicit Filter(const std::string& pattern) {
    constexpr size_t kMost = 256;
    if (pattern.size() > kMost) {
      throw std::runtime_error(fmt::format("--filter has {} characters; {} are the most", pattern.size(), kMost));
    }
    try {
      anywhere_ = std::regex(pattern, kSyntax);  // alone: what it would be inside of something else is no matter
      anywhere_ = std::regex("[^]*(?:" + pattern + ")[^]*", kSyntax);
    } catch (const std::regex_error& error) {
      throw std::runtime_error(fmt::format("--filter \"{}\" is not a regular expression: {}", pattern, error.what()));
    }
  }

  // One pass over the name, which a search would begin again at each of its characters.
  bool takes(const std::string& name) const { return std::regex_match(name, anywhere_); }

 private:
  // Searched without turning back, which takes exponential time for "(a*)*b". The other C++ library has no such mode,
  // and gives up where it would take long.
#ifdef __GLIBCXX__
  static constexpr auto kSyntax = std::regex::ECMAScript | std::regex::nosubs | std::regex_constants::__polynomial;
#else
  static constexpr auto kSyntax = std::regex::ECMAScript | std::regex::nosubs;
#endif
  std::regex anywhere_;
};

std::vector<Layer> read_files(const CommandLine& line) {
  std::vector<Layer> layers;
  const Filter filter(line.filter);
  for (const std::string& file : line.files) {
    for (Layer& layer : sepconv::support::read_layers(file)) {
      if (!filter.takes(layer.name)) continue;
      if (layer.fusable) {
        layers.push_back(std::move(layer));
      } else {
        fmt::print("left out: {}: {} between the stages\n", layer.name, layer.between);
      }
    }
  }
  return layers;
}

// For each layer the variants to compare; "" is the runtime's choice. The shipped variants' choice has to be asked for
// before the library's own variants, which rank first, are registered.
std::vector<std::vector<std::string>> register_and_choose(const std::vector<Layer>& layers, const CommandLine& line) {
  sepconv::support::require(sepconv_register(sepconv_default_variants()));
  std::vector<std::vector<std::string>> variants(layers.size(), {line.variant});
  if (line.shipped) {
    for (size_t i = 0; i < layers.size(); ++i) {
      variants[i].push_back(sepconv::bench::chosen_variant(layers[i], line.threads));
    }
  }
  if (const sepconv_variant_table* own = sepconv::bench::own_variants())
    sepconv::support::require(sepconv_register(own));
  for (size_t i = 0; i < layers.size() && line.shipped; ++i) {
    const std::string& shipped = variants[i][1];
    if (shipped.empty() || shipped == sepconv::bench::chosen_variant(layers[i], line.threads)) variants[i].pop_back();
  }
  return variants;
}

int run(const CommandLine& line) {
  if (line.core) sepconv::support::pin_to_cores(*line.core, line.threads);
  const std::vector<Layer> layers = read_files(line);
  const auto variants = register_and_choose(layers, line);

  const sepconv::support::Peak peak = sepconv::support::measure_peak(line.threads);
  fmt::print("{}\n", to_text(peak));
  sepconv::bench::Settings settings;
  settings.threads = line.threads;
  settings.peak_gflops = peak.gflops;
  settings.budget = line.budget;
  std::unique_ptr<sepconv::ThreadPool> pool;
  if (line.threads > 1) {
    pool = std::make_unique<sepconv::ThreadPool>(line.threads);
    settings.parallel_for = sepconv::ThreadPool::parallel_for;
    settings.parallel_context = pool.get();
  }

  const sepconv::bench::Table table(layers);
  table.print_header();
  std::vector<std::vector<Result>> results;
  bool verified = true;
  sepconv::support::Progress progress(layers.size());
  for (size_t i = 0; i < layers.size(); ++i) {
    progress.next(layers[i].name);
    try {
      results.push_back(bench_layer(layers[i], variants[i], settings));
    } catch (const std::runtime_error& error) {
      progress.clear();
      fmt::print("left out: {}: {}\n", layers[i].name, error.what());
      continue;
    }
    progress.clear();
    table.print(layers[i], results.back());
    for (const Result& result : results.back()) verified = verified && result.verified;
  }
  sepconv::bench::print_summary(results);
  fmt::print("at the end, {}\n", to_text(sepconv::support::measure_peak(line.threads)));
  if (!line.json.empty()) sepconv::support::write_file(line.json, sepconv::bench::to_json(results));
  if (results.empty()) throw std::runtime_error("no layer was run");
  if (!verified) throw std::runtime_error("at least one result is wrong");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  sepconv::support::check_standard_output_at_exit("sepconv_bench");
  CLI::App app{"Verifies and times separable convolution layers."};
  CommandLine line;
  define(&app, &line);
  CLI11_PARSE(app, argc, argv);
  try {
    return run(line);
  } catch (const std::exception& error) {
    std::fflush(stdout);
    fmt::print(stderr, "{}: {}\n", app.get_name().empty() ? "sepconv_bench" : app.get_name(), error.what());
    return 1;
  }
}
