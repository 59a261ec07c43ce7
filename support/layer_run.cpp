#include "layer_run.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>

#include "halves.h"
#include "problem_size.h"

namespace sepconv::support {
namespace {

size_t size_of(sepconv_dtype dtype) {
  if (is_half(dtype)) return sizeof(uint16_t);
  return dtype == SEPCONV_DTYPE_F64 ? sizeof(double) : sizeof(float);
}

// The values as elements of the type have them.
void round_to(sepconv_dtype dtype, std::vector<float>* values) {
  if (!is_half(dtype)) return;
  for (float& value : *values) value = from_half(to_half(value, dtype), dtype);
}

}  // namespace

void require(sepconv_status status) {
  if (status != SEPCONV_OK)
    throw std::runtime_error(std::string(sepconv_status_name(status)) + ": " + sepconv_last_error());
}

void require_memory(const sepconv_problem& problem) {
  const auto number = [](int64_t value) { return static_cast<double>(value); };
  const double input = number(problem.batch) * number(input_pixels(problem)) * number(problem.in_channels);
  const double output = number(problem.batch) * number(output_pixels(problem)) * number(output_channels(problem));
  const double middle = number(problem.in_channels) * number(problem.depth_multiplier);
  const double weights = middle * (number(taps(problem)) + number(problem.out_channels));
  const double gigabytes =
      2 * number(static_cast<int64_t>(size_of(problem.input_dtype))) * (input + output + weights) / 1e9;
  const double available = number(sysconf(_SC_PHYS_PAGES)) * number(sysconf(_SC_PAGE_SIZE)) / 1e9;
  if (gigabytes <= available) return;
  const auto rounded = [](double value) { return std::to_string(static_cast<int64_t>(std::ceil(value))) + " GB"; };
  throw std::runtime_error("a batch of " + std::to_string(problem.batch) + " of " + describe(problem) + " takes " +
                           rounded(gigabytes) + " of memory; this machine has " + rounded(available));
}

void FreeDeleter::operator()(void* memory) const { std::free(memory); }

Buffer allocate(size_t size) {
  constexpr size_t kAlignment = 64;
  Buffer buffer(std::aligned_alloc(kAlignment, (size + kAlignment) / kAlignment * kAlignment));
  if (!buffer) throw std::runtime_error("there is no memory for " + std::to_string(size) + " bytes");
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
  try {
    values->resize(count);
  } catch (const std::exception&) {  // bad_alloc or length_error
    throw std::runtime_error("there is no memory for " + std::to_string(count) + " numbers");
  }
  for (float& value : *values) value = uniform(limit);
}

Buffer elements_of(const std::vector<float>& values, sepconv_dtype dtype) {
  if (dtype != SEPCONV_DTYPE_F32 && dtype != SEPCONV_DTYPE_F64 && !is_half(dtype))
    throw std::runtime_error(std::string("layers cannot be run in ") + sepconv_dtype_name(dtype) + " yet");
  Buffer elements = allocate(values.size() * size_of(dtype));
  if (dtype == SEPCONV_DTYPE_F64) {
    std::copy(values.begin(), values.end(), static_cast<double*>(elements.get()));
  } else if (is_half(dtype)) {
    std::transform(values.begin(), values.end(), static_cast<uint16_t*>(elements.get()),
                   [=](float value) { return to_half(value, dtype); });
  } else {
    std::copy(values.begin(), values.end(), static_cast<float*>(elements.get()));
  }
  return elements;
}

Weights random_weights(const sepconv_problem& problem, Random* random, float bias) {
  Weights weights;
  const int64_t middle = mid_channels(problem);
  const auto he_limit = [](int64_t summed) { return std::sqrt(6.0F / static_cast<float>(summed)); };
  random->fill(&weights.depthwise, static_cast<size_t>(taps(problem) * middle), he_limit(taps(problem)));
  if (problem.stages != SEPCONV_STAGES_DEPTHWISE)
    random->fill(&weights.pointwise, static_cast<size_t>(middle * problem.out_channels), he_limit(middle));
  if (problem.has_mid_bias) random->fill(&weights.mid_bias, static_cast<size_t>(middle), bias);
  if (problem.has_out_bias) random->fill(&weights.out_bias, static_cast<size_t>(problem.out_channels), bias);
  for (auto* values : {&weights.depthwise, &weights.pointwise, &weights.mid_bias, &weights.out_bias})
    round_to(problem.weight_dtype, values);
  return weights;
}

LayerRun::LayerRun(const sepconv_problem& problem, const sepconv_options* options, const Weights& weights)
    : problem_(problem) {
  sepconv_plan* plan = nullptr;
  require(sepconv_plan_create(&problem, options, &plan));
  plan_.reset(plan);
  output_count_ = static_cast<size_t>(problem.batch * output_pixels(problem) * output_channels(problem));
  output_ = allocate(output_count_ * size_of(problem.output_dtype));
  workspace_size_ = sepconv_plan_workspace_size(plan);
  workspace_ = allocate(workspace_size_);

  sepconv_weights arrays;
  sepconv_weights_init(&arrays, sizeof arrays);
  std::vector<Buffer> given;
  const auto give = [&](const std::vector<float>& values) -> const void* {
    if (values.empty()) return nullptr;
    given.push_back(elements_of(values, problem.weight_dtype));
    return given.back().get();
  };
  arrays.depthwise_kernel = give(weights.depthwise);
  arrays.pointwise_kernel = give(weights.pointwise);
  arrays.mid_bias = give(weights.mid_bias);
  arrays.out_bias = give(weights.out_bias);
  packed_ = allocate(sepconv_plan_packed_size(plan));
  require(sepconv_plan_pack(plan, &arrays, packed_.get(), sepconv_plan_packed_size(plan)));
}

void LayerRun::run(const void* input, sepconv_parallel_for parallel_for, void* parallel_context) const {
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

Accuracy LayerRun::run_and_check(const void* input, const Weights& weights, sepconv_parallel_for parallel_for,
                                 void* parallel_context) const {
  std::memset(output_.get(), 0xff, output_count_ * size_of(problem_.output_dtype));  // a NaN of each type
  run(input, parallel_for, parallel_context);
  return check(problem_, input, weights, output_.get());
}

}  // namespace sepconv::support
