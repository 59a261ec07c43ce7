// Small integer helpers for sizes: all on non-negative int64, none of them overflows silently.
#ifndef SEPCONV_SRC_INTEGERS_H
#define SEPCONV_SRC_INTEGERS_H

#include <stdint.h>

namespace sepconv::internal {

inline constexpr int64_t too_large = INT64_MAX;  // what the saturating helpers return instead of overflowing

// a * b and a + b, or too_large.
inline int64_t saturating_multiply(int64_t a, int64_t b) {
  int64_t product;
  return __builtin_mul_overflow(a, b, &product) ? too_large : product;
}

inline int64_t saturating_add(int64_t a, int64_t b) {
  int64_t sum;
  return __builtin_add_overflow(a, b, &sum) ? too_large : sum;
}

// ceil(a / b); a >= 0, b > 0.
inline int64_t divide_up(int64_t a, int64_t b) { return a / b + (a % b != 0 ? 1 : 0); }

// The least multiple of b that is at least a, or too_large.
inline int64_t round_up(int64_t a, int64_t b) { return saturating_multiply(divide_up(a, b), b); }

template <typename T>
constexpr T smaller(T a, T b) {
  return b < a ? b : a;
}

template <typename T>
constexpr T larger(T a, T b) {
  return a < b ? b : a;
}

inline int64_t clamped(int64_t value, int64_t low, int64_t high) { return smaller(larger(value, low), high); }

// A pitch as compiled code takes it. One that is too large steps nowhere: the planner has seen to that.
inline int32_t narrow_pitch(int64_t pitch) { return static_cast<int32_t>(smaller<int64_t>(pitch, INT32_MAX)); }

// One part of a length that is cut into nearly equal parts.
struct Part {
  int64_t begin, length;
};

// Part `index` of `parts`. Every part but the last is a multiple of `unit`; the longest is one unit longer than the
// shortest (the last may be shorter by less than a unit). Needs parts <= ceil(length / unit).
inline Part part_of(int64_t length, int64_t unit, int64_t parts, int64_t index) {
  const int64_t units = divide_up(length, unit);
  const int64_t each = units / parts, longer = units % parts;
  const int64_t begin = (index * each + smaller(index, longer)) * unit;
  const int64_t count = (each + (index < longer ? 1 : 0)) * unit;
  return {begin, smaller(count, length - begin)};
}

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_INTEGERS_H
