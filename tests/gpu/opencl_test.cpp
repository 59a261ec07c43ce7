// Every OpenCL row equals the reference, through the public interface, in memory of the caller's: at offsets, with a
// pattern around each tensor.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <numeric>

#include "gpu/opencl_device.h"
#include "sepconv_default_gpu.h"
#include "support/describe.h"
#include "support/golden.h"
#include "support/harness.h"
#include "support/random_problem.h"
#include "support/rows.h"

namespace sepconv::test {
namespace {

// What GPU rows compute so far.
constexpr Features gpu_features = [] {
  Features features = built_features;
  features.float64 = features.single_stages = false;
  return features;
}();

class OpenCl : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    sepconv_register(sepconv_default_gpu_variants());
    device_ = new OpenClDevice;
    test_seed();  // prints it
  }
  static void TearDownTestSuite() {
    EXPECT_EQ(sepconv_device_release(SEPCONV_DEVICE_OPENCL, device_->context()), SEPCONV_OK) << sepconv_last_error();
    delete device_;
  }
  void SetUp() override { ASSERT_TRUE(device_->there()) << "no OpenCL device: install pocl-opencl-icd"; }

  static std::vector<const sepconv_variant*> rows() {
    std::vector<const sepconv_variant*> rows;
    const sepconv_variant_table& table = *sepconv_default_gpu_variants();
    for (size_t i = 0; i < table.row_count; ++i) {
      if (table.rows[i].driver->device == SEPCONV_DEVICE_OPENCL) rows.push_back(&table.rows[i]);
    }
    return rows;
  }

  static PlanPointer plan(const sepconv_problem& problem, const char* variant, sepconv_status* status = nullptr) {
    sepconv_options options = default_options();
    options.device = SEPCONV_DEVICE_OPENCL;
    options.variant = variant;
    return make_plan(problem, &options, status);
  }

  // Plans, packs and runs with every tensor somewhere in a memory object; the output's elements.
  static std::vector<float> run(const sepconv_problem& problem, const Operands<float>& operands,
                                const sepconv_plan& plan, size_t offset) {
    const Tensor in = input_tensor(problem), out = output_tensor(problem);
    const float gap = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> input(static_cast<size_t>(span(in)), gap), residual, output(static_cast<size_t>(span(out)), gap);
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

    const auto bytes = [](const std::vector<float>& values) { return values.size() * sizeof(float); };
    const OpenClMemory device_packed(*device_, packed, sepconv_plan_packed_size(&plan), 64 * (offset % 3));
    const OpenClMemory device_input(*device_, input.data(), bytes(input), offset);
    const OpenClMemory device_residual(*device_, residual.data(), bytes(residual), offset);
    const OpenClMemory device_output(*device_, output.data(), bytes(output), offset);
    const OpenClMemory device_workspace(*device_, nullptr, sepconv_plan_workspace_size(&plan), 64 * (offset % 5));
    sepconv_arguments arguments = default_arguments();
    arguments.packed_memory = device_packed.place();
    arguments.input_memory = device_input.place();
    if (problem.has_residual) arguments.residual_memory = device_residual.place();
    arguments.output_memory = device_output.place();
    arguments.workspace_memory = device_workspace.place();
    arguments.workspace_size = sepconv_plan_workspace_size(&plan);
    arguments.stream = device_->queue();
    EXPECT_EQ(sepconv_plan_run(&plan, &arguments), SEPCONV_OK) << sepconv_last_error();

    device_output.read(output.data());
    for (const OpenClMemory* memory :
         {&device_packed, &device_input, &device_residual, &device_output, &device_workspace}) {
      EXPECT_TRUE(memory->pattern_untouched());
    }
    std::vector<bool> element(output.size());
    for_each_offset(out, [&](int64_t at) { element[static_cast<size_t>(at)] = true; });
    for (size_t i = 0; i < element.size(); ++i) EXPECT_TRUE(element[i] || std::isnan(output[i])) << "gap at " << i;
    return gather(out, output.data());
  }

