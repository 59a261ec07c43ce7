// Draws the picture that the examples use when they are given none: ridges under an evening sky, mirrored in a lake.
#include <algorithm>
#include <array>
#include <cmath>

#include "picture.h"

namespace sepconv::examples {
namespace {

using Color = std::array<float, 3>;

constexpr float kHorizon = 0.62F;  // of the height, from the top
constexpr float kSunX = 0.63F, kSunY = 0.29F;
constexpr int kRidges = 5;

Color mix(const Color& a, const Color& b, float t) {
  t = std::min(std::max(t, 0.0F), 1.0F);
  return {a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t};
}

// A number in [0, 1) that depends on two integers only.
float hash(int x, int y) {
  uint32_t bits = static_cast<uint32_t>(x) * 0x8da6b343U ^ static_cast<uint32_t>(y) * 0xd8163841U;
  bits = (bits ^ (bits >> 15)) * 0x2c1b3c6dU;
  bits = (bits ^ (bits >> 12)) * 0x297a2d39U;
  bits ^= bits >> 15;
  return static_cast<float>(bits >> 8) * 0x1p-24F;
}

// Smooth noise along one axis, and its sum over octaves: both in [0, 1).
float noise(float x, int seed) {
  const float cell = std::floor(x), t = x - cell;
  const float a = hash(static_cast<int>(cell), seed), b = hash(static_cast<int>(cell) + 1, seed);
  return a + (b - a) * t * t * (3 - 2 * t);
}

float rough_noise(float x, int seed, int octaves) {
  float sum = 0, weight = 0.5F;
  for (int octave = 0; octave < octaves; ++octave, weight /= 2, x *= 2) sum += weight * noise(x, seed + 31 * octave);
  return sum;
}

// The height of a ridge's edge, from the top; 0 is the farthest.
float ridge_edge(int ridge, float x) {
  const auto depth = static_cast<float>(ridge);
  return 0.30F + 0.075F * depth + (0.26F - 0.035F * depth) * (0.5F - rough_noise((3.0F + depth) * x + 7, ridge, 6)) +
         0.05F * std::sin(2.5F * x + 1.7F * depth);
}

// The tips of a row of firs on the nearest ridge, 0 between them.
float fir_height(float x) {
  const float cell = std::floor(x * 90), size = hash(static_cast<int>(cell), 77);
  const float center = cell + 0.5F + 0.3F * (hash(static_cast<int>(cell), 78) - 0.5F);
  return std::max(0.0F, 1 - 2.2F * std::abs(x * 90 - center)) * (0.015F + 0.05F * size * size);
}

// Everything above the water line.
Color scene(float x, float y, float aspect) {
  const Color zenith = {0.06F, 0.09F, 0.27F}, dusk = {0.56F, 0.30F, 0.48F}, glow = {1.0F, 0.66F, 0.33F};
  Color color = y < 0.3F ? mix(zenith, dusk, y / 0.3F) : mix(dusk, glow, (y - 0.3F) / 0.28F);
  const float dx = (x - kSunX) * aspect, dy = y - kSunY, distance = std::sqrt(dx * dx + dy * dy);
  color = mix(color, {1.0F, 0.80F, 0.45F}, 0.75F * std::exp(-5.0F * distance));
  const float streak = rough_noise(2.0F * x + 14.0F * y, 900, 4) * rough_noise(40.0F * y - 3.0F * x, 901, 4);
  color = mix(color, {1.0F, 0.55F, 0.42F}, 2.4F * (streak - 0.22F) * (1 - std::abs(y - 0.28F) / 0.2F));
  color = mix(color, {1.0F, 0.97F, 0.84F}, (0.056F - distance) / 0.003F);

  const Color far_rock = {0.60F, 0.38F, 0.52F}, near_rock = {0.05F, 0.06F, 0.11F};
  for (int ridge = 0; ridge < kRidges; ++ridge) {
    const float edge = ridge_edge(ridge, x) - (ridge == kRidges - 1 ? fir_height(x) : 0.0F);
    if (y < edge) continue;
    const float depth = static_cast<float>(ridge) / (kRidges - 1);
    Color rock = mix(far_rock, near_rock, std::sqrt(depth));
    const float step = 0.012F, toward_sun = x < kSunX ? step : -step;
    const float slope = (ridge_edge(ridge, x) - ridge_edge(ridge, x + toward_sun * (1 + 4 * (y - edge)))) / step;
    rock = mix(rock, {0.98F, 0.60F, 0.44F}, (0.9F - 0.7F * depth) * slope * std::exp(-40 * (y - edge)));  // lit slopes
    color = mix(rock, glow, (0.45F - 0.45F * depth) * (y - edge) / (kHorizon - edge));  // haze in the valleys
  }
  return color;
}

Color star_field(int x, int y, float height) {
  const float twinkle = hash(x, y + 4096);
  const float brightness = twinkle > 0.9985F ? (0.35F + 0.65F * hash(x + 9, y)) * (1 - 4.0F * height) : 0.0F;
  return {brightness, brightness, brightness};
}

// The lake: the scene upside down, shaken by ripples that grow towards us, with the sun's path on it.
Color water(float x, float y, float aspect) {
  const float depth = (y - kHorizon) / (1 - kHorizon);
  const float wave = rough_noise(9 * x / (0.15F + depth), static_cast<int>(220 * std::sqrt(depth)), 3) - 0.5F;
  const float mirrored = kHorizon - 0.95F * (y - kHorizon) + 0.06F * wave * (0.3F + depth);
  Color color = mix(scene(x + 0.02F * wave * depth, mirrored, aspect), {0.05F, 0.09F, 0.20F}, 0.25F + 0.45F * depth);
  const float path = std::exp(-std::pow((x - kSunX) / (0.02F + 0.07F * depth), 2.0F));
  return mix(color, {1.0F, 0.80F, 0.48F}, path * std::max(0.0F, 3.2F * wave));
}

}  // namespace

Picture draw_landscape(int width, int height) {
  constexpr int kSamples = 2;  // along each axis of a pixel, against jagged edges
  Picture picture(width, height);
  const float aspect = static_cast<float>(width) / static_cast<float>(height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      float* pixel = picture.pixel(x, y);
      for (int sample = 0; sample < kSamples * kSamples; ++sample) {
        const float dx = (0.5F + static_cast<float>(sample % kSamples)) / kSamples;
        const float dy = (0.5F + static_cast<float>(sample / kSamples)) / kSamples;
        const float u = (static_cast<float>(x) + dx) / static_cast<float>(width);
        const float v = (static_cast<float>(y) + dy) / static_cast<float>(height);
        const Color color = v < kHorizon ? scene(u, v, aspect) : water(u, v, aspect);
        for (size_t c = 0; c < 3; ++c) pixel[c] += color[c] / (kSamples * kSamples);
      }
      const float v = static_cast<float>(y) / static_cast<float>(height);
      if (v < 0.22F) {
        const Color star = star_field(x, y, v);
        for (size_t c = 0; c < 3; ++c) pixel[c] = std::min(pixel[c] + star[c], 1.0F);
      }
    }
  }
  return picture;
}

}  // namespace sepconv::examples
