#include "high_halves.h"

#include "../requantise.h"

using Halide::Expr;
using Halide::Int;
using Halide::Type;
using Halide::UInt;
using Halide::Internal::Call;
using Halide::Internal::IRMutator;
using Halide::Internal::make_const;
using Halide::Internal::Reinterpret;

namespace sepconv {
namespace {

class HighHalves : public IRMutator {
 private:
  using IRMutator::visit;

  Expr visit(const Call* op) override {
    Expr done = IRMutator::visit(op);
    const Call* const call = done.as<Call>();
    if (call == nullptr || call->name != rounded_high_half_name) return done;
    const int lanes = call->type.lanes();
    const Expr x = call->args[0], m = call->args[1];
    if (lanes % 2 != 0) {
      const Type wide = Int(64, lanes);
      const Expr product = Halide::cast(wide, x) * Halide::cast(wide, m);
      return Halide::cast(call->type, (product + make_const(wide, half)) >> make_const(wide, 32));
    }
    const Type wide = Int(64, lanes / 2), unsigned_wide = UInt(64, lanes / 2);
    const Expr bits = make_const(wide, 32), halves = make_const(wide, half);
    const Expr xs = Reinterpret::make(wide, x), ms = Reinterpret::make(wide, m);
    const Expr even = ((xs << bits) >> bits) * ((ms << bits) >> bits) + halves;
    const Expr odd = (xs >> bits) * (ms >> bits) + halves;
    const Expr low = Reinterpret::make(unsigned_wide, even) >> make_const(unsigned_wide, 32);
    const Expr high = Reinterpret::make(unsigned_wide, odd) & make_const(unsigned_wide, upper);
    return Reinterpret::make(call->type, low | high);
  }

  static constexpr int64_t half = int64_t{1} << 31;
  static constexpr uint64_t upper = 0xffffffff00000000;
};

}  // namespace

void multiply_even_and_odd_lanes(Halide::Pipeline pipeline) { pipeline.add_custom_lowering_pass(new HighHalves()); }

}  // namespace sepconv
