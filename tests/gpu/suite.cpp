// Every variant of a device (gpu/device.h) equals the reference, through the public interface, in memory of the
// caller's: at offsets, with a pattern around each tensor.
#include <cstring>
#include <numeric>

#include "gpu/fixture.h"
#include "sepconv/problem.hpp"
#include "support/golden.h"
#include "support/seeds.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

TEST_F(Gpu, EachVariantEqualsTheReference) {
  const int count = test_count(effort().random_problems);
  for (const sepconv_variant* variant : variants()) {
    for_each_seed(count, [&](Random& random) {
      const Sizes sizes = one_in(random, 3) ? Sizes::kMixed : Sizes::kSmall;
      check(random, random_problem_for(random, *variant, gpu_features, sizes), variant->name);
    });
  }
}

// Around a tile of n: one, one less, exact, one more.
std::vector<int64_t> around(int64_t n) { return {1, n - 1, n, n + 1}; }

TEST_F(Gpu, SizesAroundEveryTile) {
  for (const sepconv_variant* variant : variants()) {
    Random random(test_seed());
    const auto fixed_or = [](int64_t fixed, int64_t otherwise) { return fixed > 0 ? fixed : otherwise; };
    // Channel counts that are multiples of 4 take the kernels with loads of 16 bytes.
    const auto sized = [&](int64_t in_channels, int64_t out_channels, int64_t width, int64_t height = 2) {
      if (HasFailure()) return;
      sepconv_problem problem = default_problem();
      problem.spatial_rank = variant->spatial_rank;
      problem.layout = variant->layout;
      problem.input_dtype = problem.weight_dtype = problem.output_dtype = variant->input_dtype;
      problem.padding = SEPCONV_PADDING_SAME;
      problem.batch = 2;
      problem.in_channels = in_channels;
      problem.out_channels = out_channels;
      for (int axis = 0; axis < variant->spatial_rank; ++axis) {
        problem.in_extent[axis] = axis + 1 == variant->spatial_rank ? width : height;
        problem.kernel_extent[axis] = fixed_or(variant->kernel_extent[axis], 3);
        problem.stride[axis] = fixed_or(variant->stride[axis], 1);
      }
      problem.has_mid_bias = problem.has_out_bias = problem.has_residual = 1;
      if (variant->stages == SEPCONV_STAGES_DEPTHWISE) {
        problem.stages = variant->stages;
        problem.out_channels = 0;
        problem.has_out_bias = problem.has_residual = 0;
      }
      problem.mid_activation.kind = SEPCONV_ACTIVATION_RELU6;
      check(random, problem, variant->name);
    };
    for (const int64_t in_channels : around(variant->chunk_channels)) {
      for (const int64_t out_channels : around(variant->panel_channels)) sized(in_channels, out_channels, 5);
    }
    for (const int64_t width : around(variant->tile_pixels)) {
      sized(8, 12, width);
      sized(3, 5, width);
    }
    // Rows past the last that a window has; with one axis it lies along the width.
    for (const int64_t height : around(2 * variant->depthwise_rows)) {
      sized(8, 12, 5, height);
      sized(3, 5, 5, height);
    }
  }
}

TEST_F(Gpu, GoldenCasesAreExact) {
  int runs = 0;
  for (const GoldenCase& golden : golden_cases()) {
    const sepconv_problem problem = golden_problem(golden);
    SCOPED_TRACE(describe(problem));
    const Operands<float> operands = golden_operands<float>(problem);
    const PlanPointer planned = plan(problem, nullptr);
    ASSERT_NE(planned, nullptr) << sepconv_last_error();
    const std::vector<float> output = run_on(*device_, problem, operands, *planned, 16, nan);
    ASSERT_FALSE(output.empty());
    EXPECT_EQ(golden_hash(output), golden.hash) << sepconv_plan_variant(planned.get());
    ++runs;
  }
  EXPECT_GE(runs, 32);
}

TEST_F(Gpu, ThePointwiseStageAlone) {
  Random random(test_seed());
  sepconv_problem problem = default_problem();
  problem.stages = SEPCONV_STAGES_POINTWISE;
  problem.in_extent[0] = problem.in_extent[1] = 9;
  problem.stride[1] = 2;
  problem.in_channels = 20;
  problem.out_channels = 30;
  check(random, problem, nullptr);
}

// Many panels of output channels would each compute many taps again: split. Few of them: fused.
TEST_F(Gpu, TheFamilyIsTheOneThatTakesLessTime) {
  const auto chosen = [&](const sepconv_problem& problem) {
    const PlanPointer planned = plan(problem, nullptr);
    EXPECT_NE(planned, nullptr) << sepconv_last_error();
    return std::string(planned == nullptr ? "" : sepconv_plan_variant(planned.get()));
  };
  sepconv_problem problem = default_problem();
  problem.batch = 32;
  problem.in_extent[0] = problem.in_extent[1] = 112;
  problem.kernel_extent[0] = problem.kernel_extent[1] = 7;
  problem.in_channels = 256;
  problem.out_channels = 1024;
  EXPECT_EQ(chosen(problem), name("2d_f32_nhwc_any_split"));
  problem.out_channels = 16;
  problem.kernel_extent[0] = problem.kernel_extent[1] = 2;
  EXPECT_EQ(chosen(problem).find("split"), std::string::npos) << chosen(problem);
  // Few blocks: the threads of a block share the channels, too.
  problem.batch = 1;
  problem.in_extent[0] = problem.in_extent[1] = 7;
  problem.out_channels = 256;
  const bool large_blocks = Device::kind == SEPCONV_DEVICE_CUDA;
  EXPECT_EQ(chosen(problem), name(large_blocks ? "2d_f32_nhwc_any_split_deep" : "2d_f32_nhwc_any_split_small"));
}

