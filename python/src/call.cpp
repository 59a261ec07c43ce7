#include "call.h"

#include "run.h"

namespace sepconv::python {
namespace {

sepconv_problem describe_call(const Options& options, const Weights& weights, const Shape& input, Type* type) {
  sepconv_problem problem = describe_layer(options, weights, type);
  describe_input(input, &problem);
  return problem;
}

sepconv_options plan_options(const Options& options) {
  sepconv_options planned = options_for(options.threads);
  if (!options.variant.empty()) planned.variant = options.variant.c_str();
  return planned;
}

Plan plan_call(const Options& options, const Weights& weights, const Shape& input) {
  Type type;
  return make_plan(describe_call(options, weights, input, &type), plan_options(options));
}

const void* dense_or_null(const Tensor* tensor, Scratch purpose) {
  return tensor == nullptr ? nullptr : dense(*tensor, purpose);
}

}  // namespace

Shape output_shape(const Options& options, const Weights& weights, const Shape& input) {
  Type type;
  return output_shape(describe_layer(options, weights, &type), input);
}

std::string explain(const Options& options, const Weights& weights, const Shape& input) {
  return plan_call(options, weights, input).explain();
}

std::string variant(const Options& options, const Weights& weights, const Shape& input) {
  return plan_call(options, weights, input).variant();
}

void run_once(const Options& options, const Weights& weights, const Tensor& input, const Tensor& output) {
  Type type;
  sepconv_problem problem = describe_call(options, weights, input.shape, &type);
  demand_type("inputs", input, type);
  demand_shape("out", output, output_shape(problem), type);
  if (output.shape.elements() == 0) return;
  const void* data = place_input(input, &problem);
  const sepconv_options planned = plan_options(options);
  const Plan plan = make_plan(problem, planned);
  WeightData given;
  given.depthwise_kernel = dense_or_null(weights.depthwise_kernel, Scratch::depthwise_kernel);
  given.pointwise_kernel = dense_or_null(weights.pointwise_kernel, Scratch::pointwise_kernel);
  void* packed = scratch(Scratch::packed, plan.packed_size());
  pack(plan, given, packed);
  run_plan(plan, packed, data, nullptr, output, planned.max_threads);
}

}  // namespace sepconv::python
