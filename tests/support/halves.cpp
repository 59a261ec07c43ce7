#include "support/halves.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sepconv::test {
namespace {

// Bits of the significand, the hidden one included; the bias of the exponent.
struct Format {
  int precision, bias;
  uint16_t infinity() const { return static_cast<uint16_t>((2 * bias + 1) << (precision - 1)); }
};

Format format_of(sepconv_dtype dtype) { return dtype == SEPCONV_DTYPE_BF16 ? Format{8, 127} : Format{11, 15}; }

}  // namespace

uint16_t encode(double value, sepconv_dtype dtype) {
  const Format format = format_of(dtype);
  if (std::isnan(value)) return format.infinity() | static_cast<uint16_t>(1 << (format.precision - 2));
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  if (std::isinf(value)) return sign | format.infinity();
  if (value == 0) return sign;
  int exponent;
  std::frexp(value, &exponent);
  exponent = std::max(exponent - 1, 1 - format.bias);  // subnormal numbers have the smallest
  const double places = std::nearbyint(std::ldexp(std::abs(value), format.precision - 1 - exponent));
  const int64_t bits =
      static_cast<int64_t>(places) + (static_cast<int64_t>(exponent + format.bias - 1) << (format.precision - 1));
  return sign | static_cast<uint16_t>(std::min<int64_t>(bits, format.infinity()));
}

double decode(uint16_t bits, sepconv_dtype dtype) {
  const Format format = format_of(dtype);
  const int magnitude = bits & 0x7fff, exponent = magnitude >> (format.precision - 1);
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  if (magnitude > format.infinity()) return std::numeric_limits<double>::quiet_NaN();
  if (magnitude == format.infinity()) return sign * std::numeric_limits<double>::infinity();
  const int hidden = exponent == 0 ? 0 : 1 << (format.precision - 1);
  const int places = (magnitude & ((1 << (format.precision - 1)) - 1)) + hidden;
  return sign * std::ldexp(places, std::max(exponent, 1) - format.bias - (format.precision - 1));
}

Operands<uint16_t> encoded(const sepconv_problem& problem, Operands<float>* operands) {
  const auto round = [&](std::vector<float>* values) {
    std::vector<uint16_t> halves;
    for (float& value : *values) {
      halves.push_back(encode(value, problem.input_dtype));
      value = static_cast<float>(decode(halves.back(), problem.input_dtype));
    }
    return halves;
  };
  return {round(&operands->input),    round(&operands->depthwise), round(&operands->pointwise),
          round(&operands->mid_bias), round(&operands->out_bias),  round(&operands->residual)};
}

::testing::AssertionResult equals_reference_in_halves(const sepconv_problem& problem, const Operands<float>& operands,
                                                      const std::vector<uint16_t>& output, bool exact) {
  const auto wide = [](const std::vector<float>& values) { return std::vector<double>(values.begin(), values.end()); };
  const Result<double> expected =
      reference(problem, Operands<double>{wide(operands.input), wide(operands.depthwise), wide(operands.pointwise),
                                          wide(operands.mid_bias), wide(operands.out_bias), wide(operands.residual)});
  if (output.size() != expected.values.size())
    return ::testing::AssertionFailure() << output.size() << " elements in place of " << expected.values.size();
  const sepconv_dtype type = problem.output_dtype;
  for (size_t i = 0; i < output.size(); ++i) {
    const double tolerance = exact ? 0 : expected.tolerance[i], actual = decode(output[i], type);
    if (output[i] == unwritten_half) return ::testing::AssertionFailure() << "element " << i << " was not written";
    if (std::isnan(expected.values[i]) && std::isnan(actual)) continue;
    if (std::isinf(expected.values[i]) && actual == expected.values[i]) continue;
    // Rounding keeps the order.
    const double least = decode(encode(expected.values[i] - tolerance, type), type);
    const double most = decode(encode(expected.values[i] + tolerance, type), type);
    if (least <= actual && actual <= most) continue;
    return ::testing::AssertionFailure() << "element " << i << " of " << output.size() << " is " << actual << ", not "
                                         << expected.values[i] << " (from " << least << " to " << most << ")";
  }
  return ::testing::AssertionSuccess();
}

}  // namespace sepconv::test
