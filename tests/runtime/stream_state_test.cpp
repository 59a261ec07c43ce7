// The state of a stream: saved, restored, and of one signal of a batch.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "sealed.h"
#include "support/harness.h"
#include "support/loop_variant.h"
#include "support/random_problem.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

constexpr int64_t kAll = SEPCONV_ALL_SIGNALS, kChannels = 3, kOutputs = 4;

sepconv_problem streamed(int64_t batch, int64_t stride, sepconv_layout layout = SEPCONV_LAYOUT_CHANNELS_LAST) {
  sepconv_problem problem = default_problem();
  problem.spatial_rank = 1;
  problem.layout = layout;
  problem.padding = SEPCONV_PADDING_CAUSAL;
  problem.batch = batch;
  problem.in_channels = kChannels;
  problem.out_channels = kOutputs;
  problem.in_extent[0] = 10;
  problem.kernel_extent[0] = 3;
  problem.dilation[0] = 3;
  problem.stride[0] = stride;
  // What a sigmoid makes of a stored zero is not the zero of the padding.
  problem.input_activation.kind = SEPCONV_ACTIVATION_SIGMOID;
  return problem;
}

// A stream with weights of its own, the same for every problem of this shape.
class Fed {
 public:
  explicit Fed(const sepconv_problem& problem) : problem_(problem), plan_(require_plan(problem)) {
    Random random(test_seed());
    operands_ = random_operands(random, problem, Fill::kReals);
    operands_.depthwise.assign(operands_.depthwise.size(), 0);
    for (size_t i = 0; i < operands_.depthwise.size(); ++i)
      operands_.depthwise[i] = 0.1f + 0.3f * static_cast<float>(i);
    for (size_t i = 0; i < operands_.pointwise.size(); ++i)
      operands_.pointwise[i] = 0.7f - 0.2f * static_cast<float>(i);
    stream_ = open_stream(*plan_, weights_of(operands_), &packed_, &memory_);
  }
  ~Fed() {
    EXPECT_TRUE(memory_->untouched());
    sepconv_stream_destroy(stream_);
  }

  sepconv_stream* get() const { return stream_; }

  // Input: of each signal its frames, (frames, channels). Returns each signal's outputs, (frames, channels).
  std::vector<std::vector<float>> push(const std::vector<std::vector<float>>& signals) {
    const int64_t batch = problem_.batch, frames = static_cast<int64_t>(signals[0].size()) / kChannels;
    const bool last = problem_.layout == SEPCONV_LAYOUT_CHANNELS_LAST;
    const auto at = [&](int64_t n, int64_t t, int64_t c, int64_t extent, int64_t channels) {
      return static_cast<size_t>(last ? (n * extent + t) * channels + c : (n * channels + c) * extent + t);
    };
    std::vector<float> input(static_cast<size_t>(batch * frames * kChannels));
    for (int64_t n = 0; n < batch; ++n) {
      for (int64_t i = 0; i < frames * kChannels; ++i) {
        input[at(n, i / kChannels, i % kChannels, frames, kChannels)] =
            signals[static_cast<size_t>(n)][static_cast<size_t>(i)];
      }
    }
    const int64_t count = sepconv_stream_frames(stream_, frames);
    std::vector<float> output(static_cast<size_t>(batch * count * kOutputs));
    int64_t written = -1;
    EXPECT_EQ(sepconv_stream_push(stream_, input.data(), frames, nullptr, output.data(), count, &written), SEPCONV_OK)
        << sepconv_last_error();
    EXPECT_EQ(written, count);
    std::vector<std::vector<float>> parts(static_cast<size_t>(batch));
    for (int64_t n = 0; n < batch; ++n) {
      for (int64_t i = 0; i < count * kOutputs; ++i) {
        parts[static_cast<size_t>(n)].push_back(output[at(n, i / kOutputs, i % kOutputs, count, kOutputs)]);
      }
    }
    return parts;
  }

  std::vector<char> save(int64_t signal = kAll) const {
    std::vector<char> state(sepconv_stream_state_size(stream_, signal));
    EXPECT_EQ(sepconv_stream_save(stream_, signal, state.data(), state.size()), SEPCONV_OK) << sepconv_last_error();
    return state;
  }
  sepconv_status restore(const std::vector<char>& state, int64_t signal = kAll) const {
    const sepconv_status status = sepconv_stream_check_state(stream_, signal, state.data(), state.size());
    EXPECT_EQ(sepconv_stream_restore(stream_, signal, state.data(), state.size()), status);
    return status;
  }

 private:
  sepconv_problem problem_;
  PlanPointer plan_;
  Operands<float> operands_;
  std::unique_ptr<GuardedBuffer> packed_, memory_;
  sepconv_stream* stream_ = nullptr;
};