TEST_F(Gpu, HostTensorsAreCopiedThereAndBack) {
  Random random(test_seed());
  sepconv_problem problem = small_problem();
  problem.has_residual = 1;
  const Operands<float> operands = random_operands(random, problem, Fill::kIntegers);
  const PlanPointer planned = plan(problem, name("2d_f32_nhwc_any_split").c_str());
  ASSERT_NE(planned, nullptr) << sepconv_last_error();
  Buffers buffers(problem, *planned, operands, Flush::kEnd);
  sepconv_arguments arguments = buffers.arguments();
  arguments.workspace = nullptr;
  arguments.workspace_size = 0;
  ASSERT_EQ(sepconv_plan_run_host(planned.get(), &arguments, device_->stream()), SEPCONV_OK) << sepconv_last_error();
  EXPECT_TRUE(buffers.nothing_else_written());
  EXPECT_TRUE(equals_reference(problem, operands, buffers.output_values(), true));
  // OpenCL has no default queue.
  if (Device::kind == SEPCONV_DEVICE_OPENCL) {
    EXPECT_EQ(sepconv_plan_run_host(planned.get(), &arguments, nullptr), SEPCONV_INVALID_ARGUMENT);
  }
}

// What GPU variants do not compute is refused, and host memory is not taken for the device's.
TEST_F(Gpu, WhatIsNotBuiltIsRefused) {
  sepconv_status status;
  sepconv_problem problem = small_problem();
  set_dtype(&problem, SEPCONV_DTYPE_F64);
  EXPECT_EQ(plan(problem, nullptr, &status), nullptr);
  EXPECT_EQ(status, SEPCONV_UNSUPPORTED);
  problem.input_dtype = problem.weight_dtype = problem.mid_dtype = problem.output_dtype = SEPCONV_DTYPE_F16;
  EXPECT_EQ(plan(problem, nullptr, &status), nullptr);
  EXPECT_EQ(status, SEPCONV_UNSUPPORTED);
  EXPECT_STREQ(sepconv_last_error(), "problem.mid_dtype is float16: with input_dtype float16 it must be float32");
  problem.mid_dtype = SEPCONV_DTYPE_F32;
  problem.weight_dtype = SEPCONV_DTYPE_BF16;
  EXPECT_EQ(plan(problem, nullptr, &status), nullptr);
  EXPECT_EQ(status, SEPCONV_UNSUPPORTED);

  const PlanPointer planned = plan(small_problem(), nullptr);
  ASSERT_NE(planned, nullptr) << sepconv_last_error();
  alignas(64) float host[64] = {};
  sepconv_arguments arguments = default_arguments();
  arguments.packed = arguments.input = host;
  arguments.output = host;
  arguments.stream = device_->stream();
  EXPECT_EQ(sepconv_plan_run(planned.get(), &arguments), SEPCONV_INVALID_ARGUMENT);
  sepconv_stream* stream = nullptr;
  EXPECT_NE(sepconv_stream_create(planned.get(), host, nullptr, 0, &stream), SEPCONV_OK);
}

// Where in a memory object a tensor may begin.
TEST_F(Gpu, OffsetsAreChecked) {
  const PlanPointer planned = plan(small_problem(), nullptr);
  ASSERT_NE(planned, nullptr) << sepconv_last_error();
  const DeviceMemory memory(*device_, nullptr, 1 << 16, 0);
  sepconv_arguments arguments = default_arguments();
  memory.name(&arguments.packed, &arguments.packed_memory);
  memory.name(&arguments.input, &arguments.input_memory);
  memory.name(&arguments.output, &arguments.output_memory);
  arguments.stream = device_->stream();
  if (Device::kind == SEPCONV_DEVICE_OPENCL) {  // CUDA's memory is named by its address
    arguments.input_memory.byte_offset = int64_t{1} << 34;
    EXPECT_EQ(sepconv_plan_run(planned.get(), &arguments), SEPCONV_UNSUPPORTED);
  }
  arguments.input_memory.byte_offset = 2;
  EXPECT_EQ(sepconv_plan_run(planned.get(), &arguments), SEPCONV_INVALID_ARGUMENT);
  arguments.input_memory.byte_offset = 1 << 15;
  EXPECT_EQ(sepconv_plan_run(planned.get(), &arguments), SEPCONV_INVALID_ARGUMENT);  // output overlaps packed
}

}  // namespace

Effort effort() { return part_of({12, 0, 0}); }

}  // namespace sepconv::test
