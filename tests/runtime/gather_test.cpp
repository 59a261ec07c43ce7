// Taps so far apart that tasks gather them: the answers are the reference's, wherever the padding lies.
#include <gtest/gtest.h>

#include <algorithm>

#include "plan.h"
#include "support/describe.h"
#include "support/harness.h"
#include "support/random_problem.h"
#include "support/seeds.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

// Few outputs along x of a kernel that reaches over more samples than a strip would stage.
sepconv_problem draw(Random& random) {
  Features features = all_features;
  features.halves = false;
  features.causal = features.pitches = features.float64 = features.single_stages = features.far = false;
  sepconv_problem p = random_problem(random, features, Sizes::kSmall);
  p.padding = SEPCONV_PADDING_EXPLICIT;
  std::fill_n(p.pad_before, SEPCONV_MAX_SPATIAL_RANK, 0);
  std::fill_n(p.pad_after, SEPCONV_MAX_SPATIAL_RANK, 0);
  p.batch = 1;
  p.in_channels = uniform(random, 1, 6);
  const int x = p.spatial_rank - 1;
  for (int axis = 0; axis < p.spatial_rank; ++axis) {
    const bool far = axis == x;
    p.kernel_extent[axis] = uniform(random, far ? 2 : 1, 3);
    p.dilation[axis] = far ? uniform(random, 20'000, 60'000) : 1;
    p.stride[axis] = far ? uniform(random, 1, 900) : 1;
    const int64_t reach = (p.kernel_extent[axis] - 1) * p.dilation[axis] + 1;
    const int64_t padded = reach + (far ? p.stride[axis] * uniform(random, 0, 20) : 2);
    p.pad_before[axis] = uniform(random, 0, padded / 2);
    p.pad_after[axis] = uniform(random, 0, padded / 3);
    p.in_extent[axis] = padded - p.pad_before[axis] - p.pad_after[axis];
  }
  return p;
}

TEST(Gather, GivesTheReferencesAnswers) {
  tables_under_test();
  int gathered = 0;
  for_each_seed(test_count(24), [&](Random& random) {
    const sepconv_problem problem = draw(random);
    gathered += require_plan(problem)->cut.gathers ? 1 : 0;
    const Operands<float> operands = random_operands(random, problem, Fill::kReals);
    EXPECT_TRUE(equals_reference(problem, operands, run(problem, operands).output)) << describe(problem);
  });
  EXPECT_GE(gathered, test_count(24) / 8);
}

}  // namespace
}  // namespace sepconv::test
