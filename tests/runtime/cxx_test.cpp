// The C++ classes over the C functions.
#include "sepconv/sepconv.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "sepconv/stream.hpp"
#include "support/golden.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

class Cxx : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { tables_under_test(); }
};

template <typename Call>
void expect_throws(sepconv_status status, const char* word, Call call) {
  try {
    call();
    ADD_FAILURE() << "nothing was thrown, not even about " << word;
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), status);
    EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
  }
}

Problem line() { return Problem(1).input({5}).kernel({3}).channels(1, 1); }
const std::vector<float> kInput = {1, 2, 3, 4, 5}, kDepthwise = {100, 10, 1}, kPointwise = {1};

TEST_F(Cxx, OneCallGivesTheAnswersOfKeras) {
  for (const GoldenCase& golden : golden_cases()) {
    const sepconv_problem problem = golden_problem(golden);
    const Operands<float> operands = golden_operands<float>(problem);
    const std::vector<float> output =
        separable_conv(Problem(problem), operands.input, operands.depthwise, operands.pointwise);
    EXPECT_EQ(golden_hash(output), golden.hash);
  }
}

TEST_F(Cxx, BuildsAProblemFieldByField) {
  const Problem problem = Problem(2)
                              .input({9, 12})
                              .kernel({3, 2})
                              .stride({2, 1})
                              .dilation(3)
                              .channels(4, 5)
                              .multiplier(2)
                              .batch(7)
                              .same()
                              .mid_bias()
                              .out_bias()
                              .mid_activation(SEPCONV_ACTIVATION_RELU6)
                              .out_activation(SEPCONV_ACTIVATION_CLAMP, -1, 2);
  const sepconv_problem& plain = problem.get();
  EXPECT_EQ(plain.in_extent[0], 9);
  EXPECT_EQ(plain.in_extent[1], 12);
  EXPECT_EQ(plain.kernel_extent[1], 2);
  EXPECT_EQ(plain.stride[0], 2);
  EXPECT_EQ(plain.dilation[1], 3);
  EXPECT_EQ(plain.padding, SEPCONV_PADDING_SAME);
  EXPECT_EQ(plain.out_activation.hi, 2);
  EXPECT_EQ(problem.output_extent()[0], 5);
  EXPECT_EQ(problem.input_size(), 7u * 9 * 12 * 4);
  EXPECT_EQ(problem.output_size(), 7u * 5 * 12 * 5);
  EXPECT_EQ(problem.depthwise_size(), 3u * 2 * 4 * 2);
  EXPECT_EQ(problem.pointwise_size(), 4u * 2 * 5);
  EXPECT_EQ(problem.mid_channels(), 8u);
}

TEST_F(Cxx, ThrowsWithTheSentence) {
  expect_throws(SEPCONV_INVALID_ARGUMENT, "zero or negative", [] { Plan plan(line().input({2})); });
  expect_throws(SEPCONV_INVALID_ARGUMENT, "kernel", [] { line().kernel({3, 3}); });
  expect_throws(SEPCONV_UNSUPPORTED, "dtype", [] {
    Problem problem = line();
    problem.get().mid_dtype = SEPCONV_DTYPE_F16;
    Plan plan(problem);
  });
  expect_throws(SEPCONV_INVALID_ARGUMENT, "input", [] { separable_conv(line(), {1, 2}, kDepthwise, kPointwise); });
  expect_throws(SEPCONV_INVALID_ARGUMENT, "input channels must match the kernel",
                [] { separable_conv(line(), kInput, {1, 2}, kPointwise); });
  expect_throws(SEPCONV_INVALID_ARGUMENT, "pointwise", [] { separable_conv(line(), kInput, kDepthwise, {1, 2}); });
  expect_throws(SEPCONV_INVALID_ARGUMENT, "out_bias",
                [] { separable_conv(line(), kInput, kDepthwise, kPointwise, {}, {1, 2}); });
}

TEST_F(Cxx, PlansAndWeightsMove) {
  Plan plan(line().out_bias());
  const float bias = 1000;
  PackedWeights packed = plan.pack(kDepthwise.data(), kPointwise.data(), nullptr, &bias);
  const Plan moved = std::move(plan);
  const PackedWeights weights = std::move(packed);
  EXPECT_EQ(packed.size(), 0u);  // NOLINT(bugprone-use-after-move): what a move leaves behind is promised
  std::vector<float> output(3);
  Workspace workspace(moved.workspace_size());
  moved.run(weights, kInput.data(), output.data(), &workspace);
  EXPECT_EQ(output, (std::vector<float>{1123, 1234, 1345}));
  expect_throws(SEPCONV_BAD_PACKED, "bytes", [&] { moved.run(PackedWeights(64), kInput.data(), output.data()); });
  moved.check_packed(weights);
  PackedWeights damaged = moved.pack(kDepthwise.data(), kPointwise.data(), nullptr, &bias);
  static_cast<char*>(damaged.data())[damaged.size() - 1] ^= 1;
  expect_throws(SEPCONV_BAD_PACKED, "damaged", [&] { moved.check_packed(damaged); });
  EXPECT_NE(moved.explain().find(moved.variant()), std::string::npos);
}

