// Verifies and times one layer.
#ifndef SEPCONV_BENCH_BENCH_LAYER_H
#define SEPCONV_BENCH_BENCH_LAYER_H

#include <string>
#include <vector>

#include "layer_file.h"
#include "sepconv/sepconv.h"

namespace sepconv::bench {

struct Settings {
  int threads = 1;
  sepconv_parallel_for parallel_for = nullptr;  // null: serial
  void* parallel_context = nullptr;
  double peak_gflops = 0;  // of all threads together
  double budget = 0.5;     // seconds of timing a layer
};

struct Result {
  std::string name, variant;
  double ms_min = 0, ms_median = 0;
  double gflops = 0;         // at ms_min
  double peak_fraction = 0;  // of Settings::peak_gflops, at ms_min
  double max_error = 0;      // over the layer's largest magnitude
  bool verified = false;     // max_error is small enough; a result that is not verified is not timed
};

// Runs the layer with each of the variants, "" being the runtime's own choice, and times them in turns. Throws
// std::runtime_error where a variant cannot run the layer.
std::vector<Result> bench_layer(const support::Layer& layer, const std::vector<std::string>& variants,
                                const Settings& settings);

// The variant that the runtime would choose with the variants registered by now, "" where there is none.
std::string chosen_variant(const support::Layer& layer, int threads);

}  // namespace sepconv::bench

#endif  // SEPCONV_BENCH_BENCH_LAYER_H
