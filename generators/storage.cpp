#include "storage.h"

#include <vector>

using Halide::cast;
using Halide::Expr;
using Halide::Float;
using Halide::Func;
using Halide::reinterpret;
using Halide::select;
using Halide::Target;
using Halide::UInt;
using Halide::Var;

namespace sepconv {
namespace {

// Bits of float32 numbers.
const uint32_t infinity = 0x7f800000, half = 0x3f000000;
// What an exponent of float16 lacks to one of float32: 127 - 15; and what that of an infinity does.
const uint32_t rebias = 112U << 23, rebias_infinity = 224U << 23;

Expr bits_of(const Expr& value) { return reinterpret(UInt(32), value); }
Expr float_of(const Expr& bits) { return reinterpret(Float(32), bits); }

// Rounds off the low bits of a positive number.
Expr rounded_off(const Expr& bits, uint32_t count) {
  const Expr odd = (bits >> count) & Expr(uint32_t{1});
  return (bits + Expr((uint32_t{1} << (count - 1)) - 1) + odd) >> count;
}

Expr widen_float16(const Expr& element) {
  const Expr magnitude = element & Expr(uint32_t{0x7fff});
  const Expr normal = (magnitude << Expr(uint32_t{13})) +
                      select(magnitude >= Expr(uint32_t{0x7c00}), Expr(rebias_infinity), Expr(rebias));
  const Expr subnormal = bits_of(cast<float>(magnitude) * Expr(0x1p-24F));
  const Expr sign = (element & Expr(uint32_t{0x8000})) << Expr(uint32_t{16});
  return float_of(sign | select(magnitude < Expr(uint32_t{0x400}), subnormal, normal));
}

Expr narrow_float16(const Expr& bits) {
  const Expr magnitude = bits & Expr(uint32_t{0x7fffffff});
  const Expr normal = Halide::min(rounded_off(magnitude - Expr(rebias), 13), Expr(uint32_t{0x7c00}));
  // The last place of a half is that of float16's subnormal numbers: the sum is rounded there.
  const Expr subnormal = bits_of(float_of(magnitude) + Expr(0.5F)) - Expr(half);
  const Expr number = select(magnitude < Expr(uint32_t{113U << 23}), subnormal, normal);
  const Expr sign = (bits >> Expr(uint32_t{16})) & Expr(uint32_t{0x8000});
  return sign | select(magnitude > Expr(infinity), Expr(uint32_t{0x7e00}), number);
}

Expr narrow_bfloat16(const Expr& bits) {
  const Expr magnitude = bits & Expr(uint32_t{0x7fffffff});
  const Expr quiet = (bits >> Expr(uint32_t{16})) | Expr(uint32_t{0x40});
  return select(magnitude > Expr(infinity), quiet, rounded_off(bits, 16));
}

}  // namespace

Storage storage_for(const Halide::Type& type, const Target& target) {
  return {type, target.has_feature(Target::CUDA) || target.has_feature(Target::F16C)};
}

Func Storage::widened(const Func& tensor) const {
  if (type.bits() >= 32) return tensor;
  const std::vector<Var> at(tensor.dimensions());
  Func result(tensor.name() + "_widened");
  result(at) = widen(tensor(at));
  return result;
}

Expr Storage::widen(const Expr& element) const {
  if (type.bits() != 16) return cast<float>(element);
  if (type.is_bfloat()) return float_of(cast<uint32_t>(element) << Expr(uint32_t{16}));
  if (converts) return cast<float>(reinterpret(Float(16), element));
  return widen_float16(cast<uint32_t>(element));
}

Expr Storage::narrow(const Expr& value) const {
  if (type.bits() != 16) return cast(type, value);
  if (type.is_bfloat()) return cast<uint16_t>(narrow_bfloat16(bits_of(value)));
  if (converts) return reinterpret(UInt(16), cast(Float(16), value));
  return cast<uint16_t>(narrow_float16(bits_of(value)));
}

}  // namespace sepconv
