#include "pipeline.h"

#include <string>

#include "channels_first.h"
#include "results.h"
#include "staging.h"

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::select;
using Halide::undef;
using Halide::Var;

namespace sepconv {
namespace {

std::vector<Var> variables(const Var& first, const std::vector<Var>& middle, const std::vector<Var>& last) {
  std::vector<Var> result{first};
  result.insert(result.end(), middle.begin(), middle.end());
  result.insert(result.end(), last.begin(), last.end());
  return result;
}

// taps(l, i, t, y..., m, g)
void make_taps(const Stages& s, const PipelineInputs& in, const std::string& suffix, Halide::Type type,
               BlockStages* block) {
  const int rank = static_cast<int>(s.x.size());
  Halide::Region tap_bounds;
  for (const Axis& axis : in.axes) tap_bounds.emplace_back(Expr(0), axis.kernel);
  block->tap = RDom(tap_bounds, "tap");
  std::vector<Expr> kernel_at{s.l};
  for (int a = 0; a < rank; a++) kernel_at.emplace_back(block->tap[a]);
  kernel_at.push_back(s.g * in.multiplier + s.m);
  block->taps = Func("taps_" + suffix);
  std::vector<Var> vars = variables(s.l, {s.i, s.t}, {s.m, s.g});
  vars.insert(vars.end() - 2, s.y.begin(), s.y.end());
  const Expr out_x = s.t * s.options.depthwise_tile + s.i;
  const Func kernel = depthwise_weights(s, in, suffix, block);
  if (s.options.guarded_taps) {
    block->taps(vars) += guarded_sample(s, in, out_x, &block->tap) * kernel(kernel_at);
    return;
  }
  make_staged(s, in, suffix, type, block);
  block->taps(vars) += staged_sample(s, in, *block, out_x) * kernel(kernel_at);
}

// flat(k, p, b): x tiles may run past the strip's width; the next row then overwrites what they left, and the last
// row's excess lands behind the strip's last pixel.
void make_flat(const Stages& s, const PipelineInputs& in, const std::string& suffix, const Expr& index,
               const Expr& length, const std::vector<Var>& variable, Halide::Type type, BlockStages* block) {
  const PipelineOptions& o = s.options;
  const int rank = static_cast<int>(s.x.size());
  const Expr width = in.axes[0].strip_extent, group = in.multiplier * o.chunk;
  Halide::Region bounds{{Expr(0), Expr(o.chunk)},
                        {Expr(0), Expr(o.depthwise_tile)},
                        {Expr(0), (width + o.depthwise_tile - 1) / o.depthwise_tile}};
  for (int a = 1; a < rank; a++) bounds.emplace_back(Expr(0), in.axes[a].strip_extent);
  // Where the taps read the input itself, what they have read for one multiple of the channels is near for the next.
  const int multiplier_at = o.guarded_taps ? 2 : rank + 2, tile_at = o.guarded_taps ? 3 : 2;
  bounds.insert(bounds.begin() + multiplier_at, {Expr(0), in.multiplier});
  bounds.emplace_back(Expr(0), (length + group - 1) / group);
  const RDom domain(bounds, "scatter");
  Scatter& at = block->scatter;
  at.lane = domain[0];
  at.pixel = domain[1];
  at.tile = domain[tile_at];
  at.multiplier = domain[multiplier_at];
  at.group = domain[rank + 3];
  Expr pixel = at.tile * o.depthwise_tile + at.pixel, pitch = width;
  std::vector<Expr> taps_at{at.lane, at.pixel, at.tile};
  for (int a = 1; a < rank; a++) {
    at.outer.push_back(domain[tile_at + a]);
    pixel += pitch * at.outer.back();
    pitch *= in.axes[a].strip_extent;
    taps_at.emplace_back(at.outer.back());
  }
  const Expr first_group = o.depthwise_only ? index : index * (in.sum_block / group);
  make_taps(s, in, suffix, type, block);
  taps_at.emplace_back(at.multiplier);
  taps_at.push_back(first_group + at.group);
  const Expr q = at.group * in.multiplier + at.multiplier;
  block->flat = Func("flat_" + suffix);
  std::vector<Expr> flat_at{q * o.chunk + at.lane, pixel};
  flat_at.insert(flat_at.end(), variable.begin(), variable.end());
  const std::vector<Var> vars = variables(s.k, {s.p}, variable);
  block->flat(vars) = undef(o.dot.data);
  block->flat(flat_at) =
      middle_value(in, o, block->taps(taps_at), (first_group * in.multiplier + q) * o.chunk + at.lane);
  if (!o.all_activations) return;
  block->mid_pass = RDom(0, general_passes(in.mid_act), "mid_pass");
  block->flat(vars) = in_pass(block->mid_pass, general_activation(block->flat(vars), in.mid_act));
}

// What the sum of a block reads.
PointwiseOperands pointwise_operands(const Stages& s, const PipelineInputs& in, const Func& flat, const Expr& first,
                                     const Expr& length, const std::vector<Var>& block) {
  return {flat, in.pointwise, first, length, s.f, s.p, s.panel, block};
}

// `index` is the number of the block: an expression of the inputs for the last one (then `variable` is empty), else
// `variable`.
BlockStages make_block(const Stages& s, const PipelineInputs& in, const std::string& suffix, const Expr& index,
                       const std::vector<Var>& variable, Halide::Type type) {
  const PipelineOptions& o = s.options;
  BlockStages block;
  const Expr first = index * in.sum_block;
  Expr length = variable.empty() ? in.sum_channels - first : in.sum_block;
  if (o.depthwise_only) length = in.multiplier * o.chunk;
  if (o.channels_first) {
    make_flat_channels_first(s, in, suffix, index, length, variable, type, &block);
  } else {
    make_flat(s, in, suffix, index, length, variable, type, &block);
  }
  if (o.depthwise_only) return block;

  block.pointwise = make_pointwise_sum(pointwise_operands(s, in, block.flat, first, length, variable), o, suffix);
  return block;
}

// What the last block's sum is added to: the bias, or the blocks before it.
Expr start_of_output(const Stages& s, const PipelineInputs& in, const Expr& f, const Expr& p, const Expr& panel) {
  const Expr bias = in.out_bias(f + panel * s.options.panel);
  return s.partial.defined() ? select(s.block_count == 1, bias, s.partial(f, p, panel)) : bias;
}

// The output at pixel p of the tile that `sum` computes.
Expr make_output(const Stages& s, const PipelineInputs& in, const Func& sum, const Expr& p) {
  const PipelineOptions& o = s.options;
  const Expr residual = o.channels_first ? in.residual(p, s.f) : in.residual(s.f, p);
  Expr start = in.out_bias(s.f);
  if (s.partial.defined()) start = select(s.block_count == 1, start, s.partial(s.f % o.panel, p, s.f / o.panel));
  return output_value(in, o, start + sum(s.f % o.panel, p, s.f / o.panel), s.f, residual);
}

// Cuts the output's pixels into tiles of two widths.
void make_tiled_output(const PipelineInputs& in, Stages* s) {
  const int tile = s->options.tile_pixels, half = s->options.sum_vector;
  const Expr pixels = in.output_pixels, rest = pixels % tile, short_tail = rest > 0 && rest <= half;
  PixelTiles &main = s->nchw.main, &tail = s->nchw.tail;
  main.pixels =
      RDom({{Expr(0), Expr(tile)}, {Expr(0), select(short_tail, pixels / tile, (pixels + tile - 1) / tile)}}, "tile");
  tail.pixels = RDom({{Expr(0), Expr(half)}, {Expr(0), select(short_tail, 1, 0)}}, "tail");
  main.pointwise = s->last.pointwise;
  const Expr first = (s->block_count - 1) * in.sum_block;
  tail.pointwise = make_pointwise_sum(pointwise_operands(*s, in, s->last.flat, first, in.sum_channels - first, {}),
                                      s->options, "tail");
  main.pixel = Halide::min(main.pixels.y * tile, pixels - tile) + main.pixels.x;
  tail.pixel = pixels - half + tail.pixels.x + tail.pixels.y * half;
  for (PixelTiles* tiles : {&main, &tail}) tiles->output = make_output(*s, in, tiles->pointwise.sum, tiles->pixel);
}

}  // namespace

Stages make_pipeline(const PipelineInputs& in, const PipelineOptions& o, int rank, Halide::Type type) {
  Stages s;
  s.options = o;
  s.multiplier = in.multiplier;
  s.width = in.axes[0].strip_extent;
  s.pad = in.axes[0].pad_before;
  static const char* const x_names[] = {"x", "y", "z"};
  static const char* const y_names[] = {"yo", "zo"};
  for (int a = 0; a < rank; a++) s.x.emplace_back(x_names[a]);
  for (int a = 1; a < rank; a++) s.y.emplace_back(y_names[a - 1]);

  s.ahead = in.ahead;
  s.ahead_lines = in.ahead_lines;
  s.output_is_large = in.output_is_large;
  s.whole_vectors = in.in_channels % o.vector == 0;
  if (o.depthwise_only) {
    s.last = make_block(s, in, "last", s.b, {s.b}, type);
    s.output = s.last.flat(s.m * o.chunk + s.c % o.chunk, s.p, s.c / o.chunk);
    return s;
  }
  s.block_count = o.one_block ? Expr(1) : (in.sum_channels + in.sum_block - 1) / in.sum_block;
  s.last = make_block(s, in, "last", s.block_count - 1, {}, type);
  if (!o.one_block) {
    s.other = make_block(s, in, "other", s.b, {s.b}, type);
    s.blocks = RDom(0, s.block_count - 1, "blocks");
    s.partial = Func("partial");
    s.partial(s.f, s.p, s.panel) = undef(o.dot.sum);
    s.partial(s.f, s.p, s.panel) =
        select(s.blocks == 0, in.out_bias(s.f + s.panel * o.panel), s.partial(s.f, s.p, s.panel)) +
        s.other.pointwise.sum(s.f, s.p, s.panel, s.blocks);
  }
  if (o.nchw.panel_lanes || (o.dot.quantised() && !o.channels_first)) {
    s.done = Func("done");
    s.done(s.f, s.p, s.panel) = start_of_output(s, in, s.f, s.p, s.panel) + s.last.pointwise.sum(s.f, s.p, s.panel);
    const Expr residual = o.channels_first ? in.residual(s.p, s.f) : in.residual(s.f, s.p);
    s.output = output_value(in, o, s.done(s.f % o.panel, s.p, s.f / o.panel), s.f, residual);
  } else if (o.channels_first) {
    make_tiled_output(in, &s);
  } else {
    s.output = make_output(s, in, s.last.pointwise.sum, s.p);
  }
  return s;
}

}  // namespace sepconv
