// Runs and what can go wrong in them: missing, small, misaligned and overlapping buffers, batches of nothing. Whatever
// is refused leaves the output untouched.
#include <climits>
#include <cstring>
#include <string>

#include "runtime/run_fixture.h"

namespace sepconv::test {
namespace {

TEST_F(Run, Works) { expect_works(); }

TEST_F(Run, GivesTheSameBitsAgain) {
  expect_works();
  const std::vector<float> first = buffers_->output_values();
  expect_works();
  EXPECT_TRUE(same_bits(first, buffers_->output_values()));
}

TEST_F(Run, NullPointersAreNamed) {
  EXPECT_EQ(sepconv_plan_run(nullptr, &arguments_), SEPCONV_INVALID_ARGUMENT);
  EXPECT_TRUE(last_error_has("plan"));
  EXPECT_EQ(sepconv_plan_run(plan_.get(), nullptr), SEPCONV_INVALID_ARGUMENT);
  EXPECT_TRUE(last_error_has("arguments"));
  const sepconv_arguments good = arguments_;
  arguments_.input = nullptr;
  expect_refused(SEPCONV_INVALID_ARGUMENT, "input");
  arguments_ = good;
  arguments_.output = nullptr;
  expect_refused(SEPCONV_INVALID_ARGUMENT, "output");
  arguments_ = good;
  arguments_.packed = nullptr;
  expect_refused(SEPCONV_INVALID_ARGUMENT, "packed");
}

TEST_F(Run, StructSizeIsChecked) {
  arguments_.struct_size = sizeof arguments_ - 1;
  expect_refused(SEPCONV_INVALID_ARGUMENT, "arguments.struct_size", std::to_string(sizeof arguments_ - 1).c_str());
}

TEST_F(Run, MisalignedBuffersAreRefused) {
  const sepconv_arguments good = arguments_;
  arguments_.workspace = static_cast<char*>(good.workspace) + 4;
  arguments_.workspace_size = good.workspace_size - 4;
  expect_refused(SEPCONV_INVALID_ARGUMENT, "workspace", "64");
  arguments_ = good;
  arguments_.packed = static_cast<const char*>(good.packed) + 32;
  expect_refused(SEPCONV_INVALID_ARGUMENT, "packed", "64");
  arguments_ = good;
  arguments_.input = static_cast<const char*>(good.input) + 1;
  expect_refused(SEPCONV_INVALID_ARGUMENT, "input");
  arguments_ = good;
  arguments_.output = static_cast<char*>(good.output) + 2;
  expect_refused(SEPCONV_INVALID_ARGUMENT, "output");
}

TEST_F(Run, SmallWorkspaceIsRefused) {
  const size_t whole = arguments_.workspace_size;
  ASSERT_GT(whole, 0u);
  arguments_.workspace_size = whole - 1;
  expect_refused(SEPCONV_INVALID_ARGUMENT, "workspace_size", std::to_string(whole - 1).c_str());
  arguments_.workspace_size = 0;
  expect_refused(SEPCONV_INVALID_ARGUMENT, "workspace_size", "0");
  arguments_.workspace_size = whole;
  expect_works();
}

TEST_F(Run, AllocatesItsOwnWorkspaceWithoutOne) {
  arguments_.workspace = nullptr;
  arguments_.workspace_size = 0;
  expect_works();
}

// Whatever the workspace held before.
TEST_F(Run, ReadsNothingFromTheWorkspaceItDidNotWrite) {
  expect_works();
  const std::vector<float> expected = buffers_->output_values();
  for (const int byte : {0, 0x7f, 0xff}) {  // zeros, large numbers, NaNs
    std::memset(arguments_.workspace, byte, arguments_.workspace_size);
    expect_works();
    EXPECT_TRUE(same_bits(expected, buffers_->output_values())) << byte;
  }
}

TEST_F(Run, OverlappingOutputIsRefused) {
  std::vector<float> both(static_cast<size_t>(input_count(problem_) + output_count(problem_)), 1.0f);
  const std::vector<float> before = both;
  arguments_.input = both.data();
  for (const int64_t at : {int64_t{0}, int64_t{3}, input_count(problem_) - 1}) {
    arguments_.output = both.data() + at;
    EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), SEPCONV_INVALID_ARGUMENT) << at;
    EXPECT_TRUE(last_error_has("overlap"));
    EXPECT_EQ(both, before);
  }
  arguments_.output = both.data() + input_count(problem_);  // side by side is fine
  EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), SEPCONV_OK) << sepconv_last_error();
}

