// RISC-V with the vector extension: portable.cpp's nest, and a pass that keeps Halide's code generator out
// of trouble. What Halide compiles is right for one length of the vector registers only, so each length is a target.
#include "../schedules/fused.h"

using Halide::Expr;
using Halide::Internal::Block;
using Halide::Internal::Broadcast;
using Halide::Internal::IfThenElse;
using Halide::Internal::IRMutator;
using Halide::Internal::LetStmt;
using Halide::Internal::NE;
using Halide::Internal::Ramp;
using Halide::Internal::Select;
using Halide::Internal::Shuffle;
using Halide::Internal::Stmt;
using Halide::Internal::Store;

namespace sepconv {
namespace {

// Halide 21 takes a condition that is the same in all lanes for a scalar, and asks LLVM for a vector selection by it,
// which there is not. A comparison of vectors is not recognised as such.
//
// And what it makes of a store with a stride goes astray: each lane is stored by itself instead.
class KeepToWhatWorks : public IRMutator {
  using IRMutator::visit;

  Expr visit(const Select* op) override {
    Expr mutated = IRMutator::visit(op);
    const auto* select = mutated.as<Select>();
    if (select == nullptr || select->type.is_scalar()) return mutated;
    const auto* broadcast = select->condition.as<Broadcast>();
    if (broadcast == nullptr && select->condition.type().is_vector()) return mutated;
    const Expr single = broadcast != nullptr ? broadcast->value : select->condition;
    const Expr number = Broadcast::make(Halide::cast<int>(single), select->type.lanes());
    return Select::make(NE::make(number, Halide::Internal::make_zero(number.type())), select->true_value,
                        select->false_value);
  }

  Stmt visit(const Store* op) override {
    Stmt mutated = IRMutator::visit(op);
    const auto* store = mutated.as<Store>();
    const auto* ramp = store != nullptr ? store->index.as<Ramp>() : nullptr;
    if (ramp == nullptr || Halide::Internal::is_const_one(ramp->stride)) return mutated;
    const std::string value_name = Halide::Internal::unique_name("strided"), mask_name = value_name + "_mask";
    const Expr value = Halide::Internal::Variable::make(store->value.type(), value_name);
    // Conditions as numbers: a lane is taken out of a vector, and LLVM has vectors of bits apart.
    const Expr numbers = Halide::cast(Halide::Int(32, ramp->lanes), store->predicate);
    const Expr mask = Halide::Internal::Variable::make(numbers.type(), mask_name);
    const bool always = Halide::Internal::is_const_one(store->predicate);
    std::vector<Stmt> lanes;
    for (int i = 0; i < ramp->lanes; i++) {
      const Stmt lane = Store::make(store->name, Shuffle::make_extract_element(value, i), ramp->base + i * ramp->stride,
                                    store->param, Halide::Internal::const_true(), Halide::Internal::ModulusRemainder());
      lanes.push_back(always ? lane : IfThenElse::make(Shuffle::make_extract_element(mask, i) != 0, lane));
    }
    return LetStmt::make(value_name, store->value, LetStmt::make(mask_name, numbers, Block::make(lanes)));
  }
};

void add_passes(const Halide::Pipeline& pipeline, const Stages& stages, const std::string& output,
                const ScheduleParameters& parameters) {
  add_fused_passes(pipeline, stages, output, parameters);
  Halide::Pipeline with_pass = pipeline;
  with_pass.add_custom_lowering_pass(new KeepToWhatWorks);
}

}  // namespace

const Schedule riscv_schedule = {"riscv", portable_schedule.defaults, portable_schedule.vector_unit, schedule_fused,
                                 add_passes};

}  // namespace sepconv