TEST_F(Cxx, TakesDoubles) {
  const std::vector<double> input(kInput.begin(), kInput.end()), depthwise = {100, 10, 1}, pointwise = {1};
  EXPECT_EQ(separable_conv(line().float64(), input, depthwise, pointwise), (std::vector<double>{123, 234, 345}));
  expect_throws(SEPCONV_INVALID_ARGUMENT, "type", [&] { separable_conv(line(), input, depthwise, pointwise); });
}

TEST_F(Cxx, RunsOneStageAtATime) {
  const Problem depthwise = line().stages(SEPCONV_STAGES_DEPTHWISE),
                pointwise = line().stages(SEPCONV_STAGES_POINTWISE);
  const std::vector<float> mid = separable_conv(depthwise, kInput, kDepthwise, {});
  EXPECT_EQ(mid, (std::vector<float>{123, 234, 345}));
  const std::vector<float> none;
  EXPECT_EQ(separable_conv(Problem(pointwise).input({3}).kernel({1}), mid, none, {2}),
            (std::vector<float>{246, 468, 690}));
}

TEST_F(Cxx, PadsExplicitly) {
  EXPECT_EQ(separable_conv(line().padding({1}, {2}), kInput, kDepthwise, kPointwise),
            (std::vector<float>{12, 123, 234, 345, 450, 500}));
}

TEST_F(Cxx, StreamsPieceByPiece) {
  const Plan plan(line().causal());
  const PackedWeights packed = plan.pack(kDepthwise.data(), kPointwise.data());
  Stream stream(plan, packed);
  EXPECT_EQ(stream.push(kInput.data(), 2), (std::vector<float>{1, 12}));
  Stream moved = std::move(stream);
  EXPECT_EQ(moved.push(kInput.data() + 2, 3), (std::vector<float>{123, 234, 345}));
  moved.reset();
  EXPECT_EQ(moved.output_frames(1), 1);
  EXPECT_EQ(moved.push(kInput.data(), 1), (std::vector<float>{1}));
  for (const int64_t frames : {INT64_MAX, INT64_MAX - 2, INT64_MAX / 2}) {
    expect_throws(SEPCONV_INVALID_ARGUMENT, "frames", [&] { moved.push(kInput.data(), frames); });
  }
  expect_throws(SEPCONV_UNSUPPORTED, "SAME", [&] { Stream(Plan(line().same().stride({2})), packed); });
}

TEST_F(Cxx, StreamsSaveAndReadAhead) {
  const Plan plan(line().same());
  const PackedWeights packed = plan.pack(kDepthwise.data(), kPointwise.data());
  const std::vector<float> whole = separable_conv(line().same(), kInput, kDepthwise, kPointwise);
  Stream stream(plan, packed);
  EXPECT_EQ(stream.delay(), 1);
  EXPECT_EQ(stream.push(kInput.data(), 3), std::vector<float>(whole.begin(), whole.begin() + 2));
  EXPECT_EQ(stream.position(), 3);
  const std::vector<unsigned char> state = stream.save();
  EXPECT_EQ(stream.finish<float>().size(), 1u);
  EXPECT_EQ(stream.position(), 0);
  stream.restore(state);
  EXPECT_EQ(stream.push(kInput.data() + 3, 2), std::vector<float>(whole.begin() + 2, whole.begin() + 4));
  EXPECT_EQ(stream.finish<float>(), std::vector<float>(whole.begin() + 4, whole.end()));
  stream.reset(0);
  expect_throws(SEPCONV_BAD_STATE, "state_size", [&] { stream.restore({}); });
  expect_throws(SEPCONV_INVALID_ARGUMENT, "signal", [&] { stream.save(1); });
  expect_throws(SEPCONV_INVALID_ARGUMENT, "dtype", [&] { stream.finish<double>(); });
}

TEST_F(Cxx, EmptyBatchGivesAnEmptyOutput) {
  EXPECT_TRUE(separable_conv(line().batch(0), {}, kDepthwise, kPointwise).empty());
}

}  // namespace
}  // namespace sepconv::test