// Each buffer that a run writes lies apart from every other one, whether it begins or ends in it.
TEST_F(Run, BuffersLieApart) {
  const sepconv_arguments good = arguments_;
  const auto refused = [&](const char* one, const char* other) {
    EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), SEPCONV_INVALID_ARGUMENT) << one << ", " << other;
    EXPECT_TRUE(last_error_has("arguments." + std::string(one) + " ("));
    EXPECT_TRUE(last_error_has("overlaps arguments." + std::string(other) + " ("));
    arguments_ = good;
  };
  const size_t packed_size = sepconv_plan_packed_size(plan_.get());
  std::vector<char> both(4 * (good.workspace_size + packed_size + 64));
  char* const middle = both.data() + (64 - reinterpret_cast<uintptr_t>(both.data()) % 64) % 64 + both.size() / 128 * 64;
  std::memcpy(middle, good.packed, packed_size);
  for (const ptrdiff_t at : {ptrdiff_t{0}, static_cast<ptrdiff_t>(packed_size) - 4, ptrdiff_t{-4}}) {
    arguments_.packed = middle;
    arguments_.output = middle + at;
    refused("output", "packed");
  }
  for (const ptrdiff_t at : {ptrdiff_t{0}, static_cast<ptrdiff_t>(good.workspace_size) - 4, ptrdiff_t{-4}}) {
    arguments_.workspace = middle;
    arguments_.input = middle + at;
    refused("workspace", "input");
    arguments_.workspace = middle;
    arguments_.output = middle + at;
    refused("workspace", "output");
  }
  arguments_.packed = arguments_.workspace = middle;
  refused("workspace", "packed");
  EXPECT_TRUE(buffers_->output_untouched());
  expect_works();
}

TEST_F(Run, ResidualIsGivenExactlyWhereTheProblemHasOne) {
  arguments_.residual = arguments_.input;
  expect_refused(SEPCONV_INVALID_ARGUMENT, "residual");
  problem_.has_residual = 1;
  operands_ = random_operands(random_, problem_, Fill::kReals);
  plan_ = make_plan(problem_);
  ASSERT_NE(plan_, nullptr) << sepconv_last_error();
  buffers_ = std::make_unique<Buffers>(problem_, *plan_, operands_, Flush::kEnd);
  arguments_ = buffers_->arguments();
  expect_works();
  arguments_.residual = nullptr;
  EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), SEPCONV_INVALID_ARGUMENT);
  EXPECT_TRUE(last_error_has("residual"));
  arguments_.residual = static_cast<const char*>(arguments_.workspace) + arguments_.workspace_size - 4;
  EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), SEPCONV_INVALID_ARGUMENT);
  EXPECT_TRUE(last_error_has("overlaps arguments.residual"));
  arguments_.residual = arguments_.output;  // strips overlap in what they write, so not even this is safe
  EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), SEPCONV_INVALID_ARGUMENT);
  EXPECT_TRUE(last_error_has("overlap"));
}

// Two slices of one buffer: a layer that appends its channels to its input, as DenseNet does.
TEST_F(Run, SlicesOfOneBufferMayInterleave) {
  const int64_t inputs = problem_.in_channels, outputs = problem_.out_channels, pixel = inputs + outputs + 1;
  sepconv_problem sliced = problem_;
  sliced.input_pitch[2] = sliced.output_pitch[2] = pixel;
  const PlanPointer plan = make_plan(sliced);
  ASSERT_NE(plan, nullptr) << sepconv_last_error();
  std::vector<float> buffer(static_cast<size_t>(input_count(problem_) / inputs * pixel), -7.0f);
  scatter(input_tensor(sliced), operands_.input, buffer.data());
  sepconv_arguments arguments = default_arguments();
  arguments.packed = buffers_->packed.data();
  arguments.input = buffer.data();
  arguments.output = buffer.data() + inputs;
  ASSERT_EQ(sepconv_plan_run(plan.get(), &arguments), SEPCONV_OK) << sepconv_last_error();
  const std::vector<float> output = gather(output_tensor(sliced), buffer.data() + inputs);
  EXPECT_TRUE(equals_reference(problem_, operands_, output));
  EXPECT_EQ(gather(input_tensor(sliced), buffer.data()), operands_.input);
  for (size_t i = static_cast<size_t>(pixel) - 1; i < buffer.size(); i += static_cast<size_t>(pixel)) {
    ASSERT_EQ(buffer[i], -7.0f) << "between two pixels";
  }
  arguments.output = buffer.data() + inputs - 1;  // one channel too early
  EXPECT_EQ(sepconv_plan_run(plan.get(), &arguments), SEPCONV_INVALID_ARGUMENT);
  EXPECT_TRUE(last_error_has("overlap"));
}

