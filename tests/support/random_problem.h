// Random legal problems and operands, repeatable from a seed.
#ifndef SEPCONV_TESTS_SUPPORT_RANDOM_PROBLEM_H
#define SEPCONV_TESTS_SUPPORT_RANDOM_PROBLEM_H

#include <cstdint>
#include <random>

#include "sepconv/sepconv.h"
#include "sepconv/variant_table.h"
#include "support/features.h"
#include "support/reference.h"
#include "support/tensor.h"

namespace sepconv::test {

using Random = std::mt19937_64;

// SEPCONV_TEST_SEED, or a fixed seed. Printed once, so that a failure can be repeated.
uint64_t test_seed();

// SEPCONV_TEST_COUNT, or the given default.
int test_count(int otherwise);

int64_t uniform(Random& random, int64_t low, int64_t high);  // both included
bool one_in(Random& random, int64_t n);                      // true once in n draws

// How large the sizes of a random problem may be. Small ones meet as many edges as large ones, and cost less.
enum class Sizes {
  kMixed,  // channels up to 70, extents up to 40
  kSmall,  // channels up to 24, extents up to 12
};

// Any legal problem of the features: every rank, layout, padding and type; strides and dilations 1-4 together and
// unequal per axis; multipliers 1-4; kernels 1-7; batch 0-3; biases, activations, residual, pitches. Three axes have
// smaller extents.
sepconv_problem random_problem(Random& random, const Features& features = all_features, Sizes sizes = Sizes::kMixed);

// The same, but a problem that the variant may run: what the variant fixes is as the variant has it.
sepconv_problem random_problem_for(Random& random, const sepconv_variant& variant,
                                   const Features& features = all_features, Sizes sizes = Sizes::kMixed);

// Of the tensors of a problem, of the features: float32 more often than others.
sepconv_dtype random_dtype(Random& random, const Features& features);

// From the innermost axis out, each pitch dense or larger; dense ones are 0 or written out. Of a problem whose pitches
// are still 0.
void random_pitches(Random& random, const Tensor& tensor, sepconv_layout layout, int64_t* pitch,
                    int64_t* channel_pitch);

// A number of input channels that the variant takes: what it fixes, or the next multiple of what it wants.
int64_t legal_channels(const sepconv_variant& variant, int64_t channels);

// How to fill operands. Small integers: as long as all activations are clamps, every sum is exact in float32 in any
// order, so implementations must agree bit by bit.
enum class Fill { kIntegers, kReals };

// T is uint16_t for float16 and bfloat16.
template <typename T>
Operands<T> random_operands_of(Random& random, const sepconv_problem& problem, Fill fill);
template <>
Operands<uint16_t> random_operands_of(Random& random, const sepconv_problem& problem, Fill fill);

inline Operands<float> random_operands(Random& random, const sepconv_problem& problem, Fill fill) {
  return random_operands_of<float>(random, problem, fill);
}

extern template Operands<float> random_operands_of(Random&, const sepconv_problem&, Fill);
extern template Operands<double> random_operands_of(Random&, const sepconv_problem&, Fill);

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_SUPPORT_RANDOM_PROBLEM_H
