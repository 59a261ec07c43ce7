#include "wide_halves.h"

using Halide::Expr;
using Halide::UInt;
using Halide::Internal::IRMutator;
using Halide::Internal::Load;
using Halide::Internal::ModulusRemainder;
using Halide::Internal::Ramp;
using Halide::Internal::Stmt;
using Halide::Internal::Store;

namespace sepconv {
namespace {

constexpr int together = 4;  // elements of 16 bits in one number of 64

class WideHalves : public IRMutator {
 private:
  using IRMutator::visit;

  // The index in units of 64 bits; undefined if the access is another one.
  static Expr wide(const Halide::Type& type, const Expr& index, const ModulusRemainder& alignment,
                   const Expr& predicate) {
    const Ramp* const ramp = index.as<Ramp>();
    if (type != UInt(16, together) || ramp == nullptr || !Halide::Internal::is_const_one(ramp->stride) ||
        alignment.modulus % together != 0 || alignment.remainder % together != 0 ||
        !Halide::Internal::is_const_one(predicate)) {
      return {};
    }
    return Halide::Internal::simplify(ramp->base / together);
  }

  Expr visit(const Load* op) override {
    const Expr at = wide(op->type, op->index, op->alignment, op->predicate);
    if (!at.defined()) return IRMutator::visit(op);
    return Halide::reinterpret(op->type, Load::make(UInt(64), op->name, mutate(at), op->image, op->param,
                                                    Halide::Internal::const_true(), ModulusRemainder()));
  }

  Stmt visit(const Store* op) override {
    const Expr at = wide(op->value.type(), op->index, op->alignment, op->predicate);
    if (!at.defined()) return IRMutator::visit(op);
    return Store::make(op->name, Halide::reinterpret(UInt(64), mutate(op->value)), mutate(at), op->param,
                       Halide::Internal::const_true(), ModulusRemainder());
  }
};

}  // namespace

void move_halves_together(Halide::Pipeline pipeline) { pipeline.add_custom_lowering_pass(new WideHalves()); }

}  // namespace sepconv
