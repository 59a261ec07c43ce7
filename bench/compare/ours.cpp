// sepconv as compare.py calls it: a shared library over the same parts that sepconv_bench is made of, so that ours and
// the peers run in one process, in turns.
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

// One layer, planned with the rows that are registered at that time.
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

}  // namespace

extern "C" {

__attribute__((visibility("default"))) const char* compare_error() { return last_error.c_str(); }

// Registers the shipped rows (0) or the rows compiled for the layers (1); later rows rank first.
__attribute__((visibility("default"))) int compare_register(int own) {
  return sepconv_register(own != 0 ? compare_layers_variants() : sepconv_default_variants());
}

// Plans and packs a layer of a file. Weights in Keras's layouts; a bias that the layer does not have is NULL. NULL:
// compare_error.
__attribute__((visibility("default"))) Layer* compare_open(const char* file, const char* name, int threads,
                                                           const float* depthwise, const float* pointwise,
                                                           const float* mid_bias, const float* out_bias) {
  return guarded<Layer*>(nullptr, [&]() -> Layer* {
    for (const support::Layer& found : support::read_layers(file)) {
      if (found.name != name) continue;
      auto layer = std::make_unique<Layer>();
      layer->problem = found.problem;
      const int64_t middle = support::mid_channels(found.problem), outputs = found.problem.out_channels;
      copy(&layer->weights.depthwise, depthwise, support::taps(found.problem) * middle);
      copy(&layer->weights.pointwise, pointwise, middle * outputs);
      copy(&layer->weights.mid_bias, mid_bias, middle);
      copy(&layer->weights.out_bias, out_bias, outputs);
      sepconv_options options;
      sepconv_options_init(&options, sizeof options);
      options.max_threads = threads;
      if (threads > 1) {
        layer->pool.emplace(threads);
        layer->parallel_for = sepconv::ThreadPool::parallel_for;
      }
      layer->run.emplace(layer->problem, &options, layer->weights);
      return layer.release();
    }
    throw std::runtime_error(std::string(file) + " has no layer \"" + name + "\"");
  });
}

__attribute__((visibility("default"))) const char* compare_variant(const Layer* layer) { return layer->run->variant(); }
__attribute__((visibility("default"))) const float* compare_output(const Layer* layer) { return layer->run->output(); }
__attribute__((visibility("default"))) double compare_flops(const Layer* layer) {
  return support::flops(layer->problem);
}

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
