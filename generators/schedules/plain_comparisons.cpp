#include "plain_comparisons.h"

using Halide::Expr;
using Halide::Internal::Call;
using Halide::Internal::IRMutator;

namespace sepconv {
namespace {

class PlainComparisons : public IRMutator {
 private:
  using IRMutator::visit;

  Expr visit(const Call* op) override {
    const Expr done = IRMutator::visit(op);
    const Call* const call = done.as<Call>();
    return call != nullptr && call->is_strict_float_intrinsic() ? Halide::Internal::unstrictify_float(call) : done;
  }
};

}  // namespace

void use_plain_comparisons(Halide::Pipeline pipeline) { pipeline.add_custom_lowering_pass(new PlainComparisons()); }

}  // namespace sepconv
