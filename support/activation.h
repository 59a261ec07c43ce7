// The activations' reference formulas, and how far an implementation may be from them. Header-only; of any type.
#ifndef SEPCONV_SUPPORT_ACTIVATION_H
#define SEPCONV_SUPPORT_ACTIVATION_H

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <type_traits>

#include "sepconv/sepconv.h"

namespace sepconv::support {

inline bool is_clamp(const sepconv_activation& activation) { return activation.kind <= SEPCONV_ACTIVATION_CLAMP; }

// Written so that a NaN passes through.
template <typename T>
T clamped(T value, T lo, T hi) {
  return value < lo ? lo : value > hi ? hi : value;
}

// The formulas of docs/semantics.md, section 4.
template <typename T>
T activate(const sepconv_activation& activation, T x) {
  switch (activation.kind) {
    case SEPCONV_ACTIVATION_NONE:
      return x;
    case SEPCONV_ACTIVATION_RELU:
      return x < T(0) ? T(0) : x;
    case SEPCONV_ACTIVATION_RELU6:
      return clamped(x, T(0), T(6));
    case SEPCONV_ACTIVATION_CLAMP:
      if (static_cast<double>(x) < static_cast<double>(activation.lo)) return static_cast<T>(activation.lo);
      return static_cast<double>(x) > static_cast<double>(activation.hi) ? static_cast<T>(activation.hi) : x;
    default:
      break;
  }
  if constexpr (std::is_floating_point_v<T>) {
    switch (activation.kind) {
      case SEPCONV_ACTIVATION_SIGMOID:
        return 1 / (1 + std::exp(-x));
      case SEPCONV_ACTIVATION_SWISH:
        return x / (1 + std::exp(-x));
      case SEPCONV_ACTIVATION_HARD_SWISH:
        return x * clamped(x + 3, T(0), T(6)) / 6;
      case SEPCONV_ACTIVATION_TANH:
        return std::tanh(x);
      case SEPCONV_ACTIVATION_GELU: {
        const T root = std::sqrt(2 / std::acos(T(-1)));  // sqrt(2 / pi)
        return T(0.5) * x * (1 + std::tanh(root * (x + T(0.044715L) * x * x * x)));
      }
      default:
        break;
    }
  }
  throw std::invalid_argument("no such activation of such a type");
}

// The steepest slope of the function, rounded up: by so much it can enlarge an error of its argument.
inline double steepness(const sepconv_activation& activation) {
  switch (activation.kind) {
    case SEPCONV_ACTIVATION_SIGMOID:
      return 0.25;
    case SEPCONV_ACTIVATION_SWISH:
      return 1.1;
    case SEPCONV_ACTIVATION_HARD_SWISH:
      return 1.5;
    case SEPCONV_ACTIVATION_GELU:
      return 1.13;
    default:
      return 1;
  }
}

// The error of the function itself that docs/semantics.md allows; clamps have none.
inline double own_error(const sepconv_activation& activation, double x, sepconv_dtype dtype) {
  if (is_clamp(activation)) return 0;
  return (dtype == SEPCONV_DTYPE_F64 ? 1e-13 : 1e-6) * std::max(1.0, std::abs(x));
}

}  // namespace sepconv::support

#endif  // SEPCONV_SUPPORT_ACTIVATION_H
