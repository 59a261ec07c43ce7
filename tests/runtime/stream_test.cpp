// Streams and what can go wrong in them. That their outputs are right is in variants/streams.cpp.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/allocations.h"
#include "support/harness.h"
#include "support/loop_variant.h"
#include "support/random_problem.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

constexpr sepconv_status kInvalid = SEPCONV_INVALID_ARGUMENT;
constexpr float kUntouched = -7;

sepconv_problem causal() {
  sepconv_problem problem = default_problem();
  problem.spatial_rank = 1;
  problem.padding = SEPCONV_PADDING_CAUSAL;
  problem.batch = 2;
  problem.in_channels = 3;
  problem.out_channels = 4;
  problem.in_extent[0] = 10;
  problem.kernel_extent[0] = 3;
  problem.dilation[0] = 2;
  problem.stride[0] = 2;
  return problem;
}

class Stream : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { tables_under_test(); }

  Stream() : problem_(causal()), random_(test_seed()), plan_(require_plan(problem_)) {
    operands_ = random_operands(random_, problem_, Fill::kReals);
    stream_ = open_stream(*plan_, weights_of(operands_), &packed_, &memory_);
    output_.assign(2 * 4 * 5, kUntouched);
  }
  ~Stream() override { sepconv_stream_destroy(stream_); }

  void refused(sepconv_status status, const char* word) {
    EXPECT_EQ(status, kInvalid) << word;
    EXPECT_TRUE(last_error_has(word));
    EXPECT_EQ(output_, std::vector<float>(output_.size(), kUntouched));
    EXPECT_EQ(sepconv_stream_frames(stream_, 10), 5) << "a refused push took frames";
  }

  sepconv_problem problem_;
  Random random_;
  PlanPointer plan_;
  Operands<float> operands_;
  std::unique_ptr<GuardedBuffer> packed_, memory_;
  sepconv_stream* stream_ = nullptr;
  std::vector<float> output_;
  int64_t written_ = -1;
};

TEST_F(Stream, OutlivesItsPlanAndStartsAgain) {
  plan_.reset();
  const std::vector<float> expected = run(problem_, operands_).output;
  for (int round = 0; round < 2; ++round) {
    ASSERT_EQ(sepconv_stream_push(stream_, operands_.input.data(), 10, nullptr, output_.data(), 5, &written_),
              SEPCONV_OK)
        << sepconv_last_error();
    EXPECT_EQ(written_, 5);
    EXPECT_TRUE(same_bits(expected, output_));
    EXPECT_EQ(sepconv_stream_frames(stream_, 1), 1);
    ASSERT_EQ(sepconv_stream_push(stream_, operands_.input.data(), 1, nullptr, output_.data(), 5, &written_),
              SEPCONV_OK);
    EXPECT_EQ(sepconv_stream_frames(stream_, 1), 0);  // every second frame completes an output
    sepconv_stream_reset(stream_);
  }
}

// An output tensor with more frames than are written keeps the others.
TEST_F(Stream, WritesOnlyTheFramesItHas) {
  ASSERT_EQ(sepconv_stream_push(stream_, operands_.input.data(), 3, nullptr, output_.data(), 5, &written_), SEPCONV_OK)
      << sepconv_last_error();
  EXPECT_EQ(written_, 2);
  for (size_t i = 0; i < output_.size(); ++i) {
    EXPECT_EQ(output_[i] == kUntouched, i / 4 % 5 >= 2) << "element " << i;
  }
}

TEST_F(Stream, BadPushesAreNamedAndTakeNothing) {
  const float* input = operands_.input.data();
  const auto push = [&](sepconv_stream* stream, const void* in, int64_t frames, const void* residual, void* out,
                        int64_t room) {
    return sepconv_stream_push(stream, in, frames, residual, out, room, &written_);
  };
  refused(push(nullptr, input, 10, nullptr, output_.data(), 5), "stream");
  refused(push(stream_, nullptr, 10, nullptr, output_.data(), 5), "input");
  refused(push(stream_, input, 10, nullptr, nullptr, 5), "output");
  refused(push(stream_, input, -1, nullptr, output_.data(), 5), "frames");
  refused(push(stream_, input, 10, nullptr, output_.data(), 4), "output_frames");
  refused(push(stream_, input, 10, input, output_.data(), 5), "residual");
  refused(push(stream_, input, 10, nullptr, const_cast<float*>(input), 5), "overlap");
  refused(push(stream_, reinterpret_cast<const char*>(input) + 1, 10, nullptr, output_.data(), 5), "aligned");
  refused(push(stream_, input, INT64_MAX, nullptr, output_.data(), INT64_MAX), "frames is 9223372036854775807");
  refused(sepconv_stream_push(stream_, input, 10, nullptr, output_.data(), 5, nullptr), "written");
  // Its own memory holds its state, the packed weights are for later: a push touches neither.
  char* const own = memory_->as<char>();
  float* const weights = packed_->as<float>();
  refused(push(stream_, own, 10, nullptr, output_.data(), 5), "input overlaps the stream's own memory");
  refused(push(stream_, own + memory_->size() - 4, 10, nullptr, output_.data(), 5), "own memory");
  refused(push(stream_, input, 10, nullptr, own, 5), "output overlaps the stream's own memory");
  refused(push(stream_, input, 10, nullptr, weights, 5), "output overlaps the packed weights");
  refused(push(stream_, input, INT64_MAX / 64, nullptr, output_.data(), INT64_MAX), "output_frames");
  EXPECT_EQ(sepconv_stream_frames(stream_, INT64_MAX), -1);
  EXPECT_EQ(sepconv_stream_frames(stream_, -1), -1);
  EXPECT_EQ(sepconv_stream_frames(nullptr, 1), -1);
  EXPECT_EQ(push(stream_, nullptr, 0, nullptr, nullptr, 0), SEPCONV_OK);  // nothing is fine
  EXPECT_EQ(written_, 0);
}

