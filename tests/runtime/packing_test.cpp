// Packed weights: where they may lie, who may use them, and what is refused.
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "support/describe.h"
#include "support/harness.h"
#include "support/random_problem.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

sepconv_problem a_problem() {
  sepconv_problem problem = default_problem();
  problem.padding = SEPCONV_PADDING_SAME;
  problem.in_channels = 11;
  problem.depth_multiplier = 3;
  problem.out_channels = 21;
  problem.in_extent[0] = 8;
  problem.in_extent[1] = 12;
  problem.kernel_extent[0] = 3;
  problem.kernel_extent[1] = 2;
  problem.has_out_bias = 1;
  return problem;
}

class Packing : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { tables_under_test(); }

  Packing() : problem_(a_problem()), random_(test_seed()), plan_(require_plan(problem_)) {
    operands_ = random_operands(random_, problem_, Fill::kReals);
    weights_ = weights_of(operands_);
  }

  size_t size() const { return sepconv_plan_packed_size(plan_.get()); }

  // Runs with packed weights from anywhere.
  static sepconv_status run_with(const sepconv_problem& problem, const sepconv_plan& plan,
                                 const Operands<float>& operands, const void* packed, std::vector<float>* output) {
    output->assign(static_cast<size_t>(output_count(problem)), -1.0f);
    sepconv_arguments arguments = default_arguments();
    arguments.input = operands.input.data();
    arguments.output = output->data();
    arguments.packed = packed;
    return sepconv_plan_run(&plan, &arguments);
  }

  void expect_refused(const void* packed, const char* word) {
    std::vector<float> output;
    EXPECT_EQ(run_with(problem_, *plan_, operands_, packed, &output), SEPCONV_BAD_PACKED) << word;
    EXPECT_TRUE(last_error_has(word));
    EXPECT_EQ(output, std::vector<float>(output.size(), -1.0f));
  }

  sepconv_problem problem_;
  Random random_;
  PlanPointer plan_;
  Operands<float> operands_;
  sepconv_weights weights_;
};

TEST_F(Packing, IsTheSameWhereverItLies) {
  GuardedBuffer first(size(), 64, Flush::kEnd), second(size(), 64, Flush::kBegin);
  std::memset(first.data(), 0x55, size());
  std::memset(second.data(), 0xaa, size());
  ASSERT_EQ(sepconv_plan_pack(plan_.get(), &weights_, first.data(), size()), SEPCONV_OK) << sepconv_last_error();
  ASSERT_EQ(sepconv_plan_pack(plan_.get(), &weights_, second.data(), size()), SEPCONV_OK) << sepconv_last_error();
  EXPECT_EQ(std::memcmp(first.data(), second.data(), size()), 0);
  EXPECT_TRUE(first.untouched());
  EXPECT_TRUE(second.untouched());
  // A copy serves as well as the original: there is no pointer inside.
  std::memcpy(second.data(), first.data(), size());
  first.make_read_only();
  std::memset(operands_.depthwise.data(), 0,
              operands_.depthwise.size() * sizeof(float));  // and none to the caller's weights
  Random again(test_seed());
  operands_ = random_operands(again, problem_, Fill::kReals);
  std::vector<float> output;
  ASSERT_EQ(run_with(problem_, *plan_, operands_, second.data(), &output), SEPCONV_OK) << sepconv_last_error();
  EXPECT_TRUE(equals_reference(problem_, operands_, output));
}

