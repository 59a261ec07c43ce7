#include "thread_registers.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <stdexcept>
#include <vector>

using Halide::Expr;
using Halide::Internal::Allocate;
using Halide::Internal::For;
using Halide::Internal::ForType;
using Halide::Internal::IRMutator;
using Halide::Internal::Let;
using Halide::Internal::LetStmt;
using Halide::Internal::Load;
using Halide::Internal::simplify;
using Halide::Internal::Stmt;
using Halide::Internal::Store;
using Halide::Internal::substitute;

namespace sepconv {
namespace {

class ThreadRegisters : public IRMutator {
 public:
  explicit ThreadRegisters(std::string name) : name_(std::move(name)) {}

 private:
  using IRMutator::visit;

  bool ours(const std::string& name) const {
    return name.compare(0, name_.size(), name_) == 0 &&
           (name.size() == name_.size() || name[name_.size()] == '.' || name[name_.size()] == '$');
  }

  Stmt visit(const For* loop) override {
    if (loop->for_type != ForType::GPUThread) return IRMutator::visit(loop);
    threads_.push_back(loop->name);
    Stmt result = IRMutator::visit(loop);
    threads_.pop_back();
    return result;
  }

  Stmt visit(const LetStmt* let) override { return inside<Stmt>(let); }
  Expr visit(const Let* let) override { return inside<Expr>(let); }

  template <typename Result, typename Node>
  Result inside(const Node* let) {
    lets_.emplace_back(let->name, Halide::Internal::substitute_in_all_lets(let->value));
    Result result = IRMutator::visit(let);
    lets_.pop_back();
    return result;
  }

  // The index without the thread's number. What the number adds must be the same, whichever the access.
  Expr own(Expr index, const std::string& storage) {
    index = Halide::Internal::substitute_in_all_lets(index);
    for (auto let = lets_.rbegin(); let != lets_.rend(); ++let) {
      if (Halide::Internal::expr_uses_var(index, let->first)) index = substitute(let->first, let->second, index);
    }
    std::map<std::string, Expr> first;
    for (const std::string& thread : threads_) first[thread] = 0;
    const Expr rest = simplify(substitute(first, index));
    const Expr share = simplify(lane(index) - lane(rest));
    const auto known = shares_.find(storage);
    if (known == shares_.end()) {
      shares_[storage] = share;
    } else if (!Halide::Internal::is_const_zero(simplify(known->second - share))) {
      stray(storage, index);
    }
    const Expr last = simplify(
        Halide::Internal::bounds_of_expr_in_scope(rest, Halide::Internal::Scope<Halide::Internal::Interval>()).max);
    const auto constant = Halide::Internal::as_const_int(last);
    if (!constant) stray(storage, index);
    size_[storage] = std::max<int64_t>(size_[storage], *constant + 1);
    return rest;
  }

  static Expr lane(const Expr& index) {
    const auto* ramp = index.as<Halide::Internal::Ramp>();
    return ramp == nullptr ? index : ramp->base;
  }

  [[noreturn]] static void stray(const std::string& storage, const Expr& index) {
    std::ostringstream text;
    text << "the threads of a block do not keep to their own part of " << storage << ": " << index;
    throw std::invalid_argument(text.str());
  }

  Expr visit(const Load* op) override {
    if (!ours(op->name)) return IRMutator::visit(op);
    return Load::make(op->type, op->name, own(op->index, op->name), op->image, op->param, mutate(op->predicate),
                      Halide::Internal::ModulusRemainder());
  }

  Stmt visit(const Store* op) override {
    if (!ours(op->name)) return IRMutator::visit(op);
    return Store::make(op->name, mutate(op->value), own(op->index, op->name), op->param, mutate(op->predicate),
                       Halide::Internal::ModulusRemainder());
  }

  Stmt visit(const Allocate* op) override {
    if (!ours(op->name)) return IRMutator::visit(op);
    const Stmt body = mutate(op->body);
    return Allocate::make(op->name, op->type, op->memory_type, {Expr(static_cast<int>(size_[op->name]))}, op->condition,
                          body);
  }

  const std::string name_;
  std::vector<std::string> threads_;
  std::vector<std::pair<std::string, Expr>> lets_;
  std::map<std::string, Expr> shares_;
  std::map<std::string, int64_t> size_;
};

}  // namespace

void keep_in_thread_registers(Halide::Pipeline pipeline, const std::string& name) {
  pipeline.add_custom_lowering_pass(new ThreadRegisters(name));
}

}  // namespace sepconv
