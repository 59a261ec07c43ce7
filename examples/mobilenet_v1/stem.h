// MobileNet's first layer, an ordinary convolution that sepconv has no part in: plain loops.
#ifndef SEPCONV_EXAMPLES_MOBILENET_V1_STEM_H
#define SEPCONV_EXAMPLES_MOBILENET_V1_STEM_H

#include <algorithm>
#include <vector>

#include "picture.h"

namespace sepconv::examples {

constexpr int kStemTaps = 3, kStemStride = 2, kStemInputs = 3, kStemOutputs = 32;

struct StemWeights {
  std::vector<float> kernel;  // (tap y, tap x, input, output)
  std::vector<float> bias;    // (output)
};

// 3x3 taps, stride 2, padding "same", bias and ReLU6; both extents of the picture are even. Colours go in as [-1, 1].
// Computed in `Real`: float, or double for the reference.
template <typename Real>
std::vector<Real> stem(const Picture& picture, const StemWeights& weights) {
  const int height = picture.height / kStemStride, width = picture.width / kStemStride;
  std::vector<Real> output;
  output.reserve(static_cast<size_t>(height) * static_cast<size_t>(width) * kStemOutputs);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      std::vector<Real> sums(weights.bias.begin(), weights.bias.end());
      for (int tap = 0; tap < kStemTaps * kStemTaps; ++tap) {
        const int from_y = y * kStemStride + tap / kStemTaps, from_x = x * kStemStride + tap % kStemTaps;
        if (from_y >= picture.height || from_x >= picture.width)
          continue;  // "same" pads such a picture at the end only
        for (int c = 0; c < kStemInputs; ++c) {
          const Real sample = 2 * static_cast<Real>(picture.pixel(from_x, from_y)[c]) - 1;
          const float* row = weights.kernel.data() + (tap * kStemInputs + c) * kStemOutputs;
          for (size_t f = 0; f < kStemOutputs; ++f) sums[f] += sample * row[f];
        }
      }
      for (const Real sum : sums) output.push_back(std::min(std::max(sum, Real(0)), Real(6)));
    }
  }
  return output;
}

}  // namespace sepconv::examples

#endif  // SEPCONV_EXAMPLES_MOBILENET_V1_STEM_H
