#include "spectrogram.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace sepconv::examples {
namespace {

constexpr double kPi = 3.14159265358979323846;

// Black, violet, orange, white.
void paint(float* pixel, double level) {
  const double stops[][3] = {{0.02, 0.01, 0.06}, {0.35, 0.08, 0.45}, {0.92, 0.45, 0.20}, {1.0, 0.98, 0.85}};
  const double at = std::clamp(level, 0.0, 0.9999) * 3;
  const int stop = static_cast<int>(at);
  for (int c = 0; c < 3; ++c) {
    pixel[c] = static_cast<float>(stops[stop][c] + (at - stop) * (stops[stop + 1][c] - stops[stop][c]));
  }
}

}  // namespace

Picture draw_spectrogram(const Sound& sound, int width, int height) {
  constexpr int kWindow = 512;  // frames under one column, weighted by a raised cosine
  Picture picture(width, height);
  std::vector<double> window(kWindow);
  for (int x = 0; x < width; ++x) {
    const int64_t begin = x * std::max<int64_t>(sound.frames() - kWindow, 0) / std::max(width - 1, 1);
    for (int i = 0; i < kWindow; ++i) {
      const size_t at = static_cast<size_t>(std::min(begin + i, sound.frames() - 1)) * Sound::kChannels;
      const double sample = static_cast<double>(sound.samples[at] + sound.samples[at + 1]);
      window[static_cast<size_t>(i)] = sample * (0.5 - 0.5 * std::cos(2 * kPi * i / kWindow));
    }
    for (int y = 0; y < height; ++y) {
      const double step = kPi / 2 * (height - 1 - y) / height;  // of the phase, from one frame to the next
      double real = 0, imaginary = 0;
      for (int i = 0; i < kWindow; ++i) {
        real += window[static_cast<size_t>(i)] * std::cos(step * i);
        imaginary += window[static_cast<size_t>(i)] * std::sin(step * i);
      }
      const double loudness = 20 * std::log10(std::hypot(real, imaginary) / (kWindow / 4) + 1e-9);
      paint(picture.pixel(x, y), 1 + loudness / 80);
    }
  }
  return picture;
}

}  // namespace sepconv::examples
