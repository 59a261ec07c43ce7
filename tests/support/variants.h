// The variants that the suite in variants/suite.cpp tests. Each program that holds the suite says which.
#ifndef SEPCONV_TESTS_SUPPORT_VARIANTS_H
#define SEPCONV_TESTS_SUPPORT_VARIANTS_H

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "sepconv/variant_table.h"

namespace sepconv::test {

// Registers the tables on the first call; later tables rank first.
const std::vector<const sepconv_variant_table*>& tables_under_test();

// How much to do with them.
struct Effort {
  int random_problems;  // unless SEPCONV_TEST_COUNT says otherwise
  double
      variant_work;  // multiplications to spend on one variant's own random problems, and eight times that on its tiles
  int thread_rounds;  // problems that are run with many numbers of threads
};
Effort effort();

// That effort, or the part of it that SEPCONV_TEST_EFFORT says, such as 0.1: an emulator is ten to fifty times slower.
inline Effort part_of(Effort whole) {
  const char* text = std::getenv("SEPCONV_TEST_EFFORT");
  const double part = text != nullptr ? std::atof(text) : 1;
  return {std::max(1, static_cast<int>(whole.random_problems * part)), whole.variant_work * part,
          std::max(3, static_cast<int>(whole.thread_rounds * part))};
}

// All variants of the tables.
std::vector<const sepconv_variant*> variants_under_test();

// Whether this machine may run the variant (a variant of a foreign target is skipped, not failed).
bool runnable(const sepconv_variant& variant);

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_SUPPORT_VARIANTS_H
