// Every variant equals the reference, through the public API and in guarded memory. The variants come from
// support/variants.h: the suite runs once with variants that are plain loops (then it tests the runtime) and once with
// the compiled ones.
#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <set>

#include "sepconv/problem.hpp"
#include "support/check_problem.h"
#include "support/describe.h"
#include "support/golden.h"
#include "support/harness.h"
#include "support/random_problem.h"
#include "support/seeds.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

class Variants : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_FALSE(tables_under_test().empty());
    test_seed();  // prints it
  }
};

// Multiplications of one run; keeps the time spent on large layers bounded.
double work(const sepconv_problem& problem) {
  const double pixels = static_cast<double>(output_count(problem)) / static_cast<double>(problem.out_channels);
  const double taps = static_cast<double>(depthwise_count(problem)) / static_cast<double>(mid_count(problem));
  return pixels * static_cast<double>(mid_count(problem)) * (taps + static_cast<double>(problem.out_channels));
}

TEST_F(Variants, RandomProblemsEqualTheReference) {
  for_each_seed(test_count(effort().random_problems), [](Random& random) {
    Parallel parallel;
    parallel.order = Order::kShuffled;
    RunOptions how;
    how.max_threads = static_cast<int32_t>(uniform(random, 1, 4));
    if (uniform(random, 0, 1) == 0) how.parallel = &parallel;
    check_problem(random, random_problem(random), how);
  });
}

TEST_F(Variants, EachVariantEqualsTheReference) {
  for (const sepconv_variant* variant : variants_under_test()) {
    if (!runnable(*variant)) continue;
    Random random(test_seed());
    double spent = 0;
    for (int i = 0; i < 60 && (i < 3 || spent < effort().variant_work) && !HasFailure(); ++i) {
      const sepconv_problem problem = random_problem_for(random, *variant);
      spent += work(problem);
      RunOptions how;
      how.variant = variant->name;
      check_problem(random, problem, how);
    }
  }
}

// The golden cases that fit the variants' rank and layout; every variant that can run a case must give Keras's answer,
// bit by bit.
TEST_F(Variants, GoldenCasesAreExact) {
  int runs = 0;
  for (const GoldenCase& golden : golden_cases()) {
    const sepconv_problem problem = golden_problem(golden);
    const Operands<float> operands = golden_operands<float>(problem);
    SCOPED_TRACE(describe(problem));
    std::vector<const char*> names = {nullptr};  // the library's own choice, and then each variant
    for (const sepconv_variant* variant : variants_under_test()) {
      if (runnable(*variant)) names.push_back(variant->name);
    }
    for (const char* name : names) {
      sepconv_options options = default_options();
      options.variant = name;
      sepconv_status status;
      if (make_plan(problem, &options, &status) == nullptr && status == SEPCONV_UNSUPPORTED && name != nullptr)
        continue;
      RunOptions how;
      how.variant = name;
      const std::vector<float> output = run(problem, operands, how).output;
      ASSERT_FALSE(output.empty());
      EXPECT_EQ(static_cast<int64_t>(output.front()), golden.first);
      EXPECT_EQ(static_cast<int64_t>(output.back()), golden.last);
      EXPECT_EQ(std::accumulate(output.begin(), output.end(), int64_t{0},
                                [](int64_t sum, float value) { return sum + static_cast<int64_t>(value); }),
                golden.sum);
      EXPECT_EQ(golden_hash(output), golden.hash);
      ++runs;
    }
  }
  EXPECT_GE(runs, 2 * 32);
}

// Around a tile of n: one, one less, exact, one more, and a prime beyond. A variant may leave a tile to the planner: 0.
std::vector<int64_t> around(int64_t n) {
  return {1, std::max<int64_t>(n - 1, 1), std::max<int64_t>(n, 1), n + 1, 2 * n <= 37 ? 37 : 2 * n + 1};
}

// A problem of the variant whose sizes are the given ones wherever the variant leaves them open. SAME, so that an
// output pixel is an input pixel for stride 1.
sepconv_problem sized(const sepconv_variant& variant, int64_t in_channels, int64_t out_channels, int64_t multiplier,
                      int64_t width) {
  const auto fixed_or = [](int64_t fixed, int64_t otherwise) { return fixed > 0 ? fixed : otherwise; };
  sepconv_problem problem = default_problem();
  problem.spatial_rank = variant.spatial_rank;
  problem.layout = variant.layout;
  problem.stages = variant.stages;
  set_dtype(&problem, variant.input_dtype);
  problem.padding = SEPCONV_PADDING_SAME;
  problem.in_channels = legal_channels(variant, in_channels);
  problem.out_channels = fixed_or(variant.out_channels, out_channels);
  problem.depth_multiplier = fixed_or(variant.depth_multiplier, multiplier);
  for (int axis = 0; axis < variant.spatial_rank; ++axis) {
    problem.in_extent[axis] = fixed_or(variant.in_extent[axis], axis + 1 == variant.spatial_rank ? width : 2);
    problem.kernel_extent[axis] = fixed_or(variant.kernel_extent[axis], 3);
    problem.stride[axis] = fixed_or(variant.stride[axis], 1);
    problem.dilation[axis] = fixed_or(variant.dilation[axis], 1);
  }
  problem.has_mid_bias = 1;
  problem.mid_activation.kind = SEPCONV_ACTIVATION_RELU;
  if (variant.stages == SEPCONV_STAGES_DEPTHWISE) {
    problem.out_channels = 0;
  } else {
    problem.has_out_bias = 1;
  }
  return problem;
}

