// Streams: however a signal is cut into pieces, its outputs are those of the whole signal, bit by bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "support/describe.h"
#include "support/halves.h"
#include "support/harness.h"
#include "support/random_problem.h"
#include "support/seeds.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

struct StreamDeleter {
  void operator()(sepconv_stream* stream) const { sepconv_stream_destroy(stream); }
};
using StreamPointer = std::unique_ptr<sepconv_stream, StreamDeleter>;

// A causal problem with dense tensors.
sepconv_problem causal_problem(Random& random, const sepconv_variant* variant) {
  Features features = all_features;
  features.pitches = false;
  sepconv_variant any{};
  any.spatial_rank = 1;
  any.layout = one_in(random, 2) ? SEPCONV_LAYOUT_CHANNELS_FIRST : SEPCONV_LAYOUT_CHANNELS_LAST;
  any.input_dtype = any.weight_dtype = any.output_dtype = random_dtype(random, features);
  if (one_in(random, 4)) any.stages = SEPCONV_STAGES_DEPTHWISE;
  any.activations = any.input_activation = 1;
  if (variant != nullptr) any = *variant;
  sepconv_problem problem = random_problem_for(random, any, features);
  problem.padding = SEPCONV_PADDING_CAUSAL;
  problem.batch = uniform(random, 1, 3);
  problem.in_extent[0] = uniform(random, 1, 200);
  if (one_in(random, 8) && any.stride[0] == 0) problem.stride[0] = uniform(random, 5, 30);  // frames nobody reads
  return problem;
}

// Frames [begin, begin + count) of a dense tensor with `frames` frames.
template <typename T>
std::vector<T> cut_frames(const std::vector<T>& tensor, const sepconv_problem& problem, int64_t channels,
                          int64_t frames, int64_t begin, int64_t count) {
  const bool last = problem.layout == SEPCONV_LAYOUT_CHANNELS_LAST;
  const int64_t lines = last ? problem.batch : problem.batch * channels, frame = last ? channels : 1;
  std::vector<T> piece;
  for (int64_t line = 0; line < lines; ++line) {
    const auto from = tensor.begin() + (line * frames + begin) * frame;
    piece.insert(piece.end(), from, from + count * frame);
  }
  return piece;
}

template <typename T>
struct Signal {
  sepconv_problem problem;
  Operands<T> operands;
  std::vector<T> whole;  // the output of the whole signal
};

// Pushes the signal in pieces whose sizes `next_size` says, and compares every piece's output with the whole one's.
template <typename T, typename NextSize>
void expect_same_outputs(const Signal<T>& signal, sepconv_stream* stream, NextSize next_size) {
  const sepconv_problem problem = completed(signal.problem);
  const int64_t frames = problem.in_extent[0], outputs = output_axis(problem, 0).extent;
  int64_t pushed = 0, got = 0;
  while (pushed < frames) {
    const int64_t size = std::min<int64_t>(next_size(), frames - pushed);
    const int64_t count = sepconv_stream_frames(stream, size);
    ASSERT_GE(count, 0);
    const std::vector<T> input = cut_frames(signal.operands.input, problem, problem.in_channels, frames, pushed, size);
    std::vector<T> residual;
    if (problem.has_residual) {
      residual = cut_frames(signal.operands.residual, problem, problem.out_channels, outputs, got, count);
    }
    std::vector<T> output(static_cast<size_t>(problem.batch * problem.out_channels * count));
    int64_t written = -1;
    ASSERT_EQ(sepconv_stream_push(stream, input.data(), size, problem.has_residual ? residual.data() : nullptr,
                                  output.data(), count, &written),
              SEPCONV_OK)
        << sepconv_last_error();
    ASSERT_EQ(written, count);
    ASSERT_TRUE(same_bits(cut_frames(signal.whole, problem, problem.out_channels, outputs, got, count), output))
        << size << " frames after " << pushed;
    pushed += size;
    got += written;
  }
  ASSERT_EQ(got, outputs);
}