// Of a batch of no signals frames cost nothing, so they can be more than an integer counts.
TEST_F(Stream, CountsFramesAsFarAsItCan) {
  sepconv_problem empty = problem_;
  empty.batch = 0;
  const PlanPointer plan = make_plan(empty);
  sepconv_stream* stream = nullptr;
  ASSERT_EQ(sepconv_stream_create(plan.get(), packed_->data(), nullptr, 0, &stream), SEPCONV_OK)
      << sepconv_last_error();
  const auto push = [&](int64_t frames) {
    return sepconv_stream_push(stream, nullptr, frames, nullptr, nullptr, INT64_MAX, &written_);
  };
  const int64_t most = INT64_MAX - problem_.stride[0];
  EXPECT_EQ(push(INT64_MAX), kInvalid);
  EXPECT_TRUE(last_error_has("frames is 9223372036854775807"));
  EXPECT_EQ(push(most - 1), SEPCONV_OK) << sepconv_last_error();
  EXPECT_EQ(written_, most / 2);
  EXPECT_EQ(push(2), kInvalid);
  EXPECT_EQ(written_, 0);
  EXPECT_EQ(sepconv_stream_frames(stream, 2), -1);
  EXPECT_EQ(push(1), SEPCONV_OK) << sepconv_last_error();
  EXPECT_EQ(push(1), kInvalid);
  EXPECT_TRUE(last_error_has("9223372036854775805 frames"));
  sepconv_stream_reset(stream);
  EXPECT_EQ(push(2), SEPCONV_OK) << sepconv_last_error();
  sepconv_stream_destroy(stream);
}

// The memory of a stream that begins or ends in the packed weights would destroy them.
TEST_F(Stream, MemoryApartFromThePackedWeights) {
  const size_t packed_size = packed_->size(), memory_size = memory_->size();
  GuardedBuffer both(2 * memory_size + packed_size, 64, Flush::kBegin);
  char* const packed = both.as<char>() + memory_size / 64 * 64;
  const sepconv_weights weights = weights_of(operands_);
  ASSERT_EQ(sepconv_plan_pack(plan_.get(), &weights, packed, packed_size), SEPCONV_OK) << sepconv_last_error();
  sepconv_stream* stream = nullptr;
  for (const ptrdiff_t offset : {ptrdiff_t{0}, ptrdiff_t{64}, static_cast<ptrdiff_t>(packed_size) - 64,
                                 64 - static_cast<ptrdiff_t>(memory_size / 64 * 64)}) {
    EXPECT_EQ(sepconv_stream_create(plan_.get(), packed, packed + offset, memory_size, &stream), kInvalid) << offset;
    EXPECT_TRUE(last_error_has("memory overlaps packed"));
    EXPECT_EQ(stream, nullptr);
  }
  EXPECT_EQ(sepconv_plan_check_packed(plan_.get(), packed, packed_size), SEPCONV_OK) << sepconv_last_error();
}