std::vector<float> some_frames(Random& random, int64_t frames) {
  std::vector<float> values(static_cast<size_t>(frames * kChannels));
  for (float& value : values) value = static_cast<float>(uniform(random, -1000, 1000)) / 1000;
  return values;
}

class StreamState : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { tables_under_test(); }
  Random random_{test_seed()};
};

// Three signals in one stream, and each of them in a stream of its own: whatever happens to one of them, here and
// there, the outputs have the same bits.
TEST_F(StreamState, OneSignalOfABatchIsAsIfItWereAlone) {
  int refused = 0, done = 0;
  for (const int64_t stride : {1, 2, 3}) {
    for (const sepconv_layout layout : {SEPCONV_LAYOUT_CHANNELS_LAST, SEPCONV_LAYOUT_CHANNELS_FIRST}) {
      Fed batch(streamed(3, stride, layout));
      std::vector<std::unique_ptr<Fed>> alone;
      for (int i = 0; i < 3; ++i) alone.push_back(std::make_unique<Fed>(streamed(1, stride, layout)));
      Fed old(streamed(1, stride, layout));
      for (int step = 0; step < 300 && !HasFailure(); ++step) {
        const int64_t one = uniform(random_, 0, 2), other = uniform(random_, 0, 2);
        const int64_t position = sepconv_stream_position(batch.get(), one);
        ASSERT_EQ(position, sepconv_stream_position(alone[static_cast<size_t>(one)]->get(), 0));
        sepconv_status status = SEPCONV_OK;
        bool fits = true;
        switch (uniform(random_, 0, 5)) {
          case 0:
            fits = position % stride == 0;
            status = sepconv_stream_reset_signal(batch.get(), one);
            if (status == SEPCONV_OK) sepconv_stream_reset(alone[static_cast<size_t>(one)]->get());
            break;
          case 1:  // one takes the place of another
            status = batch.restore(batch.save(one), other);
            EXPECT_EQ(alone[static_cast<size_t>(other)]->restore(alone[static_cast<size_t>(one)]->save(0)), SEPCONV_OK);
            break;
          case 2: {  // one that has been elsewhere, for longer or shorter
            if (one_in(random_, 4)) sepconv_stream_reset(old.get());
            old.push({some_frames(random_, uniform(random_, 0, 40))});
            fits = (sepconv_stream_position(old.get(), 0) - position) % stride == 0;
            status = batch.restore(old.save(), one);
            const std::vector<char> moved = fits ? old.save(0) : alone[static_cast<size_t>(one)]->save();
            EXPECT_EQ(alone[static_cast<size_t>(one)]->restore(moved, 0), SEPCONV_OK);
            break;
          }
          default: {
            const int64_t frames = uniform(random_, 0, 9);
            std::vector<std::vector<float>> input;
            for (int i = 0; i < 3; ++i) input.push_back(some_frames(random_, frames));
            const std::vector<std::vector<float>> found = batch.push(input);
            for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(same_bits(alone[i]->push({input[i]})[0], found[i])) << i;
          }
        }
        EXPECT_EQ(status, fits ? SEPCONV_OK : SEPCONV_INVALID_ARGUMENT) << sepconv_last_error();
        EXPECT_TRUE(fits || last_error_has("out of step"));
        ++(fits ? done : refused);
      }
    }
  }
  EXPECT_GT(done, 1000);
  EXPECT_GT(refused, 50);
}

TEST_F(StreamState, EveryDamagedByteIsFound) {
  Fed stream(streamed(2, 1));
  stream.push({some_frames(random_, 5), some_frames(random_, 5)});
  const std::vector<char> good = stream.save();
  std::vector<char> state = good;
  for (size_t byte = 0; byte < state.size(); ++byte) {
    state[byte] = static_cast<char>(state[byte] ^ 0x20);
    ASSERT_EQ(stream.restore(state), SEPCONV_BAD_STATE) << byte;
    EXPECT_TRUE(last_error_has(byte < 64 ? "state" : "behind its header"));
    state[byte] = good[byte];
  }
  state[8] = static_cast<char>(state[8] + 1);
  EXPECT_EQ(stream.restore(state), SEPCONV_BAD_STATE);
  EXPECT_TRUE(last_error_has("state has format version 2, this library reads 1"));
  state.assign(good.begin(), good.end() - 1);
  EXPECT_EQ(stream.restore(state), SEPCONV_BAD_STATE);
  EXPECT_TRUE(last_error_has("state_size is "));
  EXPECT_EQ(stream.save(), good) << "a refused state changes nothing";
  EXPECT_EQ(stream.restore(good), SEPCONV_OK) << sepconv_last_error();
}

