// Layers of int8 and uint8: random ones, and what they come to, in plain loops after TFLite's definitions.
#ifndef SEPCONV_TESTS_SUPPORT_QUANTISED_H
#define SEPCONV_TESTS_SUPPORT_QUANTISED_H

#include <cstdint>
#include <vector>

#include "sepconv/sepconv.h"
#include "support/random_problem.h"

namespace sepconv::test {

// A layer and its input, in real memory. Elements of uint8 are kept as their bits.
struct QuantisedLayer {
  sepconv_problem problem;
  sepconv_quantization quantization;
  std::vector<float> depthwise_scale, pointwise_scale;
  std::vector<int8_t> input, depthwise, pointwise;
  std::vector<int32_t> mid_bias, out_bias;

  // With the pointers of the vectors, as long as these live.
  sepconv_weights weights();
};

// How a layer's numbers are drawn: as in networks, or at the ends of what is legal.
enum class Numbers { kUsual, kExtreme };

QuantisedLayer random_quantised(Random& random, const sepconv_problem& problem, sepconv_rounding rounding,
                                Numbers numbers);

// The output, dense, in the problem's layout.
std::vector<int8_t> quantised_reference(const QuantisedLayer& layer);

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_SUPPORT_QUANTISED_H
