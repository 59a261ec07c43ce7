// Schedule for RISC-V with the vector extension: portable.cpp's nest on vectors of 128 bits, which every processor with
// that extension has, and a pass that keeps Halide's code generator out of trouble.
#include "fused.h"

using Halide::Expr;
using Halide::Internal::Broadcast;
using Halide::Internal::IRMutator;
using Halide::Internal::NE;
using Halide::Internal::Select;

namespace sepconv {
namespace {

// Halide 21 takes a condition that is the same in all lanes for a scalar, and asks LLVM for a vector selection by it,
// which there is not. A comparison of vectors is not recognised as such.
class WidenConditions : public IRMutator {
  using IRMutator::visit;

  Expr visit(const Select* op) override {
    const Expr mutated = IRMutator::visit(op);
    const auto* select = mutated.as<Select>();
    if (select == nullptr || select->type.is_scalar()) return mutated;
    const auto* broadcast = select->condition.as<Broadcast>();
    if (broadcast == nullptr && select->condition.type().is_vector()) return mutated;
    const Expr single = broadcast != nullptr ? broadcast->value : select->condition;
    const Expr number = Broadcast::make(Halide::cast<int>(single), select->type.lanes());
    return Select::make(NE::make(number, Halide::Internal::make_zero(number.type())), select->true_value,
                        select->false_value);
  }
};

void add_passes(const Halide::Pipeline& pipeline, const Stages& stages, const std::string& output,
                const ScheduleParameters& parameters) {
  add_fused_passes(pipeline, stages, output, parameters);
  Halide::Pipeline with_pass = pipeline;
  with_pass.add_custom_lowering_pass(new WidenConditions);
}

}  // namespace

const Schedule riscv_schedule = {
    "riscv", portable_schedule.defaults, portable_schedule.registers, false, schedule_fused, add_passes};

}  // namespace sepconv
