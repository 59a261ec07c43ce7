// A filter for stereo sound as one causal separable convolution.
#ifndef SEPCONV_EXAMPLES_STREAM_FILTER_FILTER_H
#define SEPCONV_EXAMPLES_STREAM_FILTER_FILTER_H

#include <cstdint>
#include <string>

#include "wav.h"

namespace sepconv::examples {

// Rising tones, a chord and a ticking, with hiss on top; the same on every machine.
Sound make_sound(double seconds);

struct Filtered {
  Sound sound;
  std::string variant;
  double seconds = 0;  // of computing
  int64_t chunks = 0;
};

// The depthwise stage splits each channel into the band below `cutoff` (Hz) and the rest; the pointwise stage mixes the
// four bands into a softened stereo picture: the low band of both in the middle, the rest, much quieter, in its place.
class Filter {
 public:
  explicit Filter(double cutoff);

  Filtered whole(const Sound& sound) const;  // one run over all of it
  // As it would arrive from a microphone: pieces of `chunk` frames, or, with 0, of all lengths from 1 to 4000.
  Filtered streamed(const Sound& sound, int64_t chunk) const;

 private:
  std::vector<float> bands_, mix_;  // the depthwise and the pointwise kernel
};

}  // namespace sepconv::examples

#endif  // SEPCONV_EXAMPLES_STREAM_FILTER_FILTER_H
