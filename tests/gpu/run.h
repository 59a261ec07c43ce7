// One run of a plan for a GPU, with every tensor somewhere in memory of the device.
#ifndef SEPCONV_TESTS_GPU_RUN_H
#define SEPCONV_TESTS_GPU_RUN_H

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "gpu/device.h"
#include "support/harness.h"

namespace sepconv::test {

// Packs and runs; the output's elements, dense. T is what the problem's elements are: float, or uint16_t for the
// types of 16 bits. `gap`, a NaN, lies between the elements and in what is not written. Tensors begin `offset` bytes
// into their memory, with a pattern around them that must stay.
template <typename T>
std::vector<T> run_on(const Device& device, const sepconv_problem& problem, const Operands<T>& operands,
                      const sepconv_plan& plan, size_t offset, T gap) {
  const Tensor in = input_tensor(problem), out = output_tensor(problem);
  std::vector<T> input(static_cast<size_t>(span(in)), gap), residual, output(static_cast<size_t>(span(out)), gap);
  scatter(in, operands.input, input.data());
  if (problem.has_residual) {
    residual = output;
    scatter(out, operands.residual, residual.data());
  }
  std::vector<char> packed_room(sepconv_plan_packed_size(&plan) + 64);
  char* const packed = packed_room.data() + (64 - reinterpret_cast<uintptr_t>(packed_room.data()) % 64);
  const sepconv_weights weights = weights_of(operands);
  EXPECT_EQ(sepconv_plan_pack(&plan, &weights, packed, sepconv_plan_packed_size(&plan)), SEPCONV_OK)
      << sepconv_last_error();

  const auto bytes = [](const std::vector<T>& values) { return values.size() * sizeof(T); };
  const DeviceMemory device_packed(device, packed, sepconv_plan_packed_size(&plan), 64 * (offset % 3));
  const DeviceMemory device_input(device, input.data(), bytes(input), offset);
  const DeviceMemory device_residual(device, residual.data(), bytes(residual), offset);
  const DeviceMemory device_output(device, output.data(), bytes(output), offset);
  const DeviceMemory device_workspace(device, nullptr, sepconv_plan_workspace_size(&plan), 64 * (offset % 5));
  sepconv_arguments arguments = default_arguments();
  device_packed.name(&arguments.packed, &arguments.packed_memory);
  device_input.name(&arguments.input, &arguments.input_memory);
  if (problem.has_residual) device_residual.name(&arguments.residual, &arguments.residual_memory);
  device_output.name(&arguments.output, &arguments.output_memory);
  device_workspace.name(&arguments.workspace, &arguments.workspace_memory);
  arguments.workspace_size = sepconv_plan_workspace_size(&plan);
  arguments.stream = device.stream();
  EXPECT_EQ(sepconv_plan_run(&plan, &arguments), SEPCONV_OK) << sepconv_last_error();

  device_output.read(output.data());
  for (const DeviceMemory* memory :
       {&device_packed, &device_input, &device_residual, &device_output, &device_workspace}) {
    EXPECT_TRUE(memory->pattern_untouched());
  }
  std::vector<bool> element(output.size());
  for_each_offset(out, [&](int64_t at) { element[static_cast<size_t>(at)] = true; });
  for (size_t i = 0; i < element.size(); ++i)
    EXPECT_TRUE(element[i] || std::memcmp(&output[i], &gap, sizeof gap) == 0) << "gap at " << i;
  return gather(out, output.data());
}

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_GPU_RUN_H
