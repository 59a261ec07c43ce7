// The fused nest: the depthwise result of one sum block stays in the cache and is consumed there. Every processor's
// schedule is this nest, or with channels first the one of fused_channels_first.cpp, with numbers of its own: targets/
// has their budgets of registers and caches.
//
// The nest, for one task (a strip of output pixels, flattened to p):
//
//   for each block of sum_block channels   partial accumulates; the last block goes to the output
//     for each chunk of channels                                  \.
//       staged  <- the strip's input, zero-padded, dense [y][x][l] |  depthwise stage: once for each pixel and channel
//       for each row, for each x tile                              |
//         taps  <- T pixels x chunk lanes in registers             |
//         flat[p][k] <- act(taps + mid_bias)                      /.
//     for each panel of output channels                           \.
//       for each tile of pixels                                    |
//         sum   <- tile_pixels x tile_vectors in registers         |  pointwise stage: broadcast, load weights, FMA
//           for k: unrolled by sum_unroll                          |
//         partial or output <- sum                                /.
//
// Where the taps read the input themselves (stage 0) there is no `staged`. In variants for a multiple of the vectors
// (guarded_taps) the nest of the depthwise stage is then
//
//       for each row, for each x tile, for each multiple
//         for each tap: its weights in registers; for each pixel that has a sample there: multiply-adds from memory
//         flat[p][k] <- act(taps + mid_bias)
#include "fused.h"

#include "fetch_ahead.h"

using Halide::Func;
using Halide::LoopLevel;
using Halide::RVar;
using Halide::Stage;
using Halide::TailStrategy;
using Halide::Var;
using Halide::VarOrRVar;

