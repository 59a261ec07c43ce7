// Streams and what can go wrong in them. That their outputs are right is in variants/streams.cpp.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/allocations.h"
#include "support/harness.h"
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
    const sepconv_weights weights = weights_of(operands_);
    packed_ = std::make_unique<GuardedBuffer>(sepconv_plan_packed_size(plan_.get()), 64, Flush::kEnd);
    EXPECT_EQ(sepconv_plan_pack(plan_.get(), &weights, packed_->data(), packed_->size()), SEPCONV_OK);
    memory_ = std::make_unique<GuardedBuffer>(sepconv_stream_size(plan_.get()), 64, Flush::kEnd);
    EXPECT_EQ(sepconv_stream_create(plan_.get(), packed_->data(), memory_->data(), memory_->size(), &stream_),
              SEPCONV_OK)
        << sepconv_last_error();
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
  refused(push(stream_, input, INT64_MAX, nullptr, output_.data(), INT64_MAX), "too large");
  refused(sepconv_stream_push(stream_, input, 10, nullptr, output_.data(), 5, nullptr), "written");
  EXPECT_EQ(sepconv_stream_frames(stream_, -1), -1);
  EXPECT_EQ(sepconv_stream_frames(nullptr, 1), -1);
  EXPECT_EQ(push(stream_, nullptr, 0, nullptr, nullptr, 0), SEPCONV_OK);  // nothing is fine
  EXPECT_EQ(written_, 0);
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
  refused(create(plan_.get(), packed_->data(), memory.data(), memory.size() - 1), "memory_size");
  refused(sepconv_stream_create(plan_.get(), packed_->data(), memory.data(), memory.size(), nullptr), "stream");
  std::vector<char> nothing(128);
  const uintptr_t address = reinterpret_cast<uintptr_t>(nothing.data());
  EXPECT_EQ(create(plan_.get(), nothing.data() + (64 - address % 64) % 64, memory.data(), memory.size()),
            SEPCONV_BAD_PACKED);
  sepconv_problem same = problem_;
  same.padding = SEPCONV_PADDING_SAME;
  const PlanPointer not_causal = make_plan(same);
  EXPECT_EQ(sepconv_stream_size(not_causal.get()), 0u);
  refused(create(not_causal.get(), packed_->data(), memory.data(), memory.size()), "causal");
  EXPECT_EQ(sepconv_stream_size(nullptr), 0u);
  EXPECT_TRUE(memory.untouched());
  sepconv_stream_destroy(nullptr);
  sepconv_stream_reset(nullptr);
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