TEST_F(Packing, BadArgumentsAreNamed) {
  GuardedBuffer packed(size() + 64, 64, Flush::kBegin);
  const auto refused = [&](sepconv_status status, sepconv_status expected, const char* word) {
    EXPECT_EQ(status, expected) << word;
    EXPECT_TRUE(last_error_has(word));
  };
  constexpr sepconv_status kInvalid = SEPCONV_INVALID_ARGUMENT;
  char* const bytes = packed.as<char>();
  refused(sepconv_plan_pack(nullptr, &weights_, bytes, size()), kInvalid, "plan");
  refused(sepconv_plan_pack(plan_.get(), nullptr, bytes, size()), kInvalid, "weights");
  refused(sepconv_plan_pack(plan_.get(), &weights_, nullptr, size()), kInvalid, "packed");
  refused(sepconv_plan_pack(plan_.get(), &weights_, bytes + 16, size()), kInvalid, "64");
  refused(sepconv_plan_pack(plan_.get(), &weights_, bytes, size() - 1), kInvalid, std::to_string(size() - 1).c_str());
  sepconv_weights weights = weights_;
  weights.depthwise_kernel = nullptr;
  refused(sepconv_plan_pack(plan_.get(), &weights, bytes, size()), kInvalid, "depthwise_kernel");
  weights = weights_;
  weights.pointwise_kernel = nullptr;
  refused(sepconv_plan_pack(plan_.get(), &weights, bytes, size()), kInvalid, "pointwise_kernel");
  weights = weights_;
  weights.out_bias = nullptr;  // the problem has one
  refused(sepconv_plan_pack(plan_.get(), &weights, bytes, size()), kInvalid, "out_bias");
  weights = weights_;
  weights.mid_bias = weights.out_bias;  // the problem has none
  refused(sepconv_plan_pack(plan_.get(), &weights, bytes, size()), kInvalid, "mid_bias");
  using Array = const void* sepconv_weights::*;
  const std::pair<Array, std::string> arrays[] = {{&sepconv_weights::depthwise_kernel, "weights.depthwise_kernel"},
                                                  {&sepconv_weights::pointwise_kernel, "weights.pointwise_kernel"},
                                                  {&sepconv_weights::out_bias, "weights.out_bias"}};
  for (const auto& [array, name] : arrays) {
    weights = weights_;
    weights.*array = static_cast<const char*>(weights_.*array) + 2;
    refused(sepconv_plan_pack(plan_.get(), &weights, bytes, size()), kInvalid, (name + " is").c_str());
    for (const size_t at : {size_t{0}, size() - 4}) {
      weights.*array = bytes + at;
      refused(sepconv_plan_pack(plan_.get(), &weights, bytes, size()), kInvalid, ("packed overlaps " + name).c_str());
    }
  }
  weights = weights_;
  weights.quantization = reinterpret_cast<const sepconv_quantization*>(bytes);
  refused(sepconv_plan_pack(plan_.get(), &weights, bytes, size()), kInvalid, "weights.quantization is given");
  weights = weights_;
  weights.struct_size = 0;
  refused(sepconv_plan_pack(plan_.get(), &weights, bytes, size()), kInvalid, "struct_size");
  for (size_t i = 0; i < packed.size(); ++i) ASSERT_EQ(static_cast<unsigned char>(bytes[i]), 0xa5) << "byte " << i;
}

// A run looks at the header; check_packed at every byte.
TEST_F(Packing, EveryDamagedByteIsFoundWhenAsked) {
  GuardedBuffer packed(size(), 64, Flush::kEnd);
  ASSERT_EQ(sepconv_plan_pack(plan_.get(), &weights_, packed.data(), size()), SEPCONV_OK);
  const auto check = [&] { return sepconv_plan_check_packed(plan_.get(), packed.data(), size()); };
  EXPECT_EQ(check(), SEPCONV_OK) << sepconv_last_error();
  unsigned char* const bytes = packed.as<unsigned char>();
  for (size_t byte = 0; byte < size(); ++byte) {
    bytes[byte] ^= 0x80;
    ASSERT_EQ(check(), SEPCONV_BAD_PACKED) << byte;
    EXPECT_TRUE(last_error_has(byte < 64 ? "packed" : "behind its header"));
    bytes[byte] ^= 0x80;
  }
  // Damage to several bytes does not cancel out: signs turned round, and words that have changed places.
  for (size_t word = 64; word + 16 <= size(); word += 8) {
    bytes[word + 7] ^= 0x80;
    bytes[word + 15] ^= 0x80;
    ASSERT_EQ(check(), SEPCONV_BAD_PACKED) << word;
    bytes[word + 7] ^= 0x80;
    bytes[word + 15] ^= 0x80;
    uint64_t words[2];
    std::memcpy(words, bytes + word, sizeof words);
    if (words[0] == words[1]) continue;
    const uint64_t swapped[2] = {words[1], words[0]};
    std::memcpy(bytes + word, swapped, sizeof swapped);
    ASSERT_EQ(check(), SEPCONV_BAD_PACKED) << word;
    std::memcpy(bytes + word, words, sizeof words);
  }
  EXPECT_EQ(check(), SEPCONV_OK) << sepconv_last_error();
  // Any plan with this packing can check them, one with another cannot.
  sepconv_problem other = problem_;
  other.batch = 5;
  EXPECT_EQ(sepconv_plan_check_packed(make_plan(other).get(), packed.data(), size()), SEPCONV_OK);
  other.in_channels += 1;
  const PlanPointer another = make_plan(other);
  EXPECT_EQ(sepconv_plan_check_packed(another.get(), packed.data(), sepconv_plan_packed_size(another.get())),
            SEPCONV_BAD_PACKED);
  EXPECT_TRUE(last_error_has("another problem"));
}

