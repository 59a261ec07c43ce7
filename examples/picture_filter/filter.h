// Blurs a picture and changes its colours with one separable convolution.
#ifndef SEPCONV_EXAMPLES_PICTURE_FILTER_FILTER_H
#define SEPCONV_EXAMPLES_PICTURE_FILTER_FILTER_H

#include <array>
#include <map>
#include <string>

#include "picture.h"
#include "sepconv/sepconv.h"

namespace sepconv::examples {

// Row: input channel; column: output channel.
using ColorMatrix = std::array<float, 9>;

const std::map<std::string, ColorMatrix>& tones();  // by name: sepia, gray, cool, keep

struct Filtered {
  Picture picture;
  std::string variant;
  double milliseconds = 0;
  double max_error = 0;  // against the double-precision reference at some hundred pixels, over the largest magnitude
};

// The depthwise stage is a Gaussian of width `sigma` (in pixels, > 0), the pointwise one the matrix. The picture is
// continued beyond its edges. With channels first the filter sees three planes, as many image libraries keep them, with
// channels last the colours of a pixel side by side; the result is the same but for the rounding. Throws
// std::runtime_error.
Filtered filter_picture(const Picture& picture, float sigma, const ColorMatrix& colors, sepconv_layout layout);

}  // namespace sepconv::examples

#endif  // SEPCONV_EXAMPLES_PICTURE_FILTER_FILTER_H
