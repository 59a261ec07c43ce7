// The arithmetic of a problem's size, for reports. Sizes in elements.
#ifndef SEPCONV_SUPPORT_PROBLEM_SIZE_H
#define SEPCONV_SUPPORT_PROBLEM_SIZE_H

#include <cstdint>
#include <string>

#include "sepconv/sepconv.h"

namespace sepconv::support {

int64_t output_pixels(const sepconv_problem& problem);  // of one image
int64_t input_pixels(const sepconv_problem& problem);   // of one image
int64_t taps(const sepconv_problem& problem);
int64_t mid_channels(const sepconv_problem& problem);
int64_t output_channels(const sepconv_problem& problem);  // those in the middle, where that is the end

// Multiplications and additions of the stages over the unpadded shape; biases and activations are not counted.
double flops(const sepconv_problem& problem);

// The problem's depthwise stage alone. Layer files have no such layers, the library has variants for them.
sepconv_problem depthwise_stage(sepconv_problem problem);

// "56x56 128->128 k3x3 s2x2 d2x2", for tables; strides and dilations of 1 are left out.
std::string describe(const sepconv_problem& problem);

}  // namespace sepconv::support

#endif  // SEPCONV_SUPPORT_PROBLEM_SIZE_H
