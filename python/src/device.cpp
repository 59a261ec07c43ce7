#include "device.h"

#include <string>

#include "convert.h"

namespace sepconv::python {
namespace {

sepconv_problem problem_of(const Layer& layer, const Tensor& input, bool has_residual) {
  demand_type("inputs", input, layer.type());
  sepconv_problem problem = layer.problem();
  describe_input(input.shape, &problem);
  if (!describe_pitches(input, &problem)) {
    throw std::invalid_argument(
        "inputs must be contiguous, or a slice whose innermost axis is: on a GPU it is not copied");
  }
  problem.has_residual = has_residual ? 1 : 0;
  problem.input_dtype = problem.weight_dtype = problem.output_dtype = dtype_of(layer.type());
  return problem;
}

sepconv_options on_device() {
  sepconv_options options = default_options();
  options.device = SEPCONV_DEVICE_CUDA;
  return options;
}

// Weights are kept in the type that is computed in; what they were rounded from, they are again.
class InType {
 public:
  InType(const void* values, int64_t count, Type type) : data_(values) {
    if (values == nullptr || type == computed_in(type)) return;
    Shape shape;
    shape.append(count);
    copy_.resize(static_cast<std::size_t>(count) * bytes(type));
    scatter(values, Tensor::dense(copy_.data(), type, shape));
    data_ = copy_.data();
  }
  const void* data() const { return data_; }

 private:
  std::vector<unsigned char> copy_;
  const void* data_;
};

Block pack_in_type(const Layer& layer, const Plan& plan) {
  const sepconv_problem& problem = layer.problem();
  int64_t taps = 1;
  for (int axis = 0; axis < problem.spatial_rank; ++axis) taps *= problem.kernel_extent[axis];
  const int64_t mid = problem.in_channels * problem.depth_multiplier;
  const WeightData kept = layer.weights();
  const InType depthwise(kept.depthwise_kernel, taps * mid, layer.type()),
      pointwise(kept.pointwise_kernel, mid * problem.out_channels, layer.type()),
      mid_bias(kept.mid_bias, mid, layer.type()), out_bias(kept.out_bias, problem.out_channels, layer.type());
  return pack(plan, {depthwise.data(), pointwise.data(), mid_bias.data(), out_bias.data()});
}

void demand(bool holds, const char* argument, const std::string& rule) {
  if (!holds) throw std::invalid_argument(std::string(argument) + " must " + rule);
}

}  // namespace

DevicePlan::DevicePlan(const Layer& layer, const Tensor& input, bool has_residual)
    : type_(layer.type()),
      has_residual_(has_residual),
      input_shape_(input.shape),
      output_shape_(layer.output_shape(input.shape)),
      plan_(make_plan(problem_of(layer, input, has_residual), on_device())),
      packed_(pack_in_type(layer, plan_)) {}

void DevicePlan::warm_up(void* stream) const { check_status(sepconv_plan_warm_up(plan_.get(), stream)); }

void DevicePlan::run(void* stream, const DeviceTensor& input, const DeviceTensor& packed, const DeviceTensor* residual,
                     const DeviceTensor& output, const DeviceTensor* workspace) const {
  demand_type("inputs", input.tensor, type_);
  demand(input.tensor.shape == input_shape_, "inputs", "have the shape that was planned for, " + input_shape_.text());
  demand((residual != nullptr) == has_residual_, "residual", "be given where it was planned for, and nowhere else");
  for (const auto& [argument, given] : {std::pair("residual", residual), std::pair("out", &output)}) {
    if (given == nullptr) continue;
    demand_type(argument, given->tensor, type_);
    demand(given->tensor.shape == output_shape_ && given->tensor.dense(), argument,
           "be contiguous and have the shape of the output, " + output_shape_.text() + ", received shape " +
               given->tensor.shape.text());
  }
  for (const DeviceTensor* other : {&packed, residual, &output, workspace}) {
    demand(other == nullptr || other->device == input.device, "inputs", "be on the device that all tensors are on");
  }
  if (output_shape_.elements() == 0) return;
  sepconv_arguments arguments;
  sepconv_arguments_init(&arguments, sizeof arguments);
  arguments.stream = stream;
  arguments.packed = packed.tensor.data;
  arguments.input = input.tensor.data;
  arguments.residual = residual != nullptr ? residual->tensor.data : nullptr;
  arguments.output = output.tensor.data;
  arguments.workspace = workspace != nullptr ? workspace->tensor.data : nullptr;
  arguments.workspace_size = workspace != nullptr ? static_cast<std::size_t>(workspace->tensor.shape.elements()) : 0;
  arguments.packed_memory.kind = arguments.input_memory.kind = arguments.output_memory.kind = SEPCONV_MEMORY_CUDA;
  if (residual != nullptr) arguments.residual_memory.kind = SEPCONV_MEMORY_CUDA;
  if (workspace != nullptr) arguments.workspace_memory.kind = SEPCONV_MEMORY_CUDA;
  check_status(sepconv_plan_run(plan_.get(), &arguments));
  count_run();
}

}  // namespace sepconv::python
