#include "bench_layer.h"

#include <algorithm>
#include <functional>
#include <memory>

#include "layer_run.h"
#include "timing.h"

namespace sepconv::bench {
namespace {

using support::LayerRun;

sepconv_options make_options(int threads, const std::string& variant) {
  sepconv_options options;
  sepconv_options_init(&options, sizeof options);
  options.max_threads = threads;
  options.variant = variant.empty() ? nullptr : variant.c_str();
  return options;
}

}  // namespace

std::string chosen_variant(const support::Layer& layer, int threads) {
  const sepconv_options options = make_options(threads, "");
  sepconv_plan* plan = nullptr;
  if (sepconv_plan_create(&layer.problem, &options, &plan) != SEPCONV_OK) return "";
  std::string name = sepconv_plan_variant(plan);
  sepconv_plan_destroy(plan);
  return name;
}

std::vector<Result> bench_layer(const support::Layer& layer, const std::vector<std::string>& variants,
                                const Settings& settings) {
  constexpr uint64_t kSeed = 20;  // any; the same in every run
  constexpr float kInputLimit = 1.0F, kBiasLimit = 0.5F;
  const sepconv_problem& problem = layer.problem;
  support::require_memory(problem);
  support::Random random(kSeed);
  const support::Weights weights = random_weights(problem, &random, kBiasLimit);
  std::vector<float> values;
  const auto input_size = static_cast<size_t>(problem.batch * support::input_pixels(problem) * problem.in_channels);
  random.fill(&values, input_size, kInputLimit);
  const support::Buffer input = support::elements_of(values, problem.input_dtype);

  std::vector<Result> results;
  std::vector<std::unique_ptr<LayerRun>> runs;
  for (const std::string& variant : variants) {
    const sepconv_options options = make_options(settings.threads, variant);
    runs.push_back(std::make_unique<LayerRun>(problem, &options, weights));
    Result result;
    result.name = layer.name;
    result.variant = runs.back()->variant();
    result.max_error =
        runs.back()->run_and_check(input.get(), weights, settings.parallel_for, settings.parallel_context).max_error;
    result.verified = result.max_error < support::error_limit(problem.output_dtype);
    results.push_back(result);
  }
  if (!std::all_of(results.begin(), results.end(), [](const Result& result) { return result.verified; }))
    return results;

  std::vector<std::function<void()>> calls;
  for (const auto& run : runs) {
    calls.emplace_back([&] { run->run(input.get(), settings.parallel_for, settings.parallel_context); });
  }
  const double peak_gflops = settings.peak_gflops / (problem.input_dtype == SEPCONV_DTYPE_F64 ? 2 : 1);
  const std::vector<support::Timing> timings = support::time_in_turns(calls, settings.budget);
  for (size_t i = 0; i < results.size(); ++i) {
    results[i].ms_min = timings[i].min * 1e3;
    results[i].ms_median = timings[i].median * 1e3;
    results[i].gflops = support::flops(problem) / timings[i].min / 1e9;
    results[i].peak_fraction = results[i].gflops / peak_gflops;
  }
  return results;
}

}  // namespace sepconv::bench
