#include "fetch_ahead.h"

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "../parameters.h"

using Halide::Expr;
using Halide::Int;
using Halide::Internal::Block;
using Halide::Internal::Call;
using Halide::Internal::Evaluate;
using Halide::Internal::For;
using Halide::Internal::IfThenElse;
using Halide::Internal::IntImm;
using Halide::Internal::IRMutator;
using Halide::Internal::IRVisitor;
using Halide::Internal::LetStmt;
using Halide::Internal::Ramp;
using Halide::Internal::Stmt;
using Halide::Internal::Store;
using Halide::Internal::Variable;

namespace sepconv {
namespace {

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
                   {Halide::reinterpret(Halide::Handle(), address_), line * cache_line_bytes, 1, 1}, Call::Intrinsic));
    const Stmt fetches = For::make(name, 0, count, Halide::Internal::ForType::Serial, Halide::Partition::Never,
                                   Halide::DeviceAPI::None, fetch);
    return For::make(loop->name, loop->min, loop->extent, loop->for_type, loop->partition_policy, loop->device_api,
                     Block::make(fetches, loop->body));
  }

  std::string outer_, inner_;
  Expr address_, lines_;
  const For* around_ = nullptr;
};

// The elements that a statement's stores to a buffer begin at, one a cache line, in terms of what is known before it.
class StoredLines : public IRVisitor {
 public:
  explicit StoredLines(const std::string& buffer) : buffer_(buffer) {}

  std::vector<Expr> first;
  Halide::Type type;

 private:
  using IRVisitor::visit;

  void visit(const LetStmt* let) override {
    lets_.emplace_back(let->name, let->value);
    IRVisitor::visit(let);
    lets_.pop_back();
  }

  void visit(const Store* store) override {
    if (store->name != buffer_) return;
    type = store->value.type().element_of();
    const auto* ramp = store->index.as<Ramp>();
    Expr index = ramp == nullptr ? store->index : ramp->base;
    for (auto let = lets_.rbegin(); let != lets_.rend(); ++let) {
      index = Halide::Internal::substitute(let->first, let->second, index);
    }
    index = Halide::Internal::simplify(index);
    const auto shares_line = [&](const Expr& other) {
      const Expr apart = Halide::Internal::simplify(index - other);
      const auto* distance = apart.as<IntImm>();
      return distance != nullptr && std::abs(distance->value) < cache_line_bytes / type.bytes();
    };
    if (std::none_of(first.begin(), first.end(), shares_line)) first.push_back(index);
  }

  const std::string& buffer_;
  std::vector<std::pair<std::string, Expr>> lets_;
};

class FetchStores : public IRMutator {
 public:
  FetchStores(std::string loop, std::string buffer, Expr condition)
      : loop_(std::move(loop)), buffer_(std::move(buffer)), condition_(std::move(condition)) {}

 private:
  using IRMutator::visit;

  Stmt visit(const For* loop) override {
    if (loop->name != loop_) return IRMutator::visit(loop);
    StoredLines lines(buffer_);
    loop->body.accept(&lines);
    if (lines.first.empty()) return loop;
    std::vector<Stmt> fetches;
    for (const Expr& element : lines.first) {
      const Expr buffer = Variable::make(Halide::Handle(), buffer_);
      fetches.push_back(
          Evaluate::make(Call::make(lines.type, Call::prefetch, {buffer, element, 1, 1}, Call::Intrinsic)));
    }
    const Stmt fetch = IfThenElse::make(condition_, Block::make(fetches));
    return For::make(loop->name, loop->min, loop->extent, loop->for_type, loop->partition_policy, loop->device_api,
                     Block::make(fetch, loop->body));
  }

  std::string loop_, buffer_;
  Expr condition_;
};

}  // namespace

void fetch_ahead(Halide::Pipeline pipeline, const std::string& outer, const std::string& inner, const Expr& address,
                 const Expr& lines) {
  pipeline.add_custom_lowering_pass(new FetchAhead(outer, inner, address, lines));
}

void fetch_stores(Halide::Pipeline pipeline, const std::string& loop, const std::string& buffer,
                  const Expr& condition) {
  pipeline.add_custom_lowering_pass(new FetchStores(loop, buffer, condition));
}

}  // namespace sepconv