  static void check(Random& random, const sepconv_problem& problem, const char* variant) {
    SCOPED_TRACE(describe(problem) + (variant != nullptr ? std::string(" by ") + variant : ""));
    const Fill fill = one_in(random, 2) ? Fill::kIntegers : Fill::kReals;
    const Operands<float> operands = random_operands(random, problem, fill);
    const PlanPointer planned = plan(problem, variant);
    ASSERT_NE(planned, nullptr) << sepconv_last_error();
    if (problem.batch == 0) return;
    const size_t offset = static_cast<size_t>(uniform(random, 0, 2)) * 16 + (one_in(random, 4) ? 4 : 0);
    const std::vector<float> output = run(problem, operands, *planned, offset);
    EXPECT_TRUE(equals_reference(problem, operands, output, fill == Fill::kIntegers && only_clamps(problem)))
        << sepconv_plan_variant(planned.get());
  }

  static OpenClDevice* device_;
};

OpenClDevice* OpenCl::device_ = nullptr;

TEST_F(OpenCl, EachRowEqualsTheReference) {
  const int count = test_count(effort().random_problems);
  for (const sepconv_variant* row : rows()) {
    for (int i = 0; i < count && !HasFailure(); ++i) {
      const uint64_t seed = test_seed() + static_cast<uint64_t>(i);
      SCOPED_TRACE("SEPCONV_TEST_SEED=" + std::to_string(seed) + " SEPCONV_TEST_COUNT=1");
      Random random(seed);
      const Sizes sizes = one_in(random, 3) ? Sizes::kMixed : Sizes::kSmall;
      check(random, random_problem_for(random, *row, gpu_features, sizes), row->name);
    }
  }
}

// Around a tile of n: one, one less, exact, one more.
std::vector<int64_t> around(int64_t n) { return {1, n - 1, n, n + 1}; }

TEST_F(OpenCl, SizesAroundEveryTile) {
  for (const sepconv_variant* row : rows()) {
    Random random(test_seed());
    const auto fixed_or = [](int64_t fixed, int64_t otherwise) { return fixed > 0 ? fixed : otherwise; };
    // Channel counts that are multiples of 4 take the kernels with loads of 16 bytes.
    const auto sized = [&](int64_t in_channels, int64_t out_channels, int64_t width) {
      if (HasFailure()) return;
      sepconv_problem problem = default_problem();
      problem.spatial_rank = row->spatial_rank;
      problem.layout = row->layout;
      problem.padding = SEPCONV_PADDING_SAME;
      problem.batch = 2;
      problem.in_channels = in_channels;
      problem.out_channels = out_channels;
      for (int axis = 0; axis < row->spatial_rank; ++axis) {
        problem.in_extent[axis] = axis + 1 == row->spatial_rank ? width : 2;
        problem.kernel_extent[axis] = fixed_or(row->kernel_extent[axis], 3);
        problem.stride[axis] = fixed_or(row->stride[axis], 1);
      }
      problem.has_mid_bias = problem.has_out_bias = problem.has_residual = 1;
      problem.mid_activation.kind = SEPCONV_ACTIVATION_RELU6;
      check(random, problem, row->name);
    };
    for (const int64_t in_channels : around(row->chunk_channels)) {
      for (const int64_t out_channels : around(row->panel_channels)) sized(in_channels, out_channels, 5);
    }
    for (const int64_t width : around(row->tile_pixels)) {
      sized(8, 12, width);
      sized(3, 5, width);
    }
  }
}

TEST_F(OpenCl, GoldenCasesAreExact) {
  int runs = 0;
  for (const GoldenCase& golden : golden_cases()) {
    const sepconv_problem problem = golden_problem(golden);
    SCOPED_TRACE(describe(problem));
    const Operands<float> operands = golden_operands<float>(problem);
    const PlanPointer planned = plan(problem, nullptr);
    ASSERT_NE(planned, nullptr) << sepconv_last_error();
    const std::vector<float> output = run(problem, operands, *planned, 16);
    ASSERT_FALSE(output.empty());
    EXPECT_EQ(golden_hash(output), golden.hash) << sepconv_plan_variant(planned.get());
    ++runs;
  }
  EXPECT_GE(runs, 32);
}

