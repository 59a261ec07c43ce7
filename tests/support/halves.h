// float16 and bfloat16, by arithmetic rather than by their bits, and problems whose tensors are of these types.
#ifndef SEPCONV_TESTS_SUPPORT_HALVES_H
#define SEPCONV_TESTS_SUPPORT_HALVES_H

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "sepconv/problem.hpp"
#include "support/reference.h"

namespace sepconv::test {

// The nearest number of the type, of two the even one; an infinity past the largest; a quiet NaN for a NaN.
uint16_t encode(double value, sepconv_dtype dtype);
double decode(uint16_t bits, sepconv_dtype dtype);

// A NaN of either type that no arithmetic makes.
inline constexpr uint16_t unwritten_half = 0x7fff;

// A number of the type, in a plain loop.
template <sepconv_dtype dtype>
class Half {
 public:
  Half() = default;
  Half(float value) : bits_(encode(static_cast<double>(value), dtype)) {}
  operator float() const { return static_cast<float>(decode(bits_, dtype)); }

 private:
  uint16_t bits_ = 0;
};
using Float16 = Half<SEPCONV_DTYPE_F16>;
using BFloat16 = Half<SEPCONV_DTYPE_BF16>;

// Rounds the operands to the problem's type; they as elements of it.
Operands<uint16_t> encoded(const sepconv_problem& problem, Operands<float>* operands);

// Each element is the rounding of a number that an implementation with float32 inside may have computed; `exact` allows
// but one number.
::testing::AssertionResult equals_reference_in_halves(const sepconv_problem& problem, const Operands<float>& operands,
                                                      const std::vector<uint16_t>& output, bool exact);

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_SUPPORT_HALVES_H
