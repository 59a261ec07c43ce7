#include "pointwise_sum.h"

using Halide::cast;
using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace sepconv {
namespace {

std::vector<Expr> in_block(std::vector<Expr> at, const PointwiseOperands& x) {
  at.insert(at.end(), x.block.begin(), x.block.end());
  return at;
}

std::vector<Var> in_block(std::vector<Var> at, const PointwiseOperands& x) {
  at.insert(at.end(), x.block.begin(), x.block.end());
  return at;
}

// The weight of channel group * dot.group + product, widened where it is read or before.
Expr weight(const PointwiseOperands& x, const PipelineOptions& o, const PointwiseSum& sum, const Expr& group,
            const Expr& product) {
  const int lanes = o.panel * o.dot.group;
  const Expr lane = o.dot.group == 1 ? Expr(x.f) : x.f * o.dot.group + product;
  if (sum.panel.defined()) return sum.panel(in_block({group * lanes + lane, x.panel}, x));
  return cast(o.dot.weight, x.weights(lane, group + x.first / o.dot.group, x.panel));
}

}  // namespace

PointwiseSum make_pointwise_sum(const PointwiseOperands& x, const PipelineOptions& o, const std::string& name) {
  const int group = o.dot.group, step = group * o.sum_unroll;
  PointwiseSum result;
  if (o.widened_panels) {
    const int lanes = o.panel * group;
    result.panel = Func("panel_" + name);
    result.panel(in_block(std::vector<Var>{result.at, x.panel}, x)) =
        cast(o.dot.weight, x.weights(result.at % lanes, result.at / lanes + x.first / group, x.panel));
  }
  Halide::Region loops{{Expr(0), Expr(o.sum_unroll)}, {Expr(0), x.length / step}};
  result.grouped = group > 1;
  if (result.grouped) loops.insert(loops.begin(), {Expr(0), Expr(group)});
  const RDom k(loops, "k");
  const int first = result.grouped ? 1 : 0;
  result.unrolled = k[first];
  result.outer = k[first + 1];
  if (result.grouped) result.group = k[0];
  const Expr product = result.grouped ? Expr(result.group) : Expr(0);
  const Expr at = result.outer * o.sum_unroll + result.unrolled;
  const Expr channel = result.grouped ? at * group + product : at;
  result.sum = Func("sum_" + name);
  result.sum(in_block(std::vector<Var>{x.f, x.p, x.panel}, x)) +=
      cast(o.dot.sum, x.flat(in_block({channel, Expr(x.p)}, x))) * cast(o.dot.sum, weight(x, o, result, at, product));
  return result;
}

}  // namespace sepconv