TEST_F(OpenCl, ThePointwiseStageAlone) {
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
TEST_F(OpenCl, TheFamilyIsTheOneWithLessWork) {
  sepconv_problem problem = default_problem();
  problem.in_extent[0] = problem.in_extent[1] = 112;
  problem.kernel_extent[0] = problem.kernel_extent[1] = 7;
  problem.in_channels = 256;
  problem.out_channels = 1024;
  PlanPointer planned = plan(problem, nullptr);
  ASSERT_NE(planned, nullptr) << sepconv_last_error();
  EXPECT_STREQ(sepconv_plan_variant(planned.get()), "2d_f32_nhwc_any_split_opencl");
  problem.out_channels = 16;
  planned = plan(problem, nullptr);
  ASSERT_NE(planned, nullptr) << sepconv_last_error();
  EXPECT_STREQ(sepconv_plan_variant(planned.get()), "2d_f32_nhwc_any_opencl");
}

TEST_F(OpenCl, HostTensorsAreCopiedThereAndBack) {
  Random random(test_seed());
  sepconv_problem problem = small_problem();
  problem.has_residual = 1;
  const Operands<float> operands = random_operands(random, problem, Fill::kIntegers);
  const PlanPointer planned = plan(problem, "2d_f32_nhwc_any_split_opencl");
  ASSERT_NE(planned, nullptr) << sepconv_last_error();
  Buffers buffers(problem, *planned, operands, Flush::kEnd);
  sepconv_arguments arguments = buffers.arguments();
  arguments.workspace = nullptr;
  arguments.workspace_size = 0;
  ASSERT_EQ(sepconv_plan_run_host(planned.get(), &arguments, device_->queue()), SEPCONV_OK) << sepconv_last_error();
  EXPECT_TRUE(buffers.nothing_else_written());
  EXPECT_TRUE(equals_reference(problem, operands, buffers.output_values(), true));
  EXPECT_EQ(sepconv_plan_run_host(planned.get(), &arguments, nullptr), SEPCONV_INVALID_ARGUMENT);
}

// What GPU rows do not compute is refused, and host memory is not taken for the device's.
TEST_F(OpenCl, WhatIsNotBuiltIsRefused) {
  sepconv_status status;
  sepconv_problem problem = small_problem();
  problem.input_dtype = problem.weight_dtype = problem.mid_dtype = problem.output_dtype = SEPCONV_DTYPE_F64;
  EXPECT_EQ(plan(problem, nullptr, &status), nullptr);
  EXPECT_EQ(status, SEPCONV_UNSUPPORTED);
  problem = small_problem();
  problem.stages = SEPCONV_STAGES_DEPTHWISE;
  problem.out_channels = 0;
  EXPECT_EQ(plan(problem, nullptr, &status), nullptr);
  EXPECT_EQ(status, SEPCONV_UNSUPPORTED);

  const PlanPointer planned = plan(small_problem(), nullptr);
  ASSERT_NE(planned, nullptr) << sepconv_last_error();
  alignas(64) float host[64] = {};
  sepconv_arguments arguments = default_arguments();
  arguments.packed = arguments.input = host;
  arguments.output = host;
  arguments.stream = device_->queue();
  EXPECT_EQ(sepconv_plan_run(planned.get(), &arguments), SEPCONV_INVALID_ARGUMENT);
  const OpenClMemory memory(*device_, nullptr, 1 << 16, 0);
  arguments = default_arguments();
  arguments.packed_memory = arguments.input_memory = arguments.output_memory = memory.place();
  arguments.input_memory.byte_offset = int64_t{1} << 34;
  arguments.stream = device_->queue();
  EXPECT_EQ(sepconv_plan_run(planned.get(), &arguments), SEPCONV_UNSUPPORTED);
  arguments.input_memory.byte_offset = 2;
  EXPECT_EQ(sepconv_plan_run(planned.get(), &arguments), SEPCONV_INVALID_ARGUMENT);
  arguments.input_memory.byte_offset = 1 << 15;
  EXPECT_EQ(sepconv_plan_run(planned.get(), &arguments), SEPCONV_INVALID_ARGUMENT);  // output overlaps packed
  sepconv_stream* stream = nullptr;
  EXPECT_NE(sepconv_stream_create(planned.get(), host, nullptr, 0, &stream), SEPCONV_OK);
}

}  // namespace

Effort effort() { return part_of({12, 0, 0}); }

}  // namespace sepconv::test