TEST_F(Packing, BadArgumentsOfTheCheckAreNamed) {
  GuardedBuffer packed(size(), 64, Flush::kEnd);
  ASSERT_EQ(sepconv_plan_pack(plan_.get(), &weights_, packed.data(), size()), SEPCONV_OK);
  EXPECT_EQ(sepconv_plan_check_packed(nullptr, packed.data(), size()), SEPCONV_INVALID_ARGUMENT);
  EXPECT_TRUE(last_error_has("plan"));
  EXPECT_EQ(sepconv_plan_check_packed(plan_.get(), nullptr, size()), SEPCONV_INVALID_ARGUMENT);
  EXPECT_TRUE(last_error_has("packed is NULL"));
  EXPECT_EQ(sepconv_plan_check_packed(plan_.get(), packed.as<char>() + 4, size()), SEPCONV_INVALID_ARGUMENT);
  EXPECT_TRUE(last_error_has("64-byte"));
  for (const size_t short_size : {size_t{0}, size_t{63}, size() - 1}) {  // as of a file that was cut off
    EXPECT_EQ(sepconv_plan_check_packed(plan_.get(), packed.data(), short_size), SEPCONV_BAD_PACKED);
    EXPECT_TRUE(last_error_has("packed_size"));
  }
}

// Which of the header's numbers is wrong, and nothing about those that are right.
TEST_F(Packing, SentenceNamesTheDamagedNumber) {
  GuardedBuffer packed(size(), 64, Flush::kEnd);
  ASSERT_EQ(sepconv_plan_pack(plan_.get(), &weights_, packed.data(), size()), SEPCONV_OK);
  const char* const names[] = {"mark", "version", "packing", "problem", "size", "checksum", "checksum", "last number"};
  for (size_t number = 0; number < 8; ++number) {
    packed.as<unsigned char>()[number * 8] ^= 1;
    expect_refused(packed.data(), names[number]);
    EXPECT_EQ(last_error_has("size").operator bool(), number == 4) << sepconv_last_error();
    packed.as<unsigned char>()[number * 8] ^= 1;
  }
}

TEST_F(Packing, DamagedHeaderIsRefused) {
  GuardedBuffer packed(size(), 64, Flush::kBegin);
  ASSERT_EQ(sepconv_plan_pack(plan_.get(), &weights_, packed.data(), size()), SEPCONV_OK);
  for (size_t byte = 0; byte < 64; ++byte) {
    packed.as<unsigned char>()[byte] ^= 0x10;
    expect_refused(packed.data(), "packed");
    packed.as<unsigned char>()[byte] ^= 0x10;
  }
  std::memset(packed.data(), 0, 64);
  expect_refused(packed.data(), "packed");
}

TEST_F(Packing, WeightsOfAnotherProblemAreRefused) {
  for (int change = 0; change < 5; ++change) {
    sepconv_problem other = problem_;
    if (change == 0) other.in_channels += 1;
    if (change == 1) other.depth_multiplier += 1;
    if (change == 2) other.out_channels -= 1;
    if (change == 3) std::swap(other.kernel_extent[0], other.kernel_extent[1]);
    if (change == 4) other.has_out_bias = 0;
    const PlanPointer plan = make_plan(other);
    ASSERT_NE(plan, nullptr) << sepconv_last_error();
    const Operands<float> operands = random_operands(random_, other, Fill::kReals);
    const sepconv_weights weights = weights_of(operands);
    // Large enough for both, so that only the header can tell them apart.
    GuardedBuffer packed(std::max(size(), sepconv_plan_packed_size(plan.get())), 64, Flush::kBegin);
    ASSERT_EQ(sepconv_plan_pack(plan.get(), &weights, packed.data(), packed.size()), SEPCONV_OK)
        << sepconv_last_error();
    expect_refused(packed.data(), "packed");
  }
}

