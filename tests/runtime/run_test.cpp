// Runs and what can go wrong in them: missing, small, misaligned and overlapping buffers, tasks that fail, batches of
// nothing. Whatever is refused leaves the output untouched.
#include <gtest/gtest.h>

#include <climits>
#include <cstring>
#include <functional>
#include <set>
#include <string>

#include "support/harness.h"
#include "support/loop_variant.h"
#include "support/random_problem.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

sepconv_problem small_problem() {
  sepconv_problem problem = default_problem();
  problem.padding = SEPCONV_PADDING_SAME;
  problem.batch = 2;
  problem.in_channels = 5;
  problem.depth_multiplier = 2;
  problem.out_channels = 7;
  problem.in_extent[0] = 13;
  problem.in_extent[1] = 9;
  problem.kernel_extent[0] = problem.kernel_extent[1] = 3;
  problem.has_mid_bias = problem.has_out_bias = 1;
  return problem;
}

class Run : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { tables_under_test(); }

  Run() : problem_(small_problem()), random_(test_seed()) {
    operands_ = random_operands(random_, problem_, Fill::kReals);
    sepconv_options options = default_options();
    options.max_threads = 3;
    plan_ = make_plan(problem_, &options);
    EXPECT_NE(plan_, nullptr) << sepconv_last_error();
    buffers_ = std::make_unique<Buffers>(problem_, *plan_, operands_, Flush::kEnd);
    arguments_ = buffers_->arguments();
  }

  // The run is refused with this status, a sentence with these words, and an untouched output.
  void expect_refused(sepconv_status status, const char* argument, const char* value = "") {
    EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), status) << argument << ": " << sepconv_last_error();
    const std::string sentence = sepconv_last_error();
    EXPECT_NE(sentence.find(argument), std::string::npos) << sentence;
    EXPECT_NE(sentence.find(value), std::string::npos) << sentence;
    EXPECT_TRUE(buffers_->output_untouched()) << argument;
    EXPECT_TRUE(buffers_->nothing_else_written()) << argument;
  }

  void expect_works() {
    EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), SEPCONV_OK) << sepconv_last_error();
    EXPECT_TRUE(equals_reference(problem_, operands_, buffers_->output_values()));
    EXPECT_TRUE(buffers_->nothing_else_written());
  }

  sepconv_problem problem_;
  Random random_;
  Operands<float> operands_;
  PlanPointer plan_;
  std::unique_ptr<Buffers> buffers_;
  sepconv_arguments arguments_;
};

TEST_F(Run, Works) { expect_works(); }

TEST_F(Run, GivesTheSameBitsAgain) {
  expect_works();
  const std::vector<float> first = buffers_->output_values();
  expect_works();
  EXPECT_TRUE(same_bits(first, buffers_->output_values()));
}

TEST_F(Run, NullPointersAreNamed) {
  EXPECT_EQ(sepconv_plan_run(nullptr, &arguments_), SEPCONV_INVALID_ARGUMENT);
  EXPECT_NE(std::string(sepconv_last_error()).find("plan"), std::string::npos);
  EXPECT_EQ(sepconv_plan_run(plan_.get(), nullptr), SEPCONV_INVALID_ARGUMENT);
  EXPECT_NE(std::string(sepconv_last_error()).find("arguments"), std::string::npos);
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
    EXPECT_NE(std::string(sepconv_last_error()).find("overlap"), std::string::npos) << sepconv_last_error();
    EXPECT_EQ(both, before);
  }
  arguments_.output = both.data() + input_count(problem_);  // side by side is fine
  EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), SEPCONV_OK) << sepconv_last_error();
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
  EXPECT_NE(std::string(sepconv_last_error()).find("residual"), std::string::npos) << sepconv_last_error();
  arguments_.residual = arguments_.output;  // strips overlap in what they write, so not even this is safe
  EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), SEPCONV_INVALID_ARGUMENT);
  EXPECT_NE(std::string(sepconv_last_error()).find("overlap"), std::string::npos) << sepconv_last_error();
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
  EXPECT_NE(std::string(sepconv_last_error()).find("overlap"), std::string::npos) << sepconv_last_error();
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
  const int unknown = 9;
  std::memcpy(&arguments_.input_memory.kind, &unknown, sizeof unknown);
  expect_refused(SEPCONV_INVALID_ARGUMENT, "input_memory.kind", "9");
}

TEST_F(Run, TaskThatFailsIsReported) {
  Parallel parallel;
  arguments_.parallel_for = parallel_for;
  arguments_.parallel_context = &parallel;
  expect_works();
  parallel.fail_at = parallel.tasks_seen - 1;
  EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), SEPCONV_TASK_FAILED);
  EXPECT_NE(std::string(sepconv_last_error()).find("parallel_for"), std::string::npos) << sepconv_last_error();
  EXPECT_TRUE(buffers_->nothing_else_written());
  parallel.fail_at = -1;
  expect_works();
}