TEST_F(Run, FieldsThatAreNotBuiltAreUnsupported) {
  const sepconv_arguments good = arguments_;
  arguments_.stream = &arguments_;
  expect_refused(SEPCONV_UNSUPPORTED, "stream");
  arguments_ = good;
  arguments_.input_memory.kind = SEPCONV_MEMORY_CUDA;
  expect_refused(SEPCONV_UNSUPPORTED, "input_memory");
  arguments_ = good;
  arguments_.output_memory.kind = SEPCONV_MEMORY_OPENCL;
  expect_refused(SEPCONV_UNSUPPORTED, "output_memory");
  arguments_ = good;
  arguments_.workspace_memory.kind = SEPCONV_MEMORY_OPENCL;
  expect_refused(SEPCONV_UNSUPPORTED, "workspace_memory");
}

TEST_F(Run, HostMemoryHasNoHandleAndNoOffset) {
  const sepconv_arguments good = arguments_;
  arguments_.output_memory.byte_offset = 64;
  expect_refused(SEPCONV_INVALID_ARGUMENT, "output_memory");
  arguments_ = good;
  arguments_.packed_memory.handle = &arguments_;
  expect_refused(SEPCONV_INVALID_ARGUMENT, "packed_memory");
  arguments_ = good;
  for (const int unknown : {9, -1}) {
    std::memcpy(&arguments_.input_memory.kind, &unknown, sizeof unknown);
    expect_refused(SEPCONV_INVALID_ARGUMENT, "input_memory.kind", std::to_string(unknown).c_str());
  }
}

// A stride with one output, and a dilation with one tap, have no effect: however large, they are legal and cost
// nothing.
TEST_F(Run, StepsThatStepNowhereMayBeHuge) {
  sepconv_problem problem = run_problem();
  for (int axis = 0; axis < 2; ++axis) {
    problem.stride[axis] = axis == 0 ? INT64_MAX : 1;
    problem.kernel_extent[axis] = axis == 0 ? 3 : 1;
    problem.dilation[axis] = axis == 0 ? 1 : INT64_MAX;
  }
  const Operands<float> operands = random_operands(random_, problem, Fill::kIntegers);
  const Outcome outcome = run(problem, operands);
  problem.stride[0] = problem.in_extent[0];  // the same problem, in numbers that the reference can take
  problem.dilation[1] = 1;
  EXPECT_TRUE(equals_reference(problem, operands, outcome.output, true));
}

TEST_F(Run, BatchOfNothingComputesNothing) {
  problem_.batch = 0;
  const PlanPointer plan = make_plan(problem_);
  ASSERT_NE(plan, nullptr) << sepconv_last_error();
  EXPECT_GT(sepconv_plan_packed_size(plan.get()), 64u);  // the weights are packed all the same
  arguments_.input = nullptr;                            // an empty tensor has no address
  arguments_.output = nullptr;
  EXPECT_EQ(sepconv_plan_run(plan.get(), &arguments_), SEPCONV_OK) << sepconv_last_error();
  arguments_.input = buffers_->input.data();
  arguments_.output = buffers_->output.data();
  EXPECT_EQ(sepconv_plan_run(plan.get(), &arguments_), SEPCONV_OK) << sepconv_last_error();
  EXPECT_TRUE(buffers_->output_untouched());
}

}  // namespace
}  // namespace sepconv::test