TEST_F(Packing, ServesOtherBatchesAndImageSizes) {
  GuardedBuffer packed(size(), 64, Flush::kEnd);
  ASSERT_EQ(sepconv_plan_pack(plan_.get(), &weights_, packed.data(), size()), SEPCONV_OK);
  packed.make_read_only();
  sepconv_options options = default_options();
  options.packing_of = plan_.get();
  for (const int64_t extent : {1, 5, 30}) {
    sepconv_problem other = problem_;
    other.batch = 3;
    other.in_extent[0] = extent;
    other.in_extent[1] = extent + 2;
    other.stride[0] = 2;
    const PlanPointer plan = make_plan(other, &options);
    ASSERT_NE(plan, nullptr) << sepconv_last_error();
    ASSERT_EQ(sepconv_plan_packed_size(plan.get()), size());
    Operands<float> operands = random_operands(random_, other, Fill::kReals);
    operands.depthwise = operands_.depthwise;
    operands.pointwise = operands_.pointwise;
    operands.out_bias = operands_.out_bias;
    std::vector<float> output;
    ASSERT_EQ(run_with(other, *plan, operands, packed.data(), &output), SEPCONV_OK) << sepconv_last_error();
    EXPECT_TRUE(equals_reference(other, operands, output));
  }
}

// Weights packed once serve any batch and any image, with one thread or several: as a program does that meets images of
// all sizes.
TEST_F(Packing, ServesEverySizeWithAnyNumberOfThreads) {
  GuardedBuffer packed(size(), 64, Flush::kEnd);
  ASSERT_EQ(sepconv_plan_pack(plan_.get(), &weights_, packed.data(), size()), SEPCONV_OK);
  packed.make_read_only();
  for (uint64_t i = 0; i < 60 && !HasFailure(); ++i) {
    Random random(test_seed() + i);
    sepconv_problem other = problem_;
    other.batch = uniform(random, 1, 3);
    other.padding = one_in(random, 2) ? SEPCONV_PADDING_SAME : SEPCONV_PADDING_VALID;
    other.mid_activation.kind = one_in(random, 2) ? SEPCONV_ACTIVATION_RELU : SEPCONV_ACTIVATION_NONE;
    for (int axis = 0; axis < 2; ++axis) {
      other.stride[axis] = uniform(random, 1, 3);
      other.dilation[axis] = uniform(random, 1, 3);
      other.in_extent[axis] = uniform(random, 7, 40);  // 3 taps with dilation 3 reach over 7
    }
    SCOPED_TRACE("SEPCONV_TEST_SEED=" + std::to_string(test_seed() + i) + ": " + describe(other));
    sepconv_options options = default_options();
    options.packing_of = plan_.get();
    options.max_threads = static_cast<int32_t>(uniform(random, 1, 4));
    const PlanPointer plan = make_plan(other, &options);
    ASSERT_NE(plan, nullptr) << sepconv_last_error();
    Operands<float> operands = operands_;
    operands.input = random_operands(random, other, Fill::kReals).input;
    std::vector<float> output(static_cast<size_t>(output_count(other)), -1.0f);
    Parallel parallel;
    parallel.threads = options.max_threads;
    sepconv_arguments arguments = default_arguments();
    arguments.input = operands.input.data();
    arguments.output = output.data();
    arguments.packed = packed.data();
    if (options.max_threads > 1) {
      arguments.parallel_for = parallel_for;
      arguments.parallel_context = &parallel;
    }
    ASSERT_EQ(sepconv_plan_run(plan.get(), &arguments), SEPCONV_OK) << sepconv_last_error();
    EXPECT_TRUE(equals_reference(other, operands, output));
  }
}

// packing_of promises that the packed weights fit. Weights of another shape cannot.
TEST_F(Packing, PackingOfAnotherShapeIsRefused) {
  sepconv_options options = default_options();
  options.packing_of = plan_.get();
  sepconv_problem other = problem_;
  other.out_channels += 1;
  sepconv_status status;
  EXPECT_EQ(make_plan(other, &options, &status), nullptr);
  EXPECT_EQ(status, SEPCONV_UNSUPPORTED);
  EXPECT_TRUE(last_error_has("packing_of"));
}

// The plan that lent its packing may go first.
TEST_F(Packing, OutlivesThePlanItCameFrom) {
  sepconv_options options = default_options();
  options.packing_of = plan_.get();
  const PlanPointer plan = make_plan(problem_, &options);
  ASSERT_NE(plan, nullptr);
  GuardedBuffer packed(size(), 64, Flush::kEnd);
  ASSERT_EQ(sepconv_plan_pack(plan_.get(), &weights_, packed.data(), size()), SEPCONV_OK);
  plan_.reset();
  std::vector<float> output;
  ASSERT_EQ(run_with(problem_, *plan, operands_, packed.data(), &output), SEPCONV_OK) << sepconv_last_error();
  EXPECT_TRUE(equals_reference(problem_, operands_, output));
}

}  // namespace
}  // namespace sepconv::test
