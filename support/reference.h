// The operation in double precision, one output pixel at a time: what the programs check results against before they
// time anything. The tests have a reference of their own, tests/support/reference.h: that one is written to be checked
// by eye and computes every form and type; this one is fast enough for the layers of whole networks, and each is a
// check on the other (support/tests).
#ifndef SEPCONV_SUPPORT_REFERENCE_H
#define SEPCONV_SUPPORT_REFERENCE_H

#include <cstdint>
#include <vector>

#include "sepconv/sepconv.h"

namespace sepconv::support {

// Weights of one layer, in Keras's layouts. A bias that the problem does not have is empty.
struct Weights {
  std::vector<float> depthwise, pointwise, mid_bias, out_bias;
};

// `Input` is float, or double to chain layers without rounding between them.
template <typename Input>
class Reference {
 public:
  // Dense buffers in the problem's layout; all three must outlive the object.
  Reference(const sepconv_problem& problem, const Input* input, const Weights& weights);

  // All output channels of one pixel (its flat index, innermost axis fastest) of one image.
  void compute(int64_t image, int64_t pixel, double* outputs);

 private:
  const sepconv_problem& problem_;
  const Input* input_;
  const Weights& weights_;
  int64_t out_extent_[SEPCONV_MAX_SPATIAL_RANK];
  int64_t pad_before_[SEPCONV_MAX_SPATIAL_RANK];
  std::vector<double> middle_;
};

extern template class Reference<float>;
extern template class Reference<double>;

// How far `output` is from the reference.
struct Accuracy {
  double max_error =
      0;  // largest difference over the largest magnitude of the layer's checked outputs; NaN counts as infinite
  double max_magnitude = 0;  // largest magnitude of the reference
  int64_t pixels = 0;        // checked, all channels of each
  bool complete = false;     // every pixel was checked
};

// `input` and `output` are of the problem's type, one of the floats. Checks every pixel if that costs at most
// `budget` multiplications, else the corners, pixels along every edge, and others spread evenly.
Accuracy check(const sepconv_problem& problem, const void* input, const Weights& weights, const void* output,
               double budget = 3e8);

// The largest error a float32 result may have, relative to the layer's largest magnitude.
constexpr double kErrorLimit = 1e-5;

// That of a type; one of 16 bits is computed in float32 and then rounded once.
constexpr double error_limit(sepconv_dtype dtype) {
  if (dtype == SEPCONV_DTYPE_F16) return 0x1p-11 + kErrorLimit;
  if (dtype == SEPCONV_DTYPE_BF16) return 0x1p-8 + kErrorLimit;
  return dtype == SEPCONV_DTYPE_F64 ? 1e-13 : kErrorLimit;
}

}  // namespace sepconv::support

#endif  // SEPCONV_SUPPORT_REFERENCE_H
