// The operation as plain loops, the one thing all other tests are measured against. Written to be checked by eye
// against docs/semantics.md, for any rank, layout, padding, activation and choice of stages; slow.
#ifndef SEPCONV_TESTS_SUPPORT_REFERENCE_H
#define SEPCONV_TESTS_SUPPORT_REFERENCE_H

#include <cstdint>
#include <vector>

#include "sepconv/sepconv.h"

namespace sepconv::test {

// The problem with every 0 that stands for another number written out: out_channels of a depthwise-only problem,
// kernel_extent and dilation of a pointwise-only one.
sepconv_problem completed(const sepconv_problem& problem);

// One axis of the output: how long it is, and how many zeros stand before the input's first sample.
struct OutputAxis {
  int64_t extent;
  int64_t pad_before;
};

// Axis `axis` of a legal problem.
OutputAxis output_axis(const sepconv_problem& problem, int axis);

// Numbers of elements; a kernel that the problem does not have has none.
int64_t input_count(const sepconv_problem& problem);
int64_t output_count(const sepconv_problem& problem);
int64_t depthwise_count(const sepconv_problem& problem);
int64_t pointwise_count(const sepconv_problem& problem);
int64_t mid_count(const sepconv_problem& problem);  // channels between the stages

// Whether all activations are clamps: then integers small enough have an exact answer.
bool only_clamps(const sepconv_problem& problem);

// The operands, each row-major and dense whatever the problem's pitches: the input and the residual in the problem's
// layout, the kernels in Keras's. What the problem does not have is empty.
template <typename T>
struct Operands {
  std::vector<T> input, depthwise, pointwise, mid_bias, out_bias;
  std::vector<T> residual = {};
};

// The output in the problem's layout, dense, and how far an implementation in the problem's type may be from it,
// element by element (see reference.cpp).
template <typename T>
struct Result {
  std::vector<T> values;
  std::vector<double> tolerance;
};

// T is double; long double, to check float64; or int64_t, for exact answers to integer problems with clamps.
template <typename T>
Result<T> reference(const sepconv_problem& problem, const Operands<T>& operands);

extern template Result<double> reference(const sepconv_problem&, const Operands<double>&);
extern template Result<long double> reference(const sepconv_problem&, const Operands<long double>&);
extern template Result<int64_t> reference(const sepconv_problem&, const Operands<int64_t>&);

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_SUPPORT_REFERENCE_H
