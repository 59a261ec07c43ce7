// The tests' own harness: where the library has no variant for a problem, a test fails in a sentence, not in a crash.
#include "support/harness.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "support/random_problem.h"

namespace sepconv::test {
namespace {

// No table is registered in this program.
TEST(Harness, SaysWhereThereIsNoPlan) {
  const sepconv_problem problem = small_problem();
  Random random(1);
  const Operands<float> operands = random_operands(random, problem, Fill::kReals);
  const auto sentence_of = [](const auto& body) {
    try {
      body();
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(sentence_of([&] { require_plan(problem); }).rfind("no plan for ", 0), 0U);
  EXPECT_EQ(sentence_of([&] { run(problem, operands); }).rfind("no plan for ", 0), 0U);
}

}  // namespace
}  // namespace sepconv::test
