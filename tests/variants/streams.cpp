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

// A causal problem with dense tensors, or one whose outputs read frames to come.
sepconv_problem streamed_problem(Random& random, const sepconv_variant* variant) {
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
  if (one_in(random, 8) && any.stride[0] == 0) problem.stride[0] = uniform(random, 5, 30);  // frames nobody reads
  const sepconv_problem whole = completed(problem);  // a stage without taps may leave them 0
  const int64_t reach = (whole.kernel_extent[0] - 1) * whole.dilation[0] + 1;
  problem.batch = uniform(random, 1, 3);
  problem.in_extent[0] = uniform(random, 1, 200);
  problem.pad_before[0] = problem.pad_after[0] = 0;
  problem.padding = SEPCONV_PADDING_CAUSAL;
  if (reach > 100 || one_in(random, 2)) return problem;
  problem.in_extent[0] += reach - 1;
  if (one_in(random, 3)) problem.padding = SEPCONV_PADDING_VALID;
  if (one_in(random, 3) && problem.stride[0] == 1) problem.padding = SEPCONV_PADDING_SAME;
  if (one_in(random, 3)) {
    problem.padding = SEPCONV_PADDING_EXPLICIT;
    problem.pad_before[0] = uniform(random, 0, reach - 1);
    problem.pad_after[0] = uniform(random, 0, reach - 1);
  }
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

// Whether these output frames, from `got` on, are those of the whole signal.
template <typename T>
void expect_frames(const Signal<T>& signal, int64_t got, int64_t count, const std::vector<T>& output) {
  const sepconv_problem problem = completed(signal.problem);
  const int64_t outputs = output_axis(problem, 0).extent;
  ASSERT_TRUE(same_bits(cut_frames(signal.whole, problem, problem.out_channels, outputs, got, count), output))
      << count << " output frames after " << got;
}

template <typename T>
std::vector<T> residual_of(const Signal<T>& signal, int64_t got, int64_t count) {
  const sepconv_problem problem = completed(signal.problem);
  if (!problem.has_residual) return {};
  return cut_frames(signal.operands.residual, problem, problem.out_channels, output_axis(problem, 0).extent, got,
                    count);
}

// Saves the state, lets something else happen to the stream, and restores it.
template <typename T>
void interrupt(const Signal<T>& signal, sepconv_stream* stream) {
  std::vector<char> state(sepconv_stream_state_size(stream, SEPCONV_ALL_SIGNALS));
  const int64_t ahead = sepconv_stream_frames(stream, 7), position = sepconv_stream_position(stream, 0);
  ASSERT_EQ(sepconv_stream_save(stream, SEPCONV_ALL_SIGNALS, state.data(), state.size()), SEPCONV_OK)
      << sepconv_last_error();
  const sepconv_problem problem = completed(signal.problem);
  if (position % 2 == 0) sepconv_stream_reset(stream);
  const int64_t size = std::min<int64_t>(problem.in_extent[0], 5), count = sepconv_stream_frames(stream, size);
  const std::vector<T> other = cut_frames(signal.operands.input, problem, problem.in_channels, problem.in_extent[0],
                                          problem.in_extent[0] - size, size);
  std::vector<T> output(static_cast<size_t>(problem.batch * problem.out_channels * count)), residual = output;
  int64_t written;
  ASSERT_EQ(sepconv_stream_push(stream, other.data(), size, problem.has_residual ? residual.data() : nullptr,
                                output.data(), count, &written),
            SEPCONV_OK)
      << sepconv_last_error();
  ASSERT_EQ(sepconv_stream_restore(stream, SEPCONV_ALL_SIGNALS, state.data(), state.size()), SEPCONV_OK)
      << sepconv_last_error();
  ASSERT_EQ(sepconv_stream_frames(stream, 7), ahead);
  ASSERT_EQ(sepconv_stream_position(stream, 0), position);
}

// Pushes the signal in pieces whose sizes `next_size` says, and compares every piece's output with the whole one's;
// then the stream is at frame 0 again.
template <typename T, typename NextSize>
void expect_same_outputs(const Signal<T>& signal, sepconv_stream* stream, NextSize next_size,
                         bool interrupted = false) {
  const sepconv_problem problem = completed(signal.problem);
  const int64_t frames = problem.in_extent[0], outputs = output_axis(problem, 0).extent;
  int64_t pushed = 0, got = 0;
  while (pushed < frames) {
    const int64_t size = std::min<int64_t>(next_size(), frames - pushed);
    const int64_t count = sepconv_stream_frames(stream, size);
    ASSERT_GE(count, 0);
    const std::vector<T> input = cut_frames(signal.operands.input, problem, problem.in_channels, frames, pushed, size);
    const std::vector<T> residual = residual_of(signal, got, count);
    std::vector<T> output(static_cast<size_t>(problem.batch * problem.out_channels * count));
    int64_t written = -1;
    ASSERT_EQ(sepconv_stream_push(stream, input.data(), size, problem.has_residual ? residual.data() : nullptr,
                                  output.data(), count, &written),
              SEPCONV_OK)
        << sepconv_last_error();
    ASSERT_EQ(written, count);
    ASSERT_NO_FATAL_FAILURE(expect_frames(signal, got, count, output)) << size << " frames after " << pushed;
    pushed += size;
    got += written;
    // Output o is there as soon as input frame o * stride + delay is.
    const int64_t complete = pushed - sepconv_stream_delay(stream);
    ASSERT_EQ(got, complete <= 0 ? 0 : (complete - 1) / problem.stride[0] + 1);
    if (interrupted) {
      ASSERT_NO_FATAL_FAILURE(interrupt(signal, stream));
    }
  }
  const int64_t last = sepconv_stream_last_frames(stream);
  ASSERT_EQ(got + last, outputs);
  std::vector<T> output(static_cast<size_t>(problem.batch * problem.out_channels * last));
  const std::vector<T> residual = residual_of(signal, got, last);
  int64_t written = -1;
  ASSERT_EQ(
      sepconv_stream_finish(stream, problem.has_residual ? residual.data() : nullptr, output.data(), last, &written),
      SEPCONV_OK)
      << sepconv_last_error();
  ASSERT_EQ(written, last);
  ASSERT_NO_FATAL_FAILURE(expect_frames(signal, got, last, output)) << "the last frames";
  ASSERT_EQ(sepconv_stream_position(stream, 0), 0);
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
  expect_same_outputs(signal, made, [] { return INT64_MAX; });
  expect_same_outputs(signal, made, [&] { return uniform(random, 0, 9); });
  expect_same_outputs(signal, made, [&] { return uniform(random, 0, 90); }, true);
  EXPECT_TRUE(memory.untouched());
}

void check_stream(Random& random, const sepconv_variant* variant) {
  const sepconv_problem problem = streamed_problem(random, variant);
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
