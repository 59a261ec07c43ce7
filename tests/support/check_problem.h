// One random problem, from the plan to the answer.
#ifndef SEPCONV_TESTS_SUPPORT_CHECK_PROBLEM_H
#define SEPCONV_TESTS_SUPPORT_CHECK_PROBLEM_H

#include <string>

#include "support/harness.h"
#include "support/random_problem.h"

namespace sepconv::test {

// Runs a problem of floats, T for float64 double, else float, and expects the reference's answer. Of float16 and
// bfloat16 the operands are rounded first. Returns the name of the variant that ran.
template <typename T>
std::string expect_reference(const sepconv_problem& problem, Operands<T> operands, const RunOptions& how,
                             bool exact = false);

// Runs the problem in its type and compares with the reference: integers and exact answers, or reals and the derived
// tolerance; every second one flush to a buffer's begin, some with a workspace of the library's own.
void check_problem(Random& random, const sepconv_problem& problem, const RunOptions& how);

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_SUPPORT_CHECK_PROBLEM_H
