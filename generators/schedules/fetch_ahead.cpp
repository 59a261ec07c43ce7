#include "fetch_ahead.h"

using Halide::Expr;
using Halide::Int;
using Halide::Internal::Block;
using Halide::Internal::Call;
using Halide::Internal::Evaluate;
using Halide::Internal::For;
using Halide::Internal::IRMutator;
using Halide::Internal::Stmt;
using Halide::Internal::Variable;

namespace sepconv {
namespace {

constexpr int line_bytes = 64;

class FetchAhead : public IRMutator {
 public:
  FetchAhead(std::string outer, std::string inner, Expr address, Expr lines)
      : outer_(std::move(outer)), inner_(std::move(inner)), address_(std::move(address)), lines_(std::move(lines)) {}

 private:
  using IRMutator::visit;

  Stmt visit(const For* loop) override {
    if (loop->name == outer_) {
      const For* const enclosing = around_;
      around_ = loop;
      Stmt result = IRMutator::visit(loop);
      around_ = enclosing;
      return result;
    }
    if (loop->name != inner_ || around_ == nullptr) return IRMutator::visit(loop);
    const Expr iterations = around_->extent * loop->extent;
    const Expr iteration = (Variable::make(Int(32), around_->name) - around_->min) * loop->extent +
                           (Variable::make(Int(32), loop->name) - loop->min);
    const Expr share = (lines_ + iterations - 1) / iterations;
    const Expr first = iteration * share;
    const Expr count = Halide::max(0, Halide::min(share, lines_ - first));
    const std::string name = "ahead_line";
    const Expr line = first + Variable::make(Int(32), name);
    const Stmt fetch = Evaluate::make(
        Call::make(Halide::UInt(8), Call::prefetch,
                   {Halide::reinterpret(Halide::Handle(), address_), line * line_bytes, 1, 1}, Call::Intrinsic));
    const Stmt fetches = For::make(name, 0, count, Halide::Internal::ForType::Serial, Halide::Partition::Never,
                                   Halide::DeviceAPI::None, fetch);
    return For::make(loop->name, loop->min, loop->extent, loop->for_type, loop->partition_policy, loop->device_api,
                     Block::make(fetches, loop->body));
  }

  std::string outer_, inner_;
  Expr address_, lines_;
  const For* around_ = nullptr;
};

}  // namespace

void fetch_ahead(Halide::Pipeline pipeline, const std::string& outer, const std::string& inner, const Expr& address,
                 const Expr& lines) {
  pipeline.add_custom_lowering_pass(new FetchAhead(outer, inner, address, lines));
}

}  // namespace sepconv