template <typename T>
void check_stream(Random& random, const sepconv_problem& problem, const char* variant) {
  SCOPED_TRACE(describe(problem) + (variant != nullptr ? std::string(" by ") + variant : ""));
  Signal<T> signal{problem, random_operands_of<T>(random, problem, Fill::kReals), {}};
  RunOptions how;
  how.variant = variant;
  signal.whole = run(problem, signal.operands, how).output;
  sepconv_options options = default_options();
  options.variant = variant;
  const PlanPointer plan = make_plan(problem, &options);
  ASSERT_NE(plan, nullptr) << sepconv_last_error();
  const sepconv_weights weights = weights_of(signal.operands);
  GuardedBuffer packed(sepconv_plan_packed_size(plan.get()), 64, Flush::kEnd);
  ASSERT_EQ(sepconv_plan_pack(plan.get(), &weights, packed.data(), packed.size()), SEPCONV_OK);
  const size_t size = sepconv_stream_size(plan.get());
  ASSERT_GT(size, 0u) << sepconv_last_error();
  GuardedBuffer memory(size, 64, one_in(random, 2) ? Flush::kBegin : Flush::kEnd);
  sepconv_stream* made = nullptr;
  ASSERT_EQ(sepconv_stream_create(plan.get(), packed.data(), memory.data(), memory.size(), &made), SEPCONV_OK)
      << sepconv_last_error();
  const StreamPointer stream(made);
  expect_same_outputs(signal, made, [] { return 1; });
  sepconv_stream_reset(made);
  expect_same_outputs(signal, made, [] { return INT64_MAX; });
  sepconv_stream_reset(made);
  expect_same_outputs(signal, made, [&] { return uniform(random, 0, 9); });
  sepconv_stream_reset(made);
  expect_same_outputs(signal, made, [&] { return uniform(random, 0, 90); });
  EXPECT_TRUE(memory.untouched());
}

void check_stream(Random& random, const sepconv_variant* variant) {
  const sepconv_problem problem = causal_problem(random, variant);
  const char* const name = variant == nullptr ? nullptr : variant->name;
  if (problem.weight_dtype == SEPCONV_DTYPE_I8) return;
  if (is_half(problem.input_dtype)) {
    check_stream<uint16_t>(random, problem, name);
  } else if (problem.input_dtype == SEPCONV_DTYPE_F64) {
    check_stream<double>(random, problem, name);
  } else {
    check_stream<float>(random, problem, name);
  }
}

class Streams : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { tables_under_test(); }
};

TEST_F(Streams, EqualTheWholeSignalHoweverTheyAreCut) {
  for_each_seed(test_count(effort().random_problems / 10), [](Random& random) { check_stream(random, nullptr); });
}

TEST_F(Streams, EqualTheWholeSignalByEveryVariant) {
  int variants = 0;
  for (const sepconv_variant* variant : variants_under_test()) {
    if (!runnable(*variant) || variant->spatial_rank != 1 || variant->in_extent[0] != 0) continue;
    Random random(test_seed());
    for (int i = 0; i < 4 && !HasFailure(); ++i) check_stream(random, variant);
    ++variants;
  }
  EXPECT_GT(variants, 1);
}

// Long pieces, so that a push takes many blocks, and a kernel that reaches further back than a block.
TEST_F(Streams, EqualALongSignal) {
  for (const int64_t dilation : {1, 700}) {
    Random random(test_seed());
    sepconv_problem problem = default_problem();
    problem.spatial_rank = 1;
    problem.padding = SEPCONV_PADDING_CAUSAL;
    problem.in_channels = problem.out_channels = 6;
    problem.in_extent[0] = 20'000;
    problem.kernel_extent[0] = 5;
    problem.dilation[0] = dilation;
    Signal<float> signal{problem, random_operands(random, problem, Fill::kReals), {}};
    signal.whole = run(problem, signal.operands).output;
    const PlanPointer plan = make_plan(problem);
    ASSERT_NE(plan, nullptr) << sepconv_last_error();
    const sepconv_weights weights = weights_of(signal.operands);
    GuardedBuffer packed(sepconv_plan_packed_size(plan.get()), 64, Flush::kEnd);
    ASSERT_EQ(sepconv_plan_pack(plan.get(), &weights, packed.data(), packed.size()), SEPCONV_OK);
    sepconv_stream* made = nullptr;
    ASSERT_EQ(sepconv_stream_create(plan.get(), packed.data(), nullptr, 0, &made), SEPCONV_OK) << sepconv_last_error();
    const StreamPointer stream(made);
    expect_same_outputs(signal, made, [&] { return uniform(random, 1, 12'000); });
  }
}

}  // namespace
}  // namespace sepconv::test
