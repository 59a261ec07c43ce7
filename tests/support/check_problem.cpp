#include "support/check_problem.h"

#include <type_traits>

#include "support/describe.h"
#include "support/halves.h"
#include "support/quantised.h"

namespace sepconv::test {
namespace {

template <typename T>
std::string check(Random& random, const sepconv_problem& problem, const RunOptions& how) {
  const Fill fill = one_in(random, 2) ? Fill::kIntegers : Fill::kReals;
  const bool exact = fill == Fill::kIntegers && only_clamps(problem);
  return expect_reference(problem, random_operands_of<T>(random, problem, fill), how, exact);
}

std::string check_quantised(Random& random, const sepconv_problem& problem, const RunOptions& how) {
  const sepconv_rounding rounding = one_in(random, 2) ? SEPCONV_ROUNDING_FLOAT : SEPCONV_ROUNDING_EXACT;
  QuantisedLayer layer =
      random_quantised(random, problem, rounding, one_in(random, 2) ? Numbers::kUsual : Numbers::kExtreme);
  const OutcomeOf<int8_t> outcome = run(problem, layer.input, layer.weights(), how);
  EXPECT_TRUE(same_bits(quantised_reference(layer), outcome.output)) << outcome.variant << " rounding " << rounding;
  return outcome.variant;
}

}  // namespace

template <typename T>
std::string expect_reference(const sepconv_problem& problem, Operands<T> operands, const RunOptions& how, bool exact) {
  if constexpr (std::is_same_v<T, float>) {
    if (is_half(problem.input_dtype)) {
      const Operands<uint16_t> halves = encoded(problem, &operands);
      const OutcomeOf<uint16_t> outcome = run(problem, halves, how);
      EXPECT_TRUE(equals_reference_in_halves(problem, operands, outcome.output, exact)) << outcome.variant;
      return outcome.variant;
    }
  }
  const OutcomeOf<T> outcome = run(problem, operands, how);
  EXPECT_TRUE(equals_reference(problem, operands, outcome.output, exact)) << outcome.variant;
  return outcome.variant;
}

template std::string expect_reference(const sepconv_problem&, Operands<float>, const RunOptions&, bool);
template std::string expect_reference(const sepconv_problem&, Operands<double>, const RunOptions&, bool);

void check_problem(Random& random, const sepconv_problem& problem, const RunOptions& given) {
  RunOptions how = given;
  how.flush = one_in(random, 2) ? Flush::kBegin : Flush::kEnd;
  how.own_workspace = one_in(random, 4);
  SCOPED_TRACE(describe(problem) + (how.variant != nullptr ? std::string(" by ") + how.variant : ""));
  const auto check_in_type = problem.weight_dtype == SEPCONV_DTYPE_I8   ? check_quantised
                             : problem.input_dtype == SEPCONV_DTYPE_F64 ? check<double>
                                                                        : check<float>;
  const std::string variant = check_in_type(random, problem, how);
  if (how.variant != nullptr) {
    EXPECT_EQ(variant, how.variant);
  }
}

}  // namespace sepconv::test
