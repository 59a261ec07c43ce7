// The library's promise, through its public interface, for problems drawn from everything that it supports: a legal one
// gets the right answer, an illegal one the right status, and whatever is refused leaves the output untouched.
// SEPCONV_TEST_COUNT is the number of legal problems; a quarter as many are illegal.
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "activation.h"
#include "sepconv/problem.hpp"
#include "support/check_problem.h"
#include "support/describe.h"
#include "support/illegal_problem.h"
#include "support/seeds.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

constexpr int kLegal = 2000;

class Property : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    tables_under_test();
    test_seed();  // prints it
  }
};

TEST_F(Property, LegalProblemsGetTheRightAnswer) {
  const int count = test_count(kLegal);
  for_each_seed(count, [](Random& random) {
    Parallel parallel;
    parallel.order = Order::kShuffled;
    RunOptions how;
    how.max_threads = static_cast<int32_t>(uniform(random, 1, 4));
    if (one_in(random, 8)) how.parallel = &parallel;
    const Sizes sizes = one_in(random, 10) ? Sizes::kMixed : Sizes::kSmall;
    check_problem(random, random_problem(random, all_features, sizes), how);
  });
  std::printf("%d legal problems\n", count);
}

// Strips of which every tap reads the padding before the image.
TEST_F(Property, WholeStripsLieInThePaddingBeforeTheImage) {
  const struct {
    int32_t rank;
    int64_t extent, pad_before;
  } cases[] = {{1, 32, 20'000}, {2, 8, 50}, {3, 4, 40}};
  Random random(1);
  for (const auto& [rank, extent, pad_before] : cases) {
    for (const sepconv_layout layout : {SEPCONV_LAYOUT_CHANNELS_LAST, SEPCONV_LAYOUT_CHANNELS_FIRST}) {
      for (const int32_t threads : {1, 3, 6}) {
        sepconv_problem problem = default_problem();
        problem.spatial_rank = rank;
        problem.layout = layout;
        problem.padding = SEPCONV_PADDING_EXPLICIT;
        problem.in_channels = 15;
        problem.out_channels = 7;
        for (int axis = 0; axis < rank; ++axis) {
          problem.in_extent[axis] = extent;
          problem.kernel_extent[axis] = 3;
          problem.pad_before[axis] = pad_before;
        }
        RunOptions how;
        how.max_threads = threads;
        check_problem(random, problem, how);
      }
    }
  }
}

// Only the taps in the middle read the image.
TEST_F(Property, DilationsAlongARowReachBeyond32Bits) {
  Random random(1);
  for (const sepconv_layout layout : {SEPCONV_LAYOUT_CHANNELS_LAST, SEPCONV_LAYOUT_CHANNELS_FIRST}) {
    sepconv_problem problem = small_problem();
    problem.layout = layout;
    problem.padding = SEPCONV_PADDING_SAME;
    problem.dilation[1] = int64_t{1} << 32;
    check_problem(random, problem, {});
  }
}

TEST_F(Property, IllegalProblemsGetTheRightStatus) {
  const int count = (test_count(kLegal) + 3) / 4;
  std::set<std::string> seen;
  const auto check = [&](Random& random) {
    const IllegalProblem illegal = random_illegal_problem(random);
    sepconv_plan* plan = reinterpret_cast<sepconv_plan*>(&random);
    EXPECT_EQ(sepconv_plan_create(&illegal.problem, nullptr, &plan), illegal.expected)
        << illegal.broken << ": " << sepconv_last_error();
    EXPECT_EQ(plan, nullptr);
    EXPECT_STRNE(sepconv_last_error(), "");
    seen.insert(illegal.broken);
  };
  for_each_seed(count, check, 4);
  std::printf("%d illegal problems, broken in %zu ways\n", count, seen.size());
}

// Every activation at every position over all magnitudes, where the exponential of its formula over- or underflows,
// too.
// One channel, one tap, weights of 1: nothing but the activation is computed.
template <typename T>
void check_activation(sepconv_layout layout, sepconv_activation_kind kind, int position) {
  sepconv_problem problem = default_problem();
  problem.spatial_rank = 1;
  problem.layout = layout;
  if (sizeof(T) == sizeof(double)) {
    set_dtype(&problem, SEPCONV_DTYPE_F64);
  }
  problem.in_channels = problem.out_channels = problem.kernel_extent[0] = 1;
  sepconv_activation* const all[] = {&problem.input_activation, &problem.mid_activation, &problem.out_activation};
  all[position]->kind = kind;
  Operands<T> operands{{0}, {1}, {1}, {}, {}};
  for (double x = 1e-30; x < 1e38; x *= 1.07) {
    for (const double sign : {1.0, -1.0}) operands.input.push_back(static_cast<T>(sign * x));
  }
  problem.in_extent[0] = static_cast<int64_t>(operands.input.size());
  SCOPED_TRACE(describe(problem));
  const std::vector<T> output = run(problem, operands).output;
  ASSERT_EQ(output.size(), operands.input.size());
  for (size_t i = 0; i < output.size(); ++i) {
    const double x = static_cast<double>(operands.input[i]),
                 error = support::own_error(*all[position], x, problem.input_dtype);
    const double expected = support::activate(*all[position], x);
    ASSERT_NEAR(static_cast<double>(output[i]), expected, error + static_cast<double>(std::numeric_limits<T>::min()))
        << "x = " << x;
  }
}

TEST_F(Property, ActivationsHoldOverAllMagnitudes) {
  for (const sepconv_layout layout : {SEPCONV_LAYOUT_CHANNELS_LAST, SEPCONV_LAYOUT_CHANNELS_FIRST}) {
    for (int kind = SEPCONV_ACTIVATION_CLAMP + 1; kind < SEPCONV_ACTIVATION_COUNT; ++kind) {
      for (int position = 0; position < 3; ++position) {
        check_activation<float>(layout, static_cast<sepconv_activation_kind>(kind), position);
        check_activation<double>(layout, static_cast<sepconv_activation_kind>(kind), position);
      }
    }
  }
}

// A legal plan, and one argument of the run broken.
struct Spoilt {
  const char* title;
  sepconv_status expected;
  void (*spoil)(const Buffers& buffers, sepconv_arguments* arguments);
};

const Spoilt kSpoilt[] = {
    {"no input", SEPCONV_INVALID_ARGUMENT, [](const Buffers&, sepconv_arguments* a) { a->input = nullptr; }},
    {"no output", SEPCONV_INVALID_ARGUMENT, [](const Buffers&, sepconv_arguments* a) { a->output = nullptr; }},
    {"no weights", SEPCONV_INVALID_ARGUMENT, [](const Buffers&, sepconv_arguments* a) { a->packed = nullptr; }},
    {"an unexpected or a missing residual", SEPCONV_INVALID_ARGUMENT,
     [](const Buffers&, sepconv_arguments* a) { a->residual = a->residual == nullptr ? a->input : nullptr; }},
    {"a misaligned input", SEPCONV_INVALID_ARGUMENT,
     [](const Buffers&, sepconv_arguments* a) { a->input = static_cast<const char*>(a->input) + 1; }},
    {"the output over the input", SEPCONV_INVALID_ARGUMENT,
     [](const Buffers&, sepconv_arguments* a) { a->output = const_cast<void*>(a->input); }},
    {"a workspace too small", SEPCONV_INVALID_ARGUMENT,
     [](const Buffers&, sepconv_arguments* a) { a->workspace_size -= 1; }},
    {"a misaligned workspace", SEPCONV_INVALID_ARGUMENT,
     [](const Buffers&, sepconv_arguments* a) { a->workspace = static_cast<char*>(a->workspace) + 8; }},
    {"the workspace as weights", SEPCONV_BAD_PACKED,
     [](const Buffers& buffers, sepconv_arguments* a) { a->packed = buffers.workspace.data(); }},
    {"memory of a device", SEPCONV_UNSUPPORTED,
     [](const Buffers&, sepconv_arguments* a) { a->output_memory.kind = SEPCONV_MEMORY_CUDA; }},
};

TEST_F(Property, SpoiltRunsAreRefused) {
  const int count = (test_count(kLegal) + 3) / 4;
  Features features = all_features;
  features.float64 = features.halves = false;
  const auto check = [&](Random& random) {
    sepconv_problem problem = random_problem(random, features, Sizes::kSmall);
    if (problem.batch == 0) return;
    SCOPED_TRACE(describe(problem));
    const PlanPointer plan = make_plan(problem);
    ASSERT_NE(plan, nullptr) << sepconv_last_error();
    Buffers buffers(problem, *plan, random_operands(random, problem, Fill::kReals), Flush::kEnd);
    std::fill_n(buffers.workspace.as<unsigned char>(), buffers.workspace.size(), static_cast<unsigned char>(0));
    sepconv_arguments arguments = buffers.arguments();
    const Spoilt& spoilt = kSpoilt[uniform(random, 0, static_cast<int64_t>(std::size(kSpoilt)) - 1)];
    spoilt.spoil(buffers, &arguments);
    const sepconv_status status = sepconv_plan_run(plan.get(), &arguments);
    // The workspace may be the smaller: then it overlaps itself as weights before anybody looks at their header.
    const bool overlaps = spoilt.expected == SEPCONV_BAD_PACKED && status == SEPCONV_INVALID_ARGUMENT;
    EXPECT_TRUE(status == spoilt.expected || overlaps) << spoilt.title << ": " << sepconv_last_error();
    EXPECT_TRUE(buffers.output_untouched()) << spoilt.title;
    EXPECT_TRUE(buffers.nothing_else_written()) << spoilt.title;
  };
  for_each_seed(count, check, 4);
}

}  // namespace
}  // namespace sepconv::test
