// Sounds, and WAV files of them.
#ifndef SEPCONV_EXAMPLES_STREAM_FILTER_WAV_H
#define SEPCONV_EXAMPLES_STREAM_FILTER_WAV_H

#include <cstdint>
#include <string>
#include <vector>

namespace sepconv::examples {

// Frames of two samples, left and right, in [-1, 1].
struct Sound {
  static constexpr int kChannels = 2, kRate = 48'000;  // frames a second
  std::vector<float> samples;

  int64_t frames() const { return static_cast<int64_t>(samples.size()) / kChannels; }
};

// The bytes of a WAV file: 16-bit PCM, little-endian; samples outside [-1, 1] are cut off.
std::string to_wav(const Sound& sound);

}  // namespace sepconv::examples

#endif  // SEPCONV_EXAMPLES_STREAM_FILTER_WAV_H
