#include "support/check_problem.h"

#include <string>

#include "support/describe.h"
#include "support/halves.h"
#include "support/quantised.h"

namespace sepconv::test {
namespace {

template <typename T>
void check(Random& random, const sepconv_problem& problem, RunOptions how) {
  const Fill fill = one_in(random, 2) ? Fill::kIntegers : Fill::kReals;
  const Operands<T> operands = random_operands_of<T>(random, problem, fill);
  how.flush = one_in(random, 2) ? Flush::kBegin : Flush::kEnd;
  how.own_workspace = one_in(random, 4);
  SCOPED_TRACE(describe(problem) + (how.variant != nullptr ? std::string(" by ") + how.variant : ""));
  const OutcomeOf<T> outcome = run(problem, operands, how);
  const bool exact = fill == Fill::kIntegers && only_clamps(problem);
  EXPECT_TRUE(equals_reference(problem, operands, outcome.output, exact)) << outcome.variant;
  if (how.variant != nullptr) {
    EXPECT_EQ(outcome.variant, how.variant);
  }
}

void check_halves(Random& random, const sepconv_problem& problem, RunOptions how) {
  const Fill fill = one_in(random, 2) ? Fill::kIntegers : Fill::kReals;
  Operands<float> operands = random_operands(random, problem, fill);
  const Operands<uint16_t> halves = encoded(problem, &operands);
  how.flush = one_in(random, 2) ? Flush::kBegin : Flush::kEnd;
  how.own_workspace = one_in(random, 4);
  SCOPED_TRACE(describe(problem) + (how.variant != nullptr ? std::string(" by ") + how.variant : ""));
  const OutcomeOf<uint16_t> outcome = run(problem, halves, how);
  const bool exact = fill == Fill::kIntegers && only_clamps(problem);
  EXPECT_TRUE(equals_reference_in_halves(problem, operands, outcome.output, exact)) << outcome.variant;
  if (how.variant != nullptr) {
    EXPECT_EQ(outcome.variant, how.variant);
  }
}

void check_quantised(Random& random, const sepconv_problem& problem, RunOptions how) {
  const sepconv_rounding rounding = one_in(random, 2) ? SEPCONV_ROUNDING_FLOAT : SEPCONV_ROUNDING_EXACT;
  QuantisedLayer layer =
      random_quantised(random, problem, rounding, one_in(random, 2) ? Numbers::kUsual : Numbers::kExtreme);
  how.flush = one_in(random, 2) ? Flush::kBegin : Flush::kEnd;
  how.own_workspace = one_in(random, 4);
  SCOPED_TRACE(describe(problem) + (how.variant != nullptr ? std::string(" by ") + how.variant : ""));
  const OutcomeOf<int8_t> outcome = run(problem, layer.input, layer.weights(), how);
  EXPECT_TRUE(same_bits(quantised_reference(layer), outcome.output)) << outcome.variant << " rounding " << rounding;
}

}  // namespace

void check_problem(Random& random, const sepconv_problem& problem, const RunOptions& how) {
  if (problem.weight_dtype == SEPCONV_DTYPE_I8) {
    check_quantised(random, problem, how);
  } else if (is_half(problem.input_dtype)) {
    check_halves(random, problem, how);
  } else if (problem.input_dtype == SEPCONV_DTYPE_F64) {
    check<double>(random, problem, how);
  } else {
    check<float>(random, problem, how);
  }
}

}  // namespace sepconv::test
