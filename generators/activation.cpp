#include "activation.h"

#include "branch.h"
#include "sepconv/sepconv.h"

using Halide::cast;
using Halide::Expr;
using Halide::select;
using Halide::strict_float;
using Halide::Type;

namespace sepconv {
namespace {

Expr constant(const Type& type, double value) { return Halide::Internal::make_const(type, value); }

// e^x = 2^n * e^r with n = round(x / ln 2) and |r| <= ln 2 / 2, where e^r is its Taylor series: the first term left out
// is below half a unit in the last place. Past the exponents of the type the result is 0 or infinity. n stops where 2^n
// is still finite, and e^r takes it from there: a compiler may make 2^n + 2^n * (e^r - 1) of the product, which is a
// NaN when 2^n is infinite.
Expr exponential(const Expr& x) {
  const Type type = x.type();
  const bool wide = type.bits() == 64;
  const int terms = wide ? 13 : 7, mantissa = wide ? 52 : 23, bias = wide ? 1023 : 127;
  // ln 2 in two parts; the first has so few bits that n times it is exact.
  const double ln2_high = wide ? 0x1.62e42feep-1 : 0x1.63p-1;
  const double ln2_low = wide ? 0x1.a39ef35793c76p-33 : -0x1.bd0105c610ca8p-13;
  // Comparisons with a NaN are false: it stays in `bounded`, and out of the exponent.
  const Expr most = constant(type, 0.694 * (bias + 1)), least = constant(type, -0.694 * (bias + 1));
  Expr bounded = select(strict_float(x > most), most, x);
  bounded = select(strict_float(bounded < least), least, bounded);
  Expr exponent = bounded * constant(type, 1.4426950408889634);
  exponent = select(strict_float(exponent < constant(type, bias)), exponent, constant(type, bias));
  exponent = select(strict_float(exponent > constant(type, -bias)), exponent, constant(type, -bias));
  const Expr half = select(exponent < 0, constant(type, -0.5), constant(type, 0.5));
  const Expr n = cast(Halide::Int(32, type.lanes()), exponent + half);
  const Expr r = (bounded - cast(type, n) * constant(type, ln2_high)) - cast(type, n) * constant(type, ln2_low);
  Expr series = constant(type, 1);
  for (int i = terms; i > 0; i--) series = series * r * constant(type, 1.0 / i) + constant(type, 1);
  const Type integer = Halide::Int(type.bits(), type.lanes());
  return series * Halide::reinterpret(type, (cast(integer, n) + Halide::Internal::make_const(integer, bias))
                                                << Halide::Internal::make_const(integer, mantissa));
}

}  // namespace

Expr clamp_activation(const Expr& value, const Activation& activation) {
  const Expr raised = select(strict_float(value < activation.lo), activation.lo, value);
  return select(strict_float(raised > activation.hi), activation.hi, raised);
}

// With s the logistic function: sigmoid s(x), tanh 2 s(2x) - 1, swish x s(x), GELU x s(2u) where u = sqrt(2/pi) (x +
// 0.044715 x^3), and hard swish x h(x) with a ramp h in place of s.
Expr general_activation(const Expr& x, const Activation& activation) {
  const Type type = x.type();
  const auto c = [&](double value) { return constant(type, value); };
  const auto is = [&](sepconv_activation_kind kind) { return activation.kind == static_cast<int>(kind); };
  const Expr slope =
      select(is(SEPCONV_ACTIVATION_GELU), c(1.5957691216057308), is(SEPCONV_ACTIVATION_TANH), c(2), c(1));
  const Expr cubic = select(is(SEPCONV_ACTIVATION_GELU), c(1.5957691216057308 * 0.044715), c(0));
  // Beyond 100 the logistic function is 0 or 1 in either type; the bound keeps 0 * infinity out.
  const Expr near = Halide::max(Halide::min(x, c(100)), c(-100));
  const Expr logistic = c(1) / (c(1) + exponential(-x * (slope + cubic * near * near)));
  const Expr ramp = Halide::max(Halide::min(x * c(1.0 / 6) + c(0.5), c(1)), c(0));
  const Expr gate = select(is(SEPCONV_ACTIVATION_HARD_SWISH), ramp, logistic);
  const Expr gated = !(is(SEPCONV_ACTIVATION_SIGMOID) || is(SEPCONV_ACTIVATION_TANH));
  return gate * select(gated, x, slope) - select(is(SEPCONV_ACTIVATION_TANH), c(1), c(0));
}

Expr any_activation(const Expr& clamped, const Activation& activation) {
  return branch(activation.kind == static_cast<int>(SEPCONV_ACTIVATION_CLAMP), clamped,
                general_activation(clamped, activation));
}

Expr general_passes(const Activation& activation) {
  return select(activation.kind == static_cast<int>(SEPCONV_ACTIVATION_CLAMP), 0, 1);
}

Expr in_pass(const Halide::RDom& pass, const Expr& value) {
  // The condition always holds; it is there because a domain belongs to the definitions that mention it.
  return select(pass.x >= 0, value, Halide::Internal::make_zero(value.type()));
}

}  // namespace sepconv