TEST_F(Stream, BadStreamsAreRefused) {
  sepconv_stream* stream = stream_;
  const auto create = [&](const sepconv_plan* plan, const void* packed, void* memory, size_t size) {
    const sepconv_status status = sepconv_stream_create(plan, packed, memory, size, &stream);
    EXPECT_TRUE(stream == nullptr || status == SEPCONV_OK);
    return status;
  };
  GuardedBuffer memory(memory_->size(), 64, Flush::kEnd);
  refused(create(nullptr, packed_->data(), memory.data(), memory.size()), "plan");
  refused(create(plan_.get(), nullptr, memory.data(), memory.size()), "packed");
  refused(create(plan_.get(), packed_->data(), memory.as<char>() + 8, memory.size()), "64");
  refused(create(plan_.get(), packed_->as<char>() + 4, memory.data(), memory.size()), "packed is");
  refused(create(plan_.get(), packed_->data(), memory.data(), memory.size() - 1), "memory_size");
  refused(sepconv_stream_create(plan_.get(), packed_->data(), memory.data(), memory.size(), nullptr), "stream");
  std::vector<char> nothing(128);
  const uintptr_t address = reinterpret_cast<uintptr_t>(nothing.data());
  EXPECT_EQ(create(plan_.get(), nothing.data() + (64 - address % 64) % 64, memory.data(), memory.size()),
            SEPCONV_BAD_PACKED);
  sepconv_problem other = problem_;
  other.padding = SEPCONV_PADDING_SAME;
  const PlanPointer same = make_plan(other);
  EXPECT_EQ(sepconv_stream_size(same.get()), 0u);
  EXPECT_EQ(create(same.get(), packed_->data(), memory.data(), memory.size()), SEPCONV_UNSUPPORTED);
  EXPECT_TRUE(last_error_has("SEPCONV_PADDING_SAME and stride 2"));
  for (const bool after : {false, true}) {  // outputs that read nothing but zeros
    other.padding = SEPCONV_PADDING_EXPLICIT;
    other.pad_before[0] = after ? 0 : 5;
    other.pad_after[0] = after ? 5 : 0;
    const PlanPointer wide = make_plan(other);
    EXPECT_EQ(create(wide.get(), packed_->data(), memory.data(), memory.size()), SEPCONV_UNSUPPORTED);
    EXPECT_TRUE(last_error_has(after ? "pad_after 5" : "pad_before 5"));
  }
  const PlanPointer picture = make_plan(small_problem());
  EXPECT_EQ(sepconv_stream_size(picture.get()), 0u);
  refused(create(picture.get(), packed_->data(), memory.data(), memory.size()), "2 spatial axes");
  EXPECT_EQ(sepconv_stream_size(nullptr), 0u);
  EXPECT_TRUE(memory.untouched());
  sepconv_stream_destroy(nullptr);
  sepconv_stream_reset(nullptr);
}

TEST_F(Stream, VariantThatFailsIsReported) {
  loop_fail_after = 1;  // the second signal of the batch
  EXPECT_EQ(sepconv_stream_push(stream_, operands_.input.data(), 10, nullptr, output_.data(), 5, &written_),
            SEPCONV_TASK_FAILED);
  EXPECT_TRUE(last_error_has("returned -107"));
  EXPECT_EQ(written_, 0);
  loop_fail_after = -1;
}

// What no stream can be made of: an image, a variant for one length, channels of which a window has too many.
TEST_F(Stream, PlansWithoutAStreamSayWhy) {
  const auto none = [&](const sepconv_problem& problem, const char* words) {
    const PlanPointer plan = require_plan(problem);
    EXPECT_EQ(sepconv_stream_size(plan.get()), 0u) << words;
    EXPECT_TRUE(last_error_has(words));
  };
  none(small_problem(), "2 spatial axes");
  sepconv_problem fixed = problem_;
  fixed.in_channels = 12;
  fixed.out_channels = 20;
  fixed.in_extent[0] = 30;
  fixed.kernel_extent[0] = 3;
  fixed.stride[0] = fixed.dilation[0] = fixed.depth_multiplier = 1;
  none(fixed, "is compiled for 30 frames");
  sepconv_problem wide = problem_;
  wide.kernel_extent[0] = 2;
  wide.dilation[0] = INT32_MAX;
  wide.in_extent[0] = 1;
  none(wide, "the kernel reaches over too many frames for 32-bit indices");
  wide.dilation[0] = 1 << 29;
  none(wide, "frames that a stream has to hold are too large for 32-bit indices");
  sepconv_problem many = problem_;
  many.batch = int64_t{1} << 50;
  none(many, "the state of a stream is too large");
}

TEST_F(Stream, PushesAllocateNothing) {
  const int alive = allocations_alive();
  sepconv_stream* stream = nullptr;
  watch_allocations();
  EXPECT_EQ(sepconv_stream_create(plan_.get(), packed_->data(), memory_->data(), memory_->size(), &stream), SEPCONV_OK);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(sepconv_stream_push(stream, operands_.input.data(), 10, nullptr, output_.data(), 5, &written_),
              SEPCONV_OK);
  }
  sepconv_stream_destroy(stream);
  EXPECT_EQ(allocations_seen(), 0);
  // Without memory of the caller's it allocates once, when it is made.
  watch_allocations(0);
  EXPECT_EQ(sepconv_stream_create(plan_.get(), packed_->data(), nullptr, 0, &stream), SEPCONV_OUT_OF_MEMORY);
  EXPECT_EQ(stream, nullptr);
  watch_allocations();
  EXPECT_EQ(sepconv_stream_create(plan_.get(), packed_->data(), nullptr, 0, &stream), SEPCONV_OK);
  EXPECT_EQ(sepconv_stream_push(stream, operands_.input.data(), 10, nullptr, output_.data(), 5, &written_), SEPCONV_OK);
  EXPECT_EQ(allocations_seen(), 1);
  sepconv_stream_destroy(stream);
  EXPECT_EQ(allocations_alive(), alive);
}

}  // namespace
}  // namespace sepconv::test
