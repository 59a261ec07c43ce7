// sepconv as compare.py calls it: a shared library over the same parts that sepconv_bench is made of.
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "bandwidth.h"
#include "compare_layers.h"
#include "layer_file.h"
#include "layer_run.h"
#include "peak.h"
#include "sepconv/thread_pool.hpp"
#include "sepconv_default.h"

namespace {

namespace support = sepconv::support;

thread_local std::string last_error;

// One layer, planned with the variants that are registered at that time.
struct Layer {
  sepconv_problem problem;
  support::Weights weights;
  std::optional<support::LayerRun> run;
  std::optional<sepconv::ThreadPool> pool;
  sepconv_parallel_for parallel_for = nullptr;
  void* context() { return pool ? &*pool : nullptr; }
};

// Runs `body`; an exception becomes `failed`, and compare_error says what it was.
template <typename Result, typename Body>
Result guarded(Result failed, const Body& body) {
  try {
    return body();
  } catch (const std::exception& error) {
    last_error = error.what();
    return failed;
  }
}

void copy(std::vector<float>* to, const float* from, int64_t count) {
  if (from != nullptr) to->assign(from, from + count);
}

support::Layer find_layer(const std::string& file, const std::string& name) {
  for (const support::Layer& layer : support::read_layers(file)) {
    if (layer.name == name) return layer;
  }
  throw std::runtime_error(file + " has no layer \"" + name + "\"");
}

sepconv_options make_options(int threads, const char* variant) {
  sepconv_options options;
  sepconv_options_init(&options, sizeof options);
  options.max_threads = threads;
  options.variant = variant;
  return options;
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) const char* compare_error() { return last_error.c_str(); }

// Registers the shipped variants (0) or the variants compiled for the layers (1); later variants rank first.
__attribute__((visibility("default"))) int compare_register(int own) {
  return sepconv_register(own != 0 ? compare_layers_variants() : sepconv_default_variants());
}

// The variant that dispatch takes for a layer of a file from those that are registered now. NULL: compare_error.
__attribute__((visibility("default"))) const char* compare_choice(const char* file, const char* name, int threads) {
  return guarded<const char*>(nullptr, [&] {
    thread_local std::string variant;
    const support::Layer layer = find_layer(file, name);
    const sepconv_options options = make_options(threads, nullptr);
    sepconv_plan* plan = nullptr;
    support::require(sepconv_plan_create(&layer.problem, &options, &plan));
    variant = sepconv_plan_variant(plan);
    sepconv_plan_destroy(plan);
    return variant.c_str();
  });
}

// Plans and packs a layer of a file, with the variant of that name or, where it is NULL, with what dispatch takes.
// Weights in Keras's layouts; a bias that the layer does not have is NULL. NULL: compare_error.
__attribute__((visibility("default"))) Layer* compare_open(const char* file, const char* name, int threads,
                                                           const char* variant, const float* depthwise,
                                                           const float* pointwise, const float* mid_bias,
                                                           const float* out_bias) {
  return guarded<Layer*>(nullptr, [&] {
    auto layer = std::make_unique<Layer>();
    layer->problem = find_layer(file, name).problem;
    const int64_t middle = support::mid_channels(layer->problem), outputs = layer->problem.out_channels;
    copy(&layer->weights.depthwise, depthwise, support::taps(layer->problem) * middle);
    copy(&layer->weights.pointwise, pointwise, middle * outputs);
    copy(&layer->weights.mid_bias, mid_bias, middle);
    copy(&layer->weights.out_bias, out_bias, outputs);
    if (threads > 1) {
      layer->pool.emplace(threads);
      layer->parallel_for = sepconv::ThreadPool::parallel_for;
    }
    const sepconv_options options = make_options(threads, variant);
    layer->run.emplace(layer->problem, &options, layer->weights);
    return layer.release();
  });
}

__attribute__((visibility("default"))) const char* compare_variant(const Layer* layer) { return layer->run->variant(); }
__attribute__((visibility("default"))) const float* compare_output(const Layer* layer) { return layer->run->output(); }

__attribute__((visibility("default"))) int compare_run(Layer* layer, const float* input) {
  return guarded(1, [&] {
    layer->run->run(input, layer->parallel_for, layer->context());
    return 0;
  });
}

// The largest error against the double-precision reference, relative to the layer's largest magnitude; negative:
// compare_error.
__attribute__((visibility("default"))) double compare_check(Layer* layer, const float* input) {
  return guarded(-1.0, [&] {
    return layer->run->run_and_check(input, layer->weights, layer->parallel_for, layer->context()).max_error;
  });
}

__attribute__((visibility("default"))) void compare_close(Layer* layer) { delete layer; }

// GFLOP/s of the best multiply-add loop on `threads` threads.
__attribute__((visibility("default"))) double compare_peak(int threads) {
  return guarded(-1.0, [&] { return support::measure_peak(threads).gflops; });
}

// GB/s of one core reading `bytes` of memory over and over.
__attribute__((visibility("default"))) double compare_bandwidth(int64_t bytes) {
  return guarded(-1.0, [&] { return support::measure_bandwidth(bytes); });
}

}  // extern "C"
