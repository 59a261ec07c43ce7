// Times candidate libraries of one layer against each other: loads each library, plans with its rows, checks the
// answer, then times all of them in turns, so that a slow spell of the machine meets every candidate. search.py calls
// it.
//
//   sepconv_search_runner LAYERS.json LAYER BUDGET CANDIDATE.so...
//
// Each candidate is a shared library with the function candidate_variants (what sepconv_rows writes for a library
// called candidate). Prints a JSON list, one object a candidate: variant, ms_min, ms_median, max_error.
#include <dlfcn.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "layer_file.h"
#include "layer_run.h"
#include "sepconv/variant_table.h"
#include "timing.h"

namespace {

namespace programs = sepconv::programs;

void register_library(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(dlerror());
  using Variants = const sepconv_variant_table* (*)();
  const auto variants = reinterpret_cast<Variants>(dlsym(library, "candidate_variants"));
  if (variants == nullptr) throw std::runtime_error(path + " has no function candidate_variants");
  programs::require(sepconv_register(variants()));
}

programs::Layer find_layer(const std::string& path, const std::string& name) {
  for (programs::Layer& layer : programs::read_layers(path)) {
    if (layer.name == name) return layer;
  }
  throw std::runtime_error(path + " has no layer \"" + name + "\"");
}

nlohmann::json measure(const programs::Layer& layer, const std::vector<std::string>& libraries, double budget) {
  programs::Random random(1);
  const programs::Weights weights = programs::random_weights(layer.problem, &random, 0.5F);
  std::vector<float> values;
  random.fill(
      &values,
      static_cast<size_t>(layer.problem.batch * programs::input_pixels(layer.problem) * layer.problem.in_channels),
      1.0F);
  const programs::Buffer input = programs::allocate(values.size() * sizeof(float));
  float* data = static_cast<float*>(input.get());
  std::copy(values.begin(), values.end(), data);

  nlohmann::json results = nlohmann::json::array();
  std::vector<std::unique_ptr<programs::LayerRun>> runs;
  std::vector<std::function<void()>> calls;
  for (const std::string& library : libraries) {
    register_library(library);  // its rows now rank before all others
    runs.push_back(std::make_unique<programs::LayerRun>(layer.problem, nullptr, weights));
    const programs::LayerRun& run = *runs.back();
    const double error = run.run_and_check(data, weights).max_error;
    if (!(error < programs::kErrorLimit))
      throw std::runtime_error(library + ": wrong answer, error " + std::to_string(error));
    results.push_back({{"variant", run.variant()}, {"max_error", error}});
    calls.emplace_back([&run, data] { run.run(data); });
  }
  const std::vector<programs::Timing> timings =
      programs::time_in_turns(calls, budget * static_cast<double>(calls.size()));
  for (size_t i = 0; i < calls.size(); ++i) {
    results[i]["ms_min"] = timings[i].min * 1e3;
    results[i]["ms_median"] = timings[i].median * 1e3;
  }
  return results;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::cerr << "usage: sepconv_search_runner LAYERS.json LAYER BUDGET CANDIDATE.so...\n";
    return 2;
  }
  try {
    std::cout << measure(find_layer(argv[1], argv[2]), {argv + 4, argv + argc}, std::stod(argv[3])).dump() << "\n";
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "sepconv_search_runner: " << error.what() << "\n";
    return 1;
  }
}
