#include "checked_scratch.h"

using Halide::Expr;
using Halide::Internal::Allocate;
using Halide::Internal::IfThenElse;
using Halide::Internal::IRMutator;
using Halide::Internal::Stmt;
using Halide::Internal::Variable;

namespace sepconv {
namespace {

// A block on the stack needs no check, and the compiler drops the one it gets.
class CheckScratch : public IRMutator {
  using IRMutator::visit;

  Stmt visit(const Allocate* allocate) override {
    const Expr block = Variable::make(Halide::Handle(), allocate->name);
    const Expr present = Halide::reinterpret(Halide::UInt(64), block) != Halide::Internal::make_zero(Halide::UInt(64));
    return Allocate::make(allocate->name, allocate->type, allocate->memory_type, allocate->extents, allocate->condition,
                          IfThenElse::make(present, mutate(allocate->body)), allocate->new_expr,
                          allocate->free_function, allocate->padding);
  }
};

}  // namespace

void check_scratch(Halide::Pipeline pipeline) { pipeline.add_custom_lowering_pass(new CheckScratch()); }

}  // namespace sepconv
