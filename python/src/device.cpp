#include "device.h"

#include <string>

#include "run.h"

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
  return problem;
}

sepconv_options on_device() {
  sepconv_options options = default_options();
  options.device = SEPCONV_DEVICE_CUDA;
  return options;
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
      plan_(make_plan(problem_of(layer, input, has_residual), on_device())) {}

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