TEST_F(StreamState, OfAnotherLayerIsRefused) {
  const sepconv_problem problem = streamed(1, 2);
  const std::vector<char> state = Fed(problem).save();
  for (int change = 0; change < 7; ++change) {
    sepconv_problem other = problem;
    if (change == 0) other.layout = SEPCONV_LAYOUT_CHANNELS_FIRST;
    if (change == 1) other.stride[0] = 1;
    if (change == 2) other.kernel_extent[0] = 7, other.dilation[0] = 1;  // the same reach
    if (change == 3) other.out_activation.kind = SEPCONV_ACTIVATION_RELU;
    if (change == 4) other.mid_activation = {SEPCONV_ACTIVATION_CLAMP, -1, 2};
    if (change == 5) other.has_mid_bias = 1;
    if (change == 6) {  // the same delay, another end
      other.padding = SEPCONV_PADDING_EXPLICIT;
      other.pad_before[0] = 6;
      other.pad_after[0] = 1;
    }
    EXPECT_EQ(Fed(other).restore(state), SEPCONV_BAD_STATE) << change;
    EXPECT_TRUE(last_error_has("state is of another plan")) << change;
  }
  sepconv_problem longer = problem;  // of the same layer
  longer.in_extent[0] = 77;
  EXPECT_EQ(Fed(longer).restore(state), SEPCONV_OK) << sepconv_last_error();
  Fed two(streamed(2, 2));
  EXPECT_EQ(two.restore(state, 1), SEPCONV_OK) << sepconv_last_error();
  EXPECT_EQ(two.restore(state), SEPCONV_BAD_STATE);
  std::vector<char> padded = state;
  padded.resize(sepconv_stream_state_size(two.get(), kAll));
  EXPECT_EQ(two.restore(padded), SEPCONV_BAD_STATE);
  EXPECT_TRUE(last_error_has("another number of signals"));
}

// A state whose checksum somebody has made up: its numbers are refused, whatever they are, before they are used.
TEST_F(StreamState, NumbersThatMakeNoSenseAreRefused) {
  Fed stream(streamed(2, 2));
  stream.push({some_frames(random_, 4), some_frames(random_, 4)});
  const std::vector<char> good = stream.save();
  const size_t signal = (good.size() - 72) / 2;
  const auto forged = [&](int64_t most, int64_t first, int64_t second) {
    std::vector<char> state = good;
    std::memcpy(&state[64], &most, sizeof most);
    std::memcpy(&state[72], &first, sizeof first);
    std::memcpy(&state[72 + signal], &second, sizeof second);
    internal::SealedHeader header;
    std::memcpy(&header, state.data(), sizeof header);
    internal::seal(header, state.data());
    return stream.restore(state);
  };
  EXPECT_EQ(forged(4, 4, 4), SEPCONV_OK) << sepconv_last_error();
  EXPECT_EQ(forged(6, 2, 4), SEPCONV_OK) << sepconv_last_error();
  const int64_t wrong[][3] = {{-2, -2, -2},
                              {4, 4, 3},
                              {4, 6, 4},
                              {4, -2, 4},
                              {INT64_MAX, 1, 1},
                              {INT64_MAX - 1, INT64_MAX - 1, INT64_MAX - 1},
                              {INT64_MIN, INT64_MIN, 0}};
  for (const auto& numbers : wrong) {
    EXPECT_EQ(forged(numbers[0], numbers[1], numbers[2]), SEPCONV_BAD_STATE) << numbers[0];
    EXPECT_TRUE(last_error_has("numbers of frames"));
  }
  EXPECT_EQ(sepconv_stream_position(stream.get(), 0), 2);
}

// Where outputs read frames to come, or zeros behind the end, the signals of a batch stay together.
TEST_F(StreamState, ADelayKeepsSignalsTogether) {
  sepconv_problem problem = streamed(2, 1);
  problem.padding = SEPCONV_PADDING_SAME;
  Fed stream(problem);
  EXPECT_EQ(sepconv_stream_delay(stream.get()), 3);
  const std::vector<char> state = stream.save(1);
  EXPECT_EQ(stream.restore(state, 0), SEPCONV_UNSUPPORTED);
  EXPECT_TRUE(last_error_has("signal is 0"));
  EXPECT_EQ(sepconv_stream_reset_signal(stream.get(), 1), SEPCONV_UNSUPPORTED);
  EXPECT_TRUE(last_error_has("a delay of 3 frames"));
  EXPECT_EQ(sepconv_stream_reset_signal(stream.get(), kAll), SEPCONV_OK) << sepconv_last_error();
  problem.batch = 1;
  EXPECT_EQ(sepconv_stream_reset_signal(Fed(problem).get(), 0), SEPCONV_OK) << sepconv_last_error();
}

