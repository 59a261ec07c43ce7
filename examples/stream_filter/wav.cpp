#include "wav.h"

#include <algorithm>
#include <cmath>

namespace sepconv::examples {

std::string to_wav(const Sound& sound) {
  std::string bytes;
  bytes.reserve(44 + 2 * sound.samples.size());
  const auto text = [&](const char* four) {
    for (int i = 0; i < 4; ++i) bytes.push_back(four[i]);
  };
  const auto number = [&](uint32_t value, int size) {
    for (int i = 0; i < size; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
  };
  constexpr uint32_t kHeader = 36, kFrame = 2 * Sound::kChannels;
  const uint32_t data = static_cast<uint32_t>(sound.samples.size() * 2);
  text("RIFF");
  number(kHeader + data, 4);
  text("WAVE");
  text("fmt ");
  number(16, 4);
  number(1, 2);  // PCM
  number(Sound::kChannels, 2);
  number(Sound::kRate, 4);
  number(Sound::kRate * kFrame, 4);
  number(kFrame, 2);
  number(16, 2);  // bits a sample
  text("data");
  number(data, 4);
  for (const float sample : sound.samples) {
    const float scaled = std::clamp(sample, -1.0F, 1.0F) * 32767;
    number(static_cast<uint32_t>(static_cast<int32_t>(std::lround(scaled))) & 0xffff, 2);
  }
  return bytes;
}

}  // namespace sepconv::examples
