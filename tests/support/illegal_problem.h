// Random problems that break exactly one rule.
#ifndef SEPCONV_TESTS_SUPPORT_ILLEGAL_PROBLEM_H
#define SEPCONV_TESTS_SUPPORT_ILLEGAL_PROBLEM_H

#include "support/random_problem.h"

namespace sepconv::test {

struct IllegalProblem {
  sepconv_problem problem;
  sepconv_status expected;  // of sepconv_plan_create
  const char* broken;       // what is wrong with it
};

// A legal problem over all features with one thing spoilt.
IllegalProblem random_illegal_problem(Random& random);

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_SUPPORT_ILLEGAL_PROBLEM_H