// A pool that ignores some of the tasks, and says that all is well, cannot be noticed; one that says so must be.
TEST_F(Run, PoolThatGivesUpIsReported) {
  arguments_.parallel_for = [](void*, int, int (*)(void*, int, int), void*) { return 17; };
  EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), SEPCONV_TASK_FAILED);
  EXPECT_NE(std::string(sepconv_last_error()).find("17"), std::string::npos) << sepconv_last_error();
}

// Tasks with a worker number outside [0, max_threads) have no scratch: they must fail, not write elsewhere.
TEST_F(Run, WorkerOutsideTheRangeIsRefused) {
  for (const int worker : {-1, 3, INT_MAX}) {
    arguments_.parallel_context = const_cast<int*>(&worker);
    arguments_.parallel_for = [](void* context, int tasks, int (*task)(void*, int, int), void* data) {
      int failure = 0;
      for (int index = 0; index < tasks; ++index) failure |= task(data, index, *static_cast<int*>(context));
      return failure;
    };
    EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), SEPCONV_TASK_FAILED) << worker;
    EXPECT_NE(std::string(sepconv_last_error()).find(std::to_string(worker)), std::string::npos)
        << sepconv_last_error();
    EXPECT_TRUE(buffers_->nothing_else_written());
  }
}

TEST_F(Run, IndexOutsideTheRangeIsRefused) {
  arguments_.parallel_for = [](void*, int tasks, int (*task)(void*, int, int), void* data) {
    return task(data, tasks, 0) | task(data, INT_MAX, 0) | task(data, -1, 0);
  };
  EXPECT_EQ(sepconv_plan_run(plan_.get(), &arguments_), SEPCONV_TASK_FAILED);
  EXPECT_TRUE(buffers_->nothing_else_written());
}

// A stride with one output, and a dilation with one tap, have no effect: however large, they are legal and cost
// nothing.
TEST_F(Run, StepsThatStepNowhereMayBeHuge) {
  sepconv_problem problem = small_problem();
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

// What is read after a run is asked for in pieces, one a task, which do not overlap; the results are the same bits.
TEST_F(Run, AsksForWhatIsReadNext) {
  expect_works();
  const std::vector<float> first = buffers_->output_values();
  const std::vector<char> after(3000 * 64 + 5);
  arguments_.next = after.data();
  arguments_.next_size = after.size();
  std::vector<LoopHints> asked;
  loop_hints = &asked;
  expect_works();
  loop_hints = nullptr;
  EXPECT_TRUE(same_bits(first, buffers_->output_values()));
  ASSERT_GT(asked.size(), 1u);
  int64_t lines = 0;
  for (const LoopHints& call : asked) {
    EXPECT_EQ(call.ahead, reinterpret_cast<uintptr_t>(after.data()) + static_cast<uint64_t>(lines) * 64);
    lines += call.ahead_lines;
  }
  EXPECT_EQ(lines, 3000);
}

// An output of more than a megabyte is far from a core; where a strip is written into the workspace first, that is not.
TEST(RunHints, SayWhetherTheOutputIsFar) {
  tables_under_test();
  const auto told = [](int64_t batch, int64_t height, int64_t width) {
    sepconv_problem problem = small_problem();
    problem.batch = batch;
    problem.in_extent[0] = height;
    problem.in_extent[1] = width;
    Random random(test_seed());
    const Operands<float> operands = random_operands(random, problem, Fill::kReals);
    const PlanPointer plan = make_plan(problem, nullptr);
    Buffers buffers(problem, *plan, operands, Flush::kEnd);
    const sepconv_arguments arguments = buffers.arguments();
    std::vector<LoopHints> hints;
    loop_hints = &hints;
    EXPECT_EQ(sepconv_plan_run(plan.get(), &arguments), SEPCONV_OK) << sepconv_last_error();
    loop_hints = nullptr;
    EXPECT_FALSE(hints.empty());
    std::set<int64_t> values;
    for (const LoopHints& call : hints) values.insert(call.output_is_large);
    return values;
  };
  constexpr int64_t image = int64_t{13} * 9 * 7 * 4, megabyte = 1 << 20;
  EXPECT_EQ(told(megabyte / image, 13, 9), std::set<int64_t>{0});
  EXPECT_EQ(told(megabyte / image + 1, 13, 9), std::set<int64_t>{1});
  EXPECT_EQ(told(megabyte / (2 * 7 * 4) + 1, 1, 2), std::set<int64_t>{0}) << "two pixels are less than a tile";
}

TEST_F(Run, AsksForNoMoreThanAMegabyte) {
  char one_byte;  // an address is enough
  arguments_.next = &one_byte;
  arguments_.next_size = SIZE_MAX;
  std::vector<LoopHints> asked;
  loop_hints = &asked;
  expect_works();
  loop_hints = nullptr;
  int64_t lines = 0;
  for (const LoopHints& call : asked) lines += call.ahead_lines;
  EXPECT_EQ(lines, (1 << 20) / 64);
}

}  // namespace
}  // namespace sepconv::test