namespace sepconv {
namespace {

// The depthwise stage of one block, up to `flat`, which is computed at `block`.
void schedule_depthwise(BlockStages& s, const Stages& all, const ScheduleParameters& o, const LoopLevel& block) {
  const int rank = static_cast<int>(all.x.size());
  RVar lane_outer("lane_outer"), lane("lane_inner");
  s.flat.compute_at(block);
  // Overlapping x tiles are written in their order: only lanes of one store run at once.
  s.flat.update()
      .split(s.scatter.lane, lane_outer, lane, o.depthwise_vector)
      .allow_race_conditions()
      .vectorize(lane)
      .unroll(lane_outer)
      .unroll(s.scatter.pixel);
  if (all.options.all_activations)
    schedule_pass(s.flat.update(1), all.k, {all.p, s.mid_pass.x}, o.depthwise_vector, TailStrategy::RoundUp);

  std::vector<VarOrRVar> order{all.l, all.i};
  for (int a = 0; a < rank; a++) order.emplace_back(s.tap[a]);
  s.taps.compute_at(s.flat, all.options.guarded_taps ? s.scatter.multiplier : s.scatter.tile)
      .bound_extent(all.l, o.chunk);
  s.taps.vectorize(all.l, o.depthwise_vector).unroll(all.l).unroll(all.i);
  // Taps along y stay rolled unless there are registers for all weight vectors: LLVM hoists them out of the x loop.
  Stage taps = s.taps.update();
  RVar tap = s.tap[0];
  if (o.tap_unroll > 1) {
    RVar outer("tap_outer"), inner("tap_inner");
    order[2] = outer;
    order.insert(order.begin() + 2, inner);
    taps.split(s.tap[0], outer, inner, o.tap_unroll, TailStrategy::GuardWithIf);
    taps.reorder(order).unroll(inner);
    tap = inner;
  } else {
    taps.reorder(order);
  }
  taps.vectorize(all.l, o.depthwise_vector).unroll(all.l).unroll(all.i);
  for (int a = 1; a < rank && o.tap_rows != 0; a++) taps.unroll(s.tap[a]);

  if (s.kernel.defined()) {
    const Var lanes = s.kernel.args()[0];
    if (all.options.guarded_taps) {
      // Those of a tap: once for all pixels, not again behind each test.
      s.kernel.compute_at(s.taps, tap).store_in(Halide::MemoryType::Register);
    } else {
      s.kernel.compute_at(s.flat, s.scatter.group);  // those of a chunk
    }
    s.kernel.bound_extent(lanes, o.chunk).vectorize(lanes, o.depthwise_vector).unroll(lanes);
  }
  if (o.stage == 0) return;  // computed where the taps read it
  s.staged.compute_at(s.flat, s.scatter.group)
      .bound_extent(all.l, o.chunk)
      .vectorize(all.l, all.options.vector)
      .unroll(all.l);
  s.staged.specialize(all.whole_vectors);
  if (all.options.all_activations) {
    std::vector<VarOrRVar> outer(all.x.begin(), all.x.end());
    outer.emplace_back(s.input_pass.x);
    schedule_pass(s.staged.update(), all.l, outer, o.depthwise_vector, TailStrategy::RoundUp);
  }
}

// One sum block: `tile` is the loop over register tiles that consumes its sums, `around` the one outside it, `block`
// the loop that owns the block.
void schedule_block(BlockStages& s, const Stages& all, const ScheduleParameters& o, const LoopLevel& tile,
                    const LoopLevel& around, const LoopLevel& block) {
  schedule_widened(s.pointwise, o.vector, around);
  // Unrolled so that the side with fewer operands stays in registers over the other's loop; the other order spills.
  Var fo("fo"), fi("fi");
  PointwiseSum& x = s.pointwise;
  x.sum.compute_at(tile)
      .bound_extent(all.f, o.tile_vectors * o.vector)
      .bound_extent(all.p, o.tile_pixels)
      .bound_extent(all.panel, 1);
  x.sum.vectorize(all.f, o.vector).unroll(all.f).unroll(all.p);
  Stage update = x.sum.update();
  update.split(all.f, fo, fi, o.vector);
  if (o.tile_pixels < o.tile_vectors) {
    update.reorder(fi, all.p, fo, x.unrolled, x.outer);
  } else {
    update.reorder(fi, fo, all.p, x.unrolled, x.outer);
  }
  schedule_products(x, update, fi);
  update.vectorize(fi).unroll(fo).unroll(all.p).unroll(x.unrolled);
  schedule_depthwise(s, all, o, block);
}

// The depthwise stage alone: a chunk of channels at a time goes from `flat` to the output.
void schedule_depthwise_only(Stages& s, Func output, const ScheduleParameters& o) {
  Var co("co"), ci("ci");
  output.split(s.c, co, ci, o.chunk, TailStrategy::GuardWithIf)
      .reorder(ci, s.m, s.p, co)
      .vectorize(ci, o.depthwise_vector);
  output.unroll(ci);
  schedule_depthwise(s.last, s, o, LoopLevel(output, co));
  output.specialize(s.multiplier == 1);
}

}  // namespace

void schedule_widened(PointwiseSum& sum, int vector, const LoopLevel& around) {
  if (!sum.panel.defined()) return;
  sum.panel.compute_at(around).vectorize(sum.at, vector, TailStrategy::GuardWithIf);
}

void schedule_products(PointwiseSum& sum, Stage update, const VarOrRVar& lanes) {
  if (!sum.grouped) return;
  update.reorder(sum.group, lanes).atomic().vectorize(sum.group);
}

void schedule_done(Stages& s, const ScheduleParameters& o, const LoopLevel& tile) {
  s.done.compute_at(tile)
      .bound_extent(s.f, o.tile_vectors * o.vector)
      .bound_extent(s.p, o.tile_pixels)
      .bound_extent(s.panel, 1);
  s.done.vectorize(s.f, o.vector).unroll(s.f).unroll(s.p);
}

void schedule_pass(Stage pass, const Var& dense, const std::vector<VarOrRVar>& outer, int vector, TailStrategy tail) {
  Var lane("pass_lane"), rest("pass_rest");
  std::vector<VarOrRVar> order{lane, rest};
  order.insert(order.end(), outer.begin(), outer.end());
  pass.split(dense, rest, lane, vector, tail).reorder(order).vectorize(lane);
}

void schedule_fused(Stages& s, Func output, const ScheduleParameters& o) {
  if (s.options.channels_first) return schedule_fused_channels_first(s, output, o);
  if (s.options.depthwise_only) return schedule_depthwise_only(s, output, o);
  Var po("po"), pi("pi"), fp("fp"), fi("fi");
  output.split(s.p, po, pi, o.tile_pixels, TailStrategy::ShiftInwards)
      .split(s.f, fp, fi, o.tile_vectors * o.vector, TailStrategy::GuardWithIf);
  const Var tile = o.panel_inner != 0 ? fp : po, around = o.panel_inner != 0 ? po : fp;
  output.reorder(fi, pi, tile, around).vectorize(fi, o.vector);
  if (s.done.defined()) {
    schedule_done(s, o, LoopLevel(output, tile));
  } else {
    output.unroll(fi).unroll(pi);
  }
  schedule_block(s.last, s, o, LoopLevel(output, tile), LoopLevel(output, around), LoopLevel(output, Var::outermost()));
  if (s.out_pass.defined()) {
    schedule_pass(output.update(), s.f, {s.p, s.out_pass.x}, o.vector, TailStrategy::GuardWithIf);
  }
  if (!s.partial.defined()) return;

  Var to("to"), ti("ti");
  const Var partial_tile = o.panel_inner != 0 ? s.panel : to, partial_around = o.panel_inner != 0 ? to : s.panel;
  s.partial.compute_root().bound_extent(s.f, o.tile_vectors * o.vector);
  s.partial.update()
      .split(s.p, to, ti, o.tile_pixels, TailStrategy::RoundUp)
      .reorder(s.f, ti, partial_tile, partial_around, s.blocks.x)
      .vectorize(s.f, o.vector)
      .unroll(s.f)
      .unroll(ti);
  schedule_block(s.other, s, o, LoopLevel(s.partial, partial_tile), LoopLevel(s.partial, partial_around),
                 LoopLevel(s.partial, s.blocks.x));
  (s.done.defined() ? s.done : output).specialize(s.block_count == 1);
}

void add_fused_passes(const Halide::Pipeline& pipeline, const Stages& s, const std::string& output,
                      const ScheduleParameters& o) {
  if (s.options.channels_first || s.options.depthwise_only) return;
  // Over the register tiles of the last sum block.
  std::string around = output + ".s0.f.fp", tile = output + ".s0.p.po";
  if (o.panel_inner != 0) std::swap(around, tile);
  if (o.fetch_ahead != 0) fetch_ahead(pipeline, around, tile, s.ahead, s.ahead_lines);
  if (o.fetch_output != 0) fetch_stores(pipeline, tile, output, s.output_is_large == 1);
}

}  // namespace sepconv
