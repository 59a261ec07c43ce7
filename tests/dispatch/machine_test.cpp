// What the library sees of the machine it runs on, and what it makes of it: the targets, the chosen variants, right
// answers. The build runs this on emulated processors, each of which it tells what to expect:
//
//   SEPCONV_EXPECT_TARGETS   the targets this machine runs, such as "portable x86_sse41"
//   SEPCONV_EXPECT_VARIANT       the variant it chooses for a 3x3 layer with channels last
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>

#include "sepconv_default.h"
#include "support/check_problem.h"
#include "support/describe.h"
#include "support/harness.h"
#include "support/random_problem.h"
#include "support/seeds.h"
#include "target.h"

namespace sepconv::test {
namespace {

const char* expected(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

class Machine : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_EQ(sepconv_register(sepconv_default_variants()), SEPCONV_OK) << sepconv_last_error();
  }
};

TEST_F(Machine, RunsTheExpectedTargets) {
  std::string targets;
  for (int i = 0; internal::target_name(i) != nullptr; ++i) {
    if ((internal::machine_targets() >> i & 1) == 0) continue;
    targets += (targets.empty() ? "" : " ") + std::string(internal::target_name(i));
  }
  std::map<std::string, int> not_run;
  const sepconv_variant_table& table = *sepconv_default_variants();
  for (size_t i = 0; i < table.variant_count; ++i) {
    if ((" " + targets + " ").find(" " + std::string(table.variants[i].target) + " ") == std::string::npos)
      ++not_run[table.variants[i].target];
  }
  std::printf("targets of this machine: %s\n", targets.c_str());
  for (const auto& [target, variants] : not_run)
    std::printf("built, not run: %d variants of %s\n", variants, target.c_str());
  if (*expected("SEPCONV_EXPECT_TARGETS") == '\0') GTEST_SKIP() << "SEPCONV_EXPECT_TARGETS is not set";
  EXPECT_EQ(targets, expected("SEPCONV_EXPECT_TARGETS"));
}

TEST_F(Machine, ChoosesTheExpectedVariant) {
  if (*expected("SEPCONV_EXPECT_VARIANT") == '\0') GTEST_SKIP() << "SEPCONV_EXPECT_VARIANT is not set";
  const PlanPointer plan = make_plan(small_problem());
  ASSERT_NE(plan, nullptr) << sepconv_last_error();
  EXPECT_STREQ(sepconv_plan_variant(plan.get()), expected("SEPCONV_EXPECT_VARIANT"));
}

TEST_F(Machine, ComputesRightAnswers) {
  std::map<std::string, int> runs;
  for_each_seed(test_count(150), [&](Random& random) {
    const sepconv_problem problem = random_problem(random);
    check_problem(random, problem, RunOptions{});
    const PlanPointer plan = make_plan(problem);
    if (plan != nullptr) ++runs[sepconv_plan_variant(plan.get())];
  });
  for (const auto& [variant, times] : runs) std::printf("%s: %d problems\n", variant.c_str(), times);
}

}  // namespace
}  // namespace sepconv::test