TEST_F(StreamState, BadArgumentsAreNamed) {
  Fed stream(streamed(2, 1));
  std::vector<char> state = stream.save();
  const auto refused = [](sepconv_status status, const char* word) {
    EXPECT_EQ(status, SEPCONV_INVALID_ARGUMENT) << word;
    EXPECT_TRUE(last_error_has(word));
  };
  for (const int64_t signal : {int64_t{2}, int64_t{-2}, INT64_MAX, INT64_MIN}) {
    refused(sepconv_stream_save(stream.get(), signal, state.data(), state.size()), "signal is ");
    refused(sepconv_stream_restore(stream.get(), signal, state.data(), state.size()), "signal is ");
    refused(sepconv_stream_reset_signal(stream.get(), signal), "signal is ");
    EXPECT_EQ(sepconv_stream_state_size(stream.get(), signal), 0u);
    EXPECT_EQ(sepconv_stream_position(stream.get(), signal), -1);
  }
  refused(sepconv_stream_save(nullptr, kAll, state.data(), state.size()), "stream");
  refused(sepconv_stream_restore(nullptr, kAll, state.data(), state.size()), "stream");
  refused(sepconv_stream_check_state(nullptr, kAll, state.data(), state.size()), "stream");
  refused(sepconv_stream_reset_signal(nullptr, 0), "stream");
  refused(sepconv_stream_save(stream.get(), kAll, nullptr, state.size()), "state is NULL");
  refused(sepconv_stream_restore(stream.get(), kAll, nullptr, state.size()), "state is NULL");
  refused(sepconv_stream_save(stream.get(), kAll, state.data(), state.size() - 1), "state_size is ");
  refused(sepconv_stream_save(stream.get(), kAll, stream.get(), state.size()), "own memory");
  refused(sepconv_stream_restore(stream.get(), kAll, stream.get(), state.size()), "own memory");
  EXPECT_EQ(sepconv_stream_state_size(nullptr, 0), 0u);
  EXPECT_EQ(sepconv_stream_position(nullptr, 0), -1);
  EXPECT_EQ(sepconv_stream_delay(nullptr), -1);
  EXPECT_EQ(sepconv_stream_last_frames(nullptr), -1);
  int64_t written = 7;
  float output;
  refused(sepconv_stream_finish(nullptr, nullptr, &output, 1, &written), "stream");
  refused(sepconv_stream_finish(stream.get(), nullptr, &output, 1, nullptr), "written");
}

// A variant that fails in the middle leaves a stream of which nobody knows what it holds.
TEST_F(StreamState, AStreamThatFailedIsOfNoUseUntilItIsReset) {
  Fed stream(streamed(1, 1));
  std::vector<char> state = stream.save();
  const std::vector<float> input = some_frames(random_, 20);
  const std::vector<float> expected = stream.push({input})[0];
  std::vector<float> output(expected.size());
  int64_t written = -1;
  const auto push = [&] {
    return sepconv_stream_push(stream.get(), input.data(), 20, nullptr, output.data(), 20, &written);
  };
  loop_fail_after = 0;
  EXPECT_EQ(push(), SEPCONV_TASK_FAILED);
  loop_fail_after = -1;
  EXPECT_EQ(push(), SEPCONV_INVALID_ARGUMENT);
  EXPECT_TRUE(last_error_has("stream has failed"));
  EXPECT_EQ(sepconv_stream_finish(stream.get(), nullptr, output.data(), 20, &written), SEPCONV_INVALID_ARGUMENT);
  EXPECT_EQ(sepconv_stream_save(stream.get(), kAll, state.data(), state.size()), SEPCONV_INVALID_ARGUMENT);
  EXPECT_EQ(stream.restore(state), SEPCONV_OK) << sepconv_last_error();
  EXPECT_EQ(push(), SEPCONV_OK) << sepconv_last_error();
  EXPECT_TRUE(same_bits(expected, output));
}

// A batch of no signals has a state, too: how many frames it has counted.
TEST_F(StreamState, OfNoSignals) {
  const auto pushed = [](sepconv_stream* stream, int64_t frames) {
    int64_t written = -1;
    EXPECT_EQ(sepconv_stream_push(stream, nullptr, frames, nullptr, nullptr, 100, &written), SEPCONV_OK);
    return written;
  };
  Fed stream(streamed(0, 2)), other(streamed(0, 2));
  EXPECT_EQ(pushed(stream.get(), 3), 2);
  EXPECT_EQ(other.restore(stream.save()), SEPCONV_OK) << sepconv_last_error();
  EXPECT_EQ(pushed(other.get(), 1), 0);
}

}  // namespace
}  // namespace sepconv::test
