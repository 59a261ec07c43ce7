// Random legal problems and operands, repeatable from a seed.
#ifndef SEPCONV_TESTS_SUPPORT_RANDOM_PROBLEM_H
#define SEPCONV_TESTS_SUPPORT_RANDOM_PROBLEM_H

#include <cstdint>
#include <random>

#include "sepconv/sepconv.h"
#include "sepconv/variant_table.h"
#include "support/reference.h"

namespace sepconv::test {

using Random = std::mt19937_64;

// SEPCONV_TEST_SEED, or a fixed seed. Printed once, so that a failure can be repeated.
uint64_t test_seed();

// SEPCONV_TEST_COUNT, or the given default.
int test_count(int otherwise);

int64_t uniform(Random& random, int64_t low, int64_t high);  // both included

// Strides and dilations 1-4 together and unequal per axis, multipliers 1-4, channels 1-70, sizes 1-40, batch 0-3,
// kernels 1-7, VALID and SAME, channels_last, rank 1 and 2, with and without biases and clamps.
sepconv_problem random_problem(Random& random);

// The same, but a problem that the row may run: what the row fixes is as the row has it.
sepconv_problem random_problem_for(Random& random, const sepconv_variant& row);

// How to fill operands. Small integers: every sum is exact in float32 in any order, so implementations must agree bit
// by bit.
enum class Fill { kIntegers, kReals };

Operands<float> random_operands(Random& random, const sepconv_problem& problem, Fill fill);

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_SUPPORT_RANDOM_PROBLEM_H
