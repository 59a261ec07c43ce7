#include "requantise.h"

#include "branch.h"
#include "sepconv/sepconv.h"

using Halide::cast;
using Halide::Expr;
using Halide::max;
using Halide::min;
using Halide::reinterpret;

namespace sepconv {
namespace {

Expr clamped(const Expr& value, const Requantiser& r, int offset) {
  return max(min(value, r.hi + offset), r.lo + offset);
}

// Adding 1.5 * 2^23 to a number below 2^22 leaves the nearest integer in the lowest bits, as the processor rounds. The
// clamp between keeps a compiler from making one operation, with one rounding, of product and sum.
Expr by_float(const Expr& sum, const Expr& scale, const Requantiser& r, int offset) {
  const float magic = 0x1.8p23F;
  const int magic_bits = 0x4b400000;
  const Expr product = cast<float>(sum) * reinterpret(Halide::Float(32), scale);
  const Expr near = max(min(product, cast<float>(r.hi - r.zero)), cast<float>(r.lo - r.zero));
  return reinterpret(Halide::Int(32), near + magic) + (r.zero + offset - magic_bits);
}

// |sum| < 2^30 and 1 <= shift <= 22. The sign of the sum may stand for that of the product's high half: they differ
// where that is 0 and the sum is negative, and there both give 0.
Expr exact(const Expr& sum, const Expr& multiplier, const Expr& shift, const Requantiser& r, int offset) {
  using Halide::Internal::Call;
  const Expr high = r.wide_products
                        ? Call::make(Halide::Int(32), rounded_high_half_name, {sum + sum, multiplier}, Call::PureExtern)
                        : Halide::rounding_mul_shift_right(sum, multiplier, 31);
  const Expr half = cast<int32_t>(1) << (shift - 1);
  return clamped(((high + (sum >> 31) + half) >> shift) + (r.zero + offset), r, offset);
}

// Any sum, multiplier and shift; in integers of 64 bits.
Expr exact_wide(const Expr& sum, const Expr& multiplier, const Expr& shift, const Requantiser& r, int offset) {
  const Expr left = max(-shift, 0), right = max(shift, 0);
  const Expr shifted = cast<int64_t>(sum << left);
  const Expr high = (shifted * cast<int64_t>(multiplier) + Expr(int64_t{1} << 30)) >> 31;
  const Expr half = select(right > 0, cast<int64_t>(1) << cast<int64_t>(max(right - 1, 0)), 0);
  const Expr away = select(right > 0 && high < 0, cast<int64_t>(-1), cast<int64_t>(0));
  const Expr result = (high + half + away) >> cast<int64_t>(right);
  return cast<int32_t>(
      max(min(result + cast<int64_t>(r.zero + offset), cast<int64_t>(r.hi + offset)), cast<int64_t>(r.lo + offset)));
}

}  // namespace

Expr requantise(const Expr& sum, const Expr& channel, const Requantiser& r, int offset) {
  const Expr scale = r.scales(channel, 0), shift = r.scales(channel, 1);
  const Expr by_integers =
      branch(r.wide == 0, exact(sum, scale, shift, r, offset), exact_wide(sum, scale, shift, r, offset));
  return branch(r.rounding == static_cast<int>(SEPCONV_ROUNDING_FLOAT), by_float(sum, scale, r, offset), by_integers);
}

}  // namespace sepconv
