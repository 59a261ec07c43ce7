#include "pipeline.h"

#include <string>

using Halide::clamp;
using Halide::Expr;
using Halide::Func;
using Halide::min;
using Halide::RDom;
using Halide::select;
using Halide::undef;
using Halide::Var;

namespace sepconv {
namespace {

// clamp(value, lo, hi), written so that a NaN passes through: comparisons with it are false.
Expr activation(const Expr& value, const Expr& lo, const Expr& hi) {
  const Expr raised = select(Halide::strict_float(value < lo), lo, value);
  return select(Halide::strict_float(raised > hi), hi, raised);
}

std::vector<Var> variables(const Var& first, const std::vector<Var>& middle, const std::vector<Var>& last) {
  std::vector<Var> result{first};
  result.insert(result.end(), middle.begin(), middle.end());
  result.insert(result.end(), last.begin(), last.end());
  return result;
}

// The input of chunk q, zero outside the image and past the last channel. Channels are cut off vector by vector where C
// is a multiple of the vector (a schedule specialises on it), else lane by lane.
Func make_staged(const Stages& s, const PipelineInputs& in, const PipelineOptions& o, const std::string& name,
                 Halide::Type type) {
  const int rank = static_cast<int>(s.x.size());
  std::vector<Expr> at{Expr()};
  for (int a = 0; a < rank; a++) {
    const Expr lo = in.image_min[a], hi = in.image_min[a] + in.image_extent[a] - 1;
    at.push_back(clamp(Halide::likely(s.x[a]), lo, hi));
  }
  const auto channel = [&](const Expr& c) {
    at[0] = Halide::unsafe_promise_clamped(c, 0, in.in_channels - 1);
    return in.input(at);
  };
  const Expr zero = Halide::Internal::make_zero(type);
  const Expr base = (s.q / in.multiplier) * o.chunk;
  const Expr vector_base = base + (s.l / o.vector) * o.vector;
  const Expr by_vector =
      select(vector_base < in.in_channels, channel(min(vector_base, in.in_channels - o.vector) + s.l % o.vector), zero);
  const Expr by_lane = select(base + s.l < in.in_channels, channel(min(base + s.l, in.in_channels - 1)), zero);
  const bool whole_chunks = Halide::Internal::is_const_one(Halide::Internal::simplify(in.in_channels % o.chunk == 0));
  // One select an axis: loop partitioning can then drop the test inside the image, axis by axis.
  Expr value = whole_chunks ? channel(base + s.l) : select(s.whole_vectors, by_vector, by_lane);
  for (int a = 0; a < rank; a++) {
    const Expr lo = in.image_min[a], hi = in.image_min[a] + in.image_extent[a] - 1;
    value = select(s.x[a] < lo || s.x[a] > hi, zero, Halide::likely(value));
  }
  Func staged(name);
  staged(variables(s.l, s.x, {s.q})) = value;
  return staged;
}

// `index` is the number of the block: an expression of the inputs for the last one (then `variable` is empty), else
// `variable`.
BlockStages make_block(const Stages& s, const PipelineInputs& in, const PipelineOptions& o, const std::string& suffix,
                       const Expr& index, const std::vector<Var>& variable, Halide::Type type) {
  const int rank = static_cast<int>(s.x.size());
  BlockStages block;
  block.staged = make_staged(s, in, o, "staged_" + suffix, type);

  // taps(l, i, t, y..., q)
  Halide::Region tap_bounds;
  for (const Axis& axis : in.axes) tap_bounds.emplace_back(Expr(0), axis.kernel);
  block.tap = RDom(tap_bounds, "tap");
  std::vector<Expr> staged_at{s.l}, kernel_at{s.l};
  for (int a = 0; a < rank; a++) {
    const Axis& axis = in.axes[a];
    const Expr out = axis.strip_min + (a == 0 ? s.t * o.depthwise_tile + s.i : Expr(s.y[a - 1]));
    staged_at.push_back(out * axis.stride + block.tap[a] * axis.dilation - axis.pad_before);
    kernel_at.push_back(block.tap[a]);
  }
  staged_at.push_back(s.q);
  kernel_at.push_back(s.q);
  block.taps = Func("taps_" + suffix);
  std::vector<Var> taps_vars = variables(s.l, {s.i, s.t}, {s.q});
  taps_vars.insert(taps_vars.end() - 1, s.y.begin(), s.y.end());
  block.taps(taps_vars) += block.staged(staged_at) * in.depthwise(kernel_at);

  // flat(k, p, b): x tiles may run past the strip's width; the next row then overwrites what they left, and the last
  // row's excess lands behind the strip's last pixel.
  const Expr width = in.axes[0].strip_extent;
  Halide::Region scatter_bounds{{Expr(0), Expr(o.depthwise_tile)},
                                {Expr(0), (width + o.depthwise_tile - 1) / o.depthwise_tile}};
  for (int a = 1; a < rank; a++) scatter_bounds.emplace_back(Expr(0), in.axes[a].strip_extent);
  block.scatter = RDom(scatter_bounds, "scatter");
  Expr pixel = block.scatter[1] * o.depthwise_tile + block.scatter[0], pitch = width;
  const Expr q = index * (in.sum_block / o.chunk) + s.k / o.chunk;
  std::vector<Expr> taps_at{s.k % o.chunk, block.scatter[0], block.scatter[1]};
  for (int a = 1; a < rank; a++) {
    pixel += pitch * block.scatter[a + 1];
    pitch *= in.axes[a].strip_extent;
    taps_at.push_back(block.scatter[a + 1]);
  }
  taps_at.push_back(q);
  block.flat = Func("flat_" + suffix);
  std::vector<Expr> flat_at{s.k, pixel};
  flat_at.insert(flat_at.end(), variable.begin(), variable.end());
  block.flat(variables(s.k, {s.p}, variable)) = undef(type);
  block.flat(flat_at) =
      activation(block.taps(taps_at) + in.mid_bias(q * o.chunk + s.k % o.chunk), in.mid_lo, in.mid_hi);

  // sum(f, p, panel, b)
  const Expr first = index * in.sum_block;
  const Expr length = variable.empty() ? in.sum_channels - first : in.sum_block;
  block.k = RDom({{Expr(0), Expr(o.sum_unroll)}, {Expr(0), length / o.sum_unroll}}, "k");
  const Expr k = block.k[1] * o.sum_unroll + block.k[0];
  flat_at = {k, s.p};
  flat_at.insert(flat_at.end(), variable.begin(), variable.end());
  block.sum = Func("sum_" + suffix);
  block.sum(variables(s.f, {s.p, s.panel}, variable)) += block.flat(flat_at) * in.pointwise(s.f, k + first, s.panel);
  return block;
}

}  // namespace

Stages make_pipeline(const PipelineInputs& in, const PipelineOptions& o, int rank, Halide::Type type) {
  Stages s;
  static const char* const x_names[] = {"x", "y", "z"};
  static const char* const y_names[] = {"yo", "zo"};
  for (int a = 0; a < rank; a++) s.x.emplace_back(x_names[a]);
  for (int a = 1; a < rank; a++) s.y.emplace_back(y_names[a - 1]);

  s.ahead = in.ahead;
  s.ahead_lines = in.ahead_lines;
  s.whole_vectors = in.in_channels % o.vector == 0;
  s.block_count = o.one_block ? Expr(1) : (in.sum_channels + in.sum_block - 1) / in.sum_block;
  s.last = make_block(s, in, o, "last", s.block_count - 1, {}, type);
  const Expr last_sum = s.last.sum(s.f % o.panel, s.p, s.f / o.panel);
  if (o.one_block) {
    s.output = activation(in.out_bias(s.f) + last_sum, in.out_lo, in.out_hi);
    return s;
  }
  s.other = make_block(s, in, o, "other", s.b, {s.b}, type);
  s.blocks = RDom(0, s.block_count - 1, "blocks");
  s.partial = Func("partial");
  s.partial(s.f, s.p, s.panel) = undef(type);
  s.partial(s.f, s.p, s.panel) =
      select(s.blocks == 0, in.out_bias(s.f + s.panel * o.panel), s.partial(s.f, s.p, s.panel)) +
      s.other.sum(s.f, s.p, s.panel, s.blocks);
  const Expr start = select(s.block_count == 1, in.out_bias(s.f), s.partial(s.f % o.panel, s.p, s.f / o.panel));
  s.output = activation(start + last_sum, in.out_lo, in.out_hi);
  return s;
}

}  // namespace sepconv
