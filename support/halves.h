// float16 and bfloat16 as their bits: what float32 they stand for, and the nearest of them to one, of two the even one;
// past the largest an infinity, and a NaN stays one.
#ifndef SEPCONV_SUPPORT_HALVES_H
#define SEPCONV_SUPPORT_HALVES_H

#include <cstdint>
#include <cstring>

#include "sepconv/problem.hpp"

namespace sepconv::support {

template <typename To, typename From>
To bits_as(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

inline float from_float16(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000U) << 16, rest = static_cast<uint32_t>(half & 0x7fffU) << 13;
  // A subnormal is a number of units of 2^-24. No float32 here is subnormal, so a thread that flushes
  // those gets the same.
  const float small = static_cast<float>(half & 0x3ffU) * 0x1p-24F;
  const uint32_t bias = rest >= 0x0f800000U ? 0x70000000U : 0x38000000U;  // infinity and NaN: the largest exponent
  return bits_as<float>((rest < 0x00800000U ? bits_as<uint32_t>(small) : rest + bias) | sign);
}

inline uint16_t to_float16(float value) {
  const uint32_t all = bits_as<uint32_t>(value), sign = (all >> 16) & 0x8000U, rest = all & 0x7fffffffU;
  uint32_t half;
  if (rest > 0x7f800000U) {
    half = 0x7e00U;  // NaN
  } else if (rest >= 0x477ff000U) {
    half = 0x7c00U;  // rounds to 65536 or more
  } else if (rest < 0x38800000U) {
    // Subnormal: adding 0.5 leaves the units of 2^-24 in the lowest bits, rounded by the hardware.
    half = bits_as<uint32_t>(bits_as<float>(rest) + 0.5F) - 0x3f000000U;
  } else {
    half = (rest - 0x38000000U + 0xfffU + ((rest >> 13) & 1U)) >> 13;
  }
  return static_cast<uint16_t>(sign | half);
}

inline float from_bfloat16(uint16_t half) { return bits_as<float>(static_cast<uint32_t>(half) << 16); }

inline uint16_t to_bfloat16(float value) {
  const uint32_t all = bits_as<uint32_t>(value);
  if ((all & 0x7fffffffU) > 0x7f800000U) return static_cast<uint16_t>((all >> 16) | 0x40U);  // NaN
  return static_cast<uint16_t>((all + 0x7fffU + ((all >> 16) & 1U)) >> 16);
}

inline float from_half(uint16_t half, sepconv_dtype dtype) {
  return dtype == SEPCONV_DTYPE_F16 ? from_float16(half) : from_bfloat16(half);
}

inline uint16_t to_half(float value, sepconv_dtype dtype) {
  return dtype == SEPCONV_DTYPE_F16 ? to_float16(value) : to_bfloat16(value);
}

}  // namespace sepconv::support

#endif  // SEPCONV_SUPPORT_HALVES_H