TEST_F(Variants, SizesAroundEveryTile) {
  for (const sepconv_variant* variant : variants_under_test()) {
    if (!runnable(*variant)) continue;
    Random random(test_seed());
    RunOptions how;
    how.variant = variant->name;
    std::set<std::string> done;  // variants that fix a size repeat themselves
    double spent = 0;
    const auto once = [&](const sepconv_problem& problem) {
      if (HasFailure() || spent > 8 * effort().variant_work || !done.insert(describe(problem)).second) return;
      spent += work(problem);
      check_problem(random, problem, how);
    };
    for (const int64_t in_channels : around(variant->chunk_channels)) {
      for (const int64_t out_channels : around(variant->panel_channels)) {
        for (const int64_t width : around(variant->tile_pixels))
          once(sized(*variant, in_channels, out_channels, 1, width));
      }
    }
    for (const int64_t width : around(variant->depthwise_tile)) once(sized(*variant, 7, 5, 1, width));
    for (const int64_t width : around(variant->strip_pixels)) once(sized(*variant, 3, 2, 1, width));
    for (const int64_t channels : around(variant->sum_block)) once(sized(*variant, channels, 9, 1, 7));
    for (const int64_t channels : around(variant->sum_block / 2)) once(sized(*variant, channels, 9, 2, 7));
  }
}

// Problems with many tasks give the same bits for any number of threads, in any order.
TEST_F(Variants, ThreadsAndOrderDoNotChangeABit) {
  int most_tasks = 0;
  for (int round = 0; round < effort().thread_rounds && !HasFailure(); ++round) {
    Random random(test_seed() + 1000 + static_cast<uint64_t>(round));
    Features features = all_features;
    features.float64 = features.halves = features.single_stages = features.pitches =
        false;  // the sizes below would not fit them
    sepconv_problem problem = random_problem(random, features);
    problem.batch = 1 + round % 3;
    problem.padding = SEPCONV_PADDING_SAME;
    problem.in_channels = 70 - 9 * round;
    problem.out_channels = 5 + 30 * round;
    for (int axis = 0; axis < problem.spatial_rank; ++axis) {
      constexpr int64_t extents[] = {1500, 41, 12};
      problem.in_extent[axis] = extents[problem.spatial_rank - 1] + round;
      problem.stride[axis] = 1 + round % 2;
    }
    SCOPED_TRACE(describe(problem));
    const Operands<float> operands = random_operands(random, problem, Fill::kReals);
    const Outcome serial = run(problem, operands);
    EXPECT_TRUE(equals_reference(problem, operands, serial.output)) << serial.variant;
    for (const int threads : {1, 2, 3, 5}) {
      for (const Order order : {Order::kForward, Order::kReversed, Order::kShuffled}) {
        Parallel parallel;
        parallel.threads = threads;
        parallel.order = order;
        parallel.seed = static_cast<uint32_t>(round);
        RunOptions how;
        how.max_threads = threads;
        how.parallel = &parallel;
        how.own_workspace = order == Order::kReversed;
        EXPECT_TRUE(same_bits(serial.output, run(problem, operands, how).output)) << threads << " threads";
        most_tasks = std::max(most_tasks, parallel.tasks_seen);
      }
    }
  }
  EXPECT_GT(most_tasks, 5) << "no problem was cut into tasks: the test tests nothing";
}

// Without activations NaN and infinity come out where the reference has them, and nowhere else. T is float for float16
// and bfloat16, too.
template <typename T>
void check_specials(const sepconv_variant& variant) {
  const T specials[] = {std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::infinity(),
                        -std::numeric_limits<T>::infinity()};
  Random random(test_seed());
  for (int i = 0; i < 6 && !::testing::Test::HasFailure(); ++i) {
    sepconv_problem problem = random_problem_for(random, variant);
    problem.batch = 2;
    problem.input_activation.kind = problem.mid_activation.kind = problem.out_activation.kind = SEPCONV_ACTIVATION_NONE;
    Operands<T> operands = random_operands_of<T>(random, problem, i % 2 == 0 ? Fill::kIntegers : Fill::kReals);
    const int64_t first_image = input_count(problem) / 2;  // the second stays ordinary
    for (int sample = 0; sample <= i; ++sample) {
      operands.input[static_cast<size_t>(uniform(random, 0, first_image - 1))] = specials[(i + sample) % 3];
    }
    SCOPED_TRACE(describe(problem) + " by " + variant.name);
    RunOptions how;
    how.variant = variant.name;
    expect_reference(problem, operands, how);
  }
}

TEST_F(Variants, NanAndInfinityPropagate) {
  for (const sepconv_variant* variant : variants_under_test()) {
    if (!runnable(*variant)) continue;
    if (variant->weight_dtype == SEPCONV_DTYPE_I8) continue;  // integers have neither
    if (variant->input_dtype == SEPCONV_DTYPE_F64) {
      check_specials<double>(*variant);
    } else {
      check_specials<float>(*variant);
    }
  }
}

}  // namespace
}  // namespace sepconv::test
