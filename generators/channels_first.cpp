#include "channels_first.h"

#include "results.h"
#include "staging.h"

using Halide::Expr;
using Halide::Func;
using Halide::max;
using Halide::min;
using Halide::RDom;
using Halide::Var;

namespace sepconv {
namespace {

// Where tile `t` of an axis begins: the last one moves back to end with the strip, unless the strip is shorter.
Expr tile_begin(const Expr& t, int tile, const Expr& extent) { return max(min(t * tile, extent - tile), 0); }

// taps(l, i, t, y..., m, g), from the bias on.
void make_taps(const Stages& s, const PipelineInputs& in, const std::string& suffix, Halide::Type type,
               BlockStages* block) {
  const int rank = static_cast<int>(s.x.size());
  Halide::Region tap_bounds;
  for (const Axis& axis : in.axes) tap_bounds.emplace_back(Expr(0), axis.kernel);
  block->tap = RDom(tap_bounds, "tap");
  const Expr q = s.g * in.multiplier + s.m;
  std::vector<Expr> kernel_at{s.l};
  for (int a = 0; a < rank; a++) kernel_at.emplace_back(block->tap[a]);
  kernel_at.push_back(q);
  make_staged_channels_first(s, in, suffix, type, block);
  block->taps = Func("taps_" + suffix);
  std::vector<Var> vars{s.l, s.i, s.t};
  vars.insert(vars.end(), s.y.begin(), s.y.end());
  vars.insert(vars.end(), {s.m, s.g});
  const Expr out_x = tile_begin(s.t, s.options.depthwise_tile, in.axes[0].strip_extent) + s.i;
  block->taps(vars) = start_of_taps(in, s.options, q * s.options.chunk + s.l);
  block->taps(vars) +=
      staged_sample_channels_first(s, in, *block, out_x) * depthwise_weights(s, in, suffix, block)(kernel_at);
}

}  // namespace

// The values are stored tile after tile. Where a strip is narrower than a tile, what a row leaves behind its last pixel
// is overwritten by the next row, and the last row's excess lands behind the strip's last pixel; so do the rows of a
// tile that the strip does not have.
void make_flat_channels_first(const Stages& s, const PipelineInputs& in, const std::string& suffix, const Expr& index,
                              const Expr& length, const std::vector<Var>& variable, Halide::Type type,
                              BlockStages* block) {
  const PipelineOptions& o = s.options;
  const int rank = static_cast<int>(s.x.size()), rows = o.nchw.depthwise_rows;
  const Expr width = in.axes[0].strip_extent, group = in.multiplier * o.chunk;
  Halide::Region bounds{{Expr(0), Expr(o.depthwise_tile)}};
  if (rank > 1) bounds.emplace_back(Expr(0), Expr(rows));
  bounds.emplace_back(Expr(0), (width + o.depthwise_tile - 1) / o.depthwise_tile);
  if (rank > 1) bounds.emplace_back(Expr(0), (in.axes[1].strip_extent + rows - 1) / rows);
  if (rank > 2) bounds.emplace_back(Expr(0), in.axes[2].strip_extent);
  bounds.emplace_back(Expr(0), in.multiplier);
  bounds.emplace_back(Expr(0), Expr(o.chunk));
  bounds.emplace_back(Expr(0), (length + group - 1) / group);
  const RDom domain(bounds, "scatter");
  int next = 0;
  const auto take = [&] { return domain[next++]; };
  Scatter& at = block->scatter;
  at.pixel = take();
  if (rank > 1) at.row = take();
  at.tile = take();
  for (int a = 1; a < rank; a++) at.outer.push_back(take());
  at.multiplier = take();
  at.lane = take();
  at.group = take();

  Expr pixel = tile_begin(at.tile, o.depthwise_tile, width) + at.pixel, pitch = width;
  std::vector<Expr> taps_at{at.lane, at.pixel, at.tile};
  for (int a = 1; a < rank; a++) {
    const Expr extent = in.axes[a].strip_extent;
    const Expr out = a == 1 ? tile_begin(at.outer[0], rows, extent) + at.row : Expr(at.outer[1]);
    pixel += pitch * out;
    pitch *= extent;
    taps_at.push_back(out);
  }
  const Expr first_group = o.depthwise_only ? index : index * (in.sum_block / group);
  make_taps(s, in, suffix, type, block);
  taps_at.emplace_back(at.multiplier);
  taps_at.push_back(first_group + at.group);
  block->flat = Func("flat_" + suffix);
  std::vector<Expr> flat_at{(at.group * in.multiplier + at.multiplier) * o.chunk + at.lane, pixel};
  flat_at.insert(flat_at.end(), variable.begin(), variable.end());
  std::vector<Var> vars{s.k, s.p};
  vars.insert(vars.end(), variable.begin(), variable.end());
  block->flat(vars) = Halide::undef(o.dot.data);
  const Expr channel = ((first_group + at.group) * in.multiplier + at.multiplier) * o.chunk + at.lane;
  block->flat(flat_at) = middle_value(in, o, block->taps(taps_at), channel);
  if (!o.all_activations) return;
  block->mid_pass = RDom(0, general_passes(in.mid_act), "mid_pass");
  block->flat(vars) = in_pass(block->mid_pass, general_activation(block->flat(vars), in.mid_act));
}

}  // namespace sepconv
