// The loop of the tests that draw their problems.
#ifndef SEPCONV_TESTS_SUPPORT_SEEDS_H
#define SEPCONV_TESTS_SUPPORT_SEEDS_H

#include <gtest/gtest.h>

#include <exception>
#include <string>

#include "support/random_problem.h"

namespace sepconv::test {

// Calls body(random) with `count` seeds, one after the other, until something fails; the message then says how to draw
// that problem again. `times` is SEPCONV_TEST_COUNT for one seed of this test.
template <typename Body>
void for_each_seed(int count, Body body, int times = 1) {
  for (int i = 0; i < count && !::testing::Test::HasFailure(); ++i) {
    const uint64_t seed = test_seed() + static_cast<uint64_t>(i);
    SCOPED_TRACE("SEPCONV_TEST_SEED=" + std::to_string(seed) + " SEPCONV_TEST_COUNT=" + std::to_string(times));
    Random random(seed);
    try {
      body(random);
    } catch (const std::exception& error) {  // caught here, the failure is told with the seed
      ADD_FAILURE() << error.what();
    }
  }
}

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_SUPPORT_SEEDS_H
