#include "layer_run.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <new>
#include <stdexcept>

#include "layer_file.h"

namespace sepconv::programs {
namespace {

const float* data_or_null(const std::vector<float>& values) { return values.empty() ? nullptr : values.data(); }

}  // namespace

void require(sepconv_status status) {
  if (status != SEPCONV_OK)
    throw std::runtime_error(std::string(sepconv_status_name(status)) + ": " + sepconv_last_error());
}

void FreeDeleter::operator()(void* memory) const { std::free(memory); }

Buffer allocate(size_t size) {
  constexpr size_t kAlignment = 64;
  Buffer buffer(std::aligned_alloc(kAlignment, (size + kAlignment) / kAlignment * kAlignment));
  if (!buffer) throw std::bad_alloc();
  return buffer;
}

float Random::uniform(float limit) {
  // SplitMix64
  state_ += 0x9e3779b97f4a7c15U;
  uint64_t bits = state_;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebU;
  bits ^= bits >> 31;
  return limit * (static_cast<float>(bits >> 40) * 0x1p-23F - 1.0F);
}

void Random::fill(std::vector<float>* values, size_t count, float limit) {
  values->resize(count);
  for (float& value : *values) value = uniform(limit);
}

Weights random_weights(const sepconv_problem& problem, Random* random, float bias) {
  Weights weights;
  const int64_t middle = mid_channels(problem);
  const auto he_limit = [](int64_t summed) { return std::sqrt(6.0F / static_cast<float>(summed)); };
  random->fill(&weights.depthwise, static_cast<size_t>(taps(problem) * middle), he_limit(taps(problem)));
  random->fill(&weights.pointwise, static_cast<size_t>(middle * problem.out_channels), he_limit(middle));
  if (problem.has_mid_bias) random->fill(&weights.mid_bias, static_cast<size_t>(middle), bias);
  if (problem.has_out_bias) random->fill(&weights.out_bias, static_cast<size_t>(problem.out_channels), bias);
  return weights;
}

LayerRun::LayerRun(const sepconv_problem& problem, const sepconv_options* options, const Weights& weights)
    : problem_(problem) {
  sepconv_plan* plan = nullptr;
  require(sepconv_plan_create(&problem, options, &plan));
  plan_.reset(plan);
  output_count_ = static_cast<size_t>(problem.batch * output_pixels(problem) * problem.out_channels);
  output_ = allocate(output_count_ * sizeof(float));
  workspace_size_ = sepconv_plan_workspace_size(plan);
  workspace_ = allocate(workspace_size_);

  sepconv_weights arrays;
  sepconv_weights_init(&arrays, sizeof arrays);
  arrays.depthwise_kernel = weights.depthwise.data();
  arrays.pointwise_kernel = weights.pointwise.data();
  arrays.mid_bias = data_or_null(weights.mid_bias);
  arrays.out_bias = data_or_null(weights.out_bias);
  packed_ = allocate(sepconv_plan_packed_size(plan));
  require(sepconv_plan_pack(plan, &arrays, packed_.get(), sepconv_plan_packed_size(plan)));
}

void LayerRun::run(const float* input, sepconv_parallel_for parallel_for, void* parallel_context) const {
  sepconv_arguments arguments;
  sepconv_arguments_init(&arguments, sizeof arguments);
  arguments.packed = packed_.get();
  arguments.input = input;
  arguments.output = output_.get();
  arguments.workspace = workspace_.get();
  arguments.workspace_size = workspace_size_;
  arguments.parallel_for = parallel_for;
  arguments.parallel_context = parallel_context;
  require(sepconv_plan_run(plan_.get(), &arguments));
}

Accuracy LayerRun::run_and_check(const float* input, const Weights& weights, sepconv_parallel_for parallel_for,
                                 void* parallel_context) const {
  std::fill_n(output(), output_count_, std::numeric_limits<float>::quiet_NaN());
  run(input, parallel_for, parallel_context);
  return check(problem_, input, weights, output());
}

}  // namespace sepconv::programs
