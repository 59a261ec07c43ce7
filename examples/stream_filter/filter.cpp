#include "filter.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "sepconv/stream.hpp"
#include "timing.h"

namespace sepconv::examples {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr int kTaps = 127, kBands = 2;

// Causal, as a stream is; `frames` is the signal's length where it is known.
sepconv::Problem problem(int64_t frames) {
  return sepconv::Problem(1)
      .input({frames})
      .kernel({kTaps})
      .causal()
      .channels(Sound::kChannels, Sound::kChannels)
      .multiplier(kBands)
      .out_activation(SEPCONV_ACTIVATION_CLAMP, -1, 1);
}

// A windowed sinc: passes what is below `cutoff`, with the sum 1.
std::vector<double> low_pass(double cutoff) {
  std::vector<double> taps;
  double sum = 0;
  for (int i = 0; i < kTaps; ++i) {
    const double t = i - (kTaps - 1) / 2.0, phase = 2 * kPi * cutoff / Sound::kRate;
    const double sinc = t == 0 ? phase : std::sin(phase * t) / t;
    taps.push_back(sinc * (0.54 - 0.46 * std::cos(2 * kPi * i / (kTaps - 1))));
    sum += taps.back();
  }
  for (double& tap : taps) tap /= sum;
  return taps;
}

}  // namespace

Sound make_sound(double seconds) {
  Sound sound;
  uint32_t noise = 1;
  const auto frames = static_cast<int64_t>(seconds * Sound::kRate);
  for (int64_t i = 0; i < frames; ++i) {
    const double t = static_cast<double>(i) / Sound::kRate;
    const double sweep = 0.25 * std::sin(2 * kPi * (100 + 4000 * t / 2) * t);  // rises by 4000 Hz a second
    double chord = 0;
    for (const double pitch : {220.0, 277.2, 329.6, 440.0}) chord += 0.08 * std::sin(2 * kPi * pitch * t);
    const double beat = std::fmod(t, 0.25), tick = 0.4 * std::exp(-90 * beat) * std::sin(2 * kPi * 6000 * beat);
    for (int channel = 0; channel < Sound::kChannels; ++channel) {
      noise = noise * 1664525 + 1013904223;
      const double hiss = 0.06 * (static_cast<double>(noise >> 8) * 0x1p-23 - 1);
      sound.samples.push_back(static_cast<float>((channel == 0 ? sweep : tick) + chord + hiss));
    }
  }
  return sound;
}

Filter::Filter(double cutoff) {
  const std::vector<double> low = low_pass(cutoff);
  for (int tap = 0; tap < kTaps; ++tap) {  // (tap, channel, band)
    const double all = tap == (kTaps - 1) / 2 ? 1 : 0, at = low[static_cast<size_t>(tap)];
    for (int channel = 0; channel < Sound::kChannels; ++channel) {
      bands_.push_back(static_cast<float>(at));
      bands_.push_back(static_cast<float>(all - at));
    }
  }
  // (channel and band, output channel)
  mix_ = {0.6F, 0.4F, 0.1F, 0.0F, 0.4F, 0.6F, 0.0F, 0.1F};
}

Filtered Filter::whole(const Sound& sound) const {
  const sepconv::Plan plan(problem(sound.frames()));
  const sepconv::PackedWeights packed = plan.pack(bands_.data(), mix_.data());
  sepconv::Workspace workspace(plan.workspace_size());
  Filtered result;
  result.sound.samples.resize(sound.samples.size());
  const double start = support::seconds_now();
  plan.run(packed, sound.samples.data(), result.sound.samples.data(), &workspace);
  result.seconds = support::seconds_now() - start;
  result.variant = plan.variant();
  result.chunks = 1;
  return result;
}

Filtered Filter::streamed(const Sound& sound, int64_t chunk) const {
  const sepconv::Plan plan(problem(1));  // a stream's plan need not know how long the signal will be
  const sepconv::PackedWeights packed = plan.pack(bands_.data(), mix_.data());
  sepconv::Stream stream(plan, packed);
  Filtered result;
  result.sound.samples.resize(sound.samples.size());
  uint32_t random = 7;
  const double start = support::seconds_now();
  for (int64_t done = 0; done < sound.frames();) {
    random = random * 1664525 + 1013904223;
    const int64_t wanted = chunk > 0 ? chunk : 1 + (random >> 16) % 4000;
    const int64_t frames = std::min(wanted, sound.frames() - done);
    const float* input = sound.samples.data() + done * Sound::kChannels;
    float* output = result.sound.samples.data() + done * Sound::kChannels;
    done += stream.push(input, frames, output, frames);  // stride 1: as many frames out as in
    ++result.chunks;
  }
  result.seconds = support::seconds_now() - start;
  result.variant = plan.variant();
  return result;
}

}  // namespace sepconv::examples
