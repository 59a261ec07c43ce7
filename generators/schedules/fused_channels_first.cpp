// The fused nest with channels first: the depthwise stage's vectors run along the pixels, its weights are broadcast.
//
// Registers. A depthwise tile holds depthwise_rows x depthwise_tile vectors of pixels, the weights of a column of taps,
// and as many rows of samples as the kernel has: neighbouring rows of outputs read the same samples. AVX-512, 3x3: 7 or
// 8 rows + 9 weights + 3 rows of samples.
//
// The pointwise stage has two forms. With vectors along the pixels a register tile holds tile_channels output channels
// x tile_vectors vectors of pixels (AVX2: 6 x 2 = 12 accumulators + 2 vectors of `flat` + 1 broadcast = 15; AVX-512: 8
// x 3 = 24 + 3, the multiply-add broadcasts the weights from memory). Tiles of pixels are outside, panels inside: the
// columns of `flat` under a tile (a few cache lines a channel) stay near for all output channels, and the weights
// stream through as they are packed. The last pixels take a tile of one vector where that is enough.
//
// With panel_lanes vectors run along the output channels, as they do with channels last, and a finished tile is turned,
// element by element, on its way to the output. That costs as much for any number of intermediate channels, and fills
// vectors where there are few pixels (7x7 = 3 vectors of 16 and one pixel).
//
// The nest, for one task:
//
//   for each block of sum_block channels   partial accumulates; the last block goes to the output
//     for each channel of the block                                      \.
//       staged <- what the image has; the zeros around it are still there |  depthwise stage
//       for each tile of rows, for each x tile                            |
//         taps <- the tile in registers; flat[k][p] <- act(taps)         /.
//     for each tile of pixels                                            \.
//       for each panel of output channels                                 |  (panel_lanes: the other way)
//         sum  <- the register tile                                       |  pointwise stage
//           for k: unrolled by sum_unroll                                 |
//         partial or output <- sum                                       /.
#include "fused.h"

using Halide::Func;
using Halide::LoopLevel;
using Halide::RVar;
using Halide::Stage;
using Halide::TailStrategy;
using Halide::Var;
using Halide::VarOrRVar;

namespace sepconv {
namespace {

bool is_constant(const Halide::Expr& e) { return Halide::Internal::as_const_int(e).has_value(); }

// The zeros and the copies of one channel, and with a stride not known its phases. The storage outlives the channel:
// the zeros around the image stay.
void schedule_staged(BlockStages& s, const Stages& all, const LoopLevel& block) {
  // Only the lanes of one vector run at once.
  int update = 0;
  s.nchw.row.update(update++).allow_race_conditions().vectorize(s.nchw.zeros.x);
  for (Halide::RDom& copy : s.nchw.copies) {
    s.nchw.row.update(update).allow_race_conditions().vectorize(copy[0]).unroll(copy[1]);
    if (is_constant(copy[2].extent())) s.nchw.row.update(update).unroll(copy[2]);
    update++;
  }
  const int vector = all.options.vector;
  if (all.options.all_activations) {
    RVar pass_outer("pass_outer"), pass_lane("pass_lane");
    s.nchw.row.update(update).split(s.input_pass[0], pass_outer, pass_lane, vector, TailStrategy::GuardWithIf);
    s.nchw.row.update(update).vectorize(pass_lane);
  }
  if (!s.nchw.tap_shift.defined()) {
    s.nchw.row.compute_at(s.flat, s.scatter.lane).hoist_storage(block).bound_storage(all.x[0], s.nchw.row_pitch);
    s.nchw.zeros_due.compute_at(s.flat, s.scatter.lane);
    return;
  }
  s.nchw.tap_shift.compute_root();
  s.nchw.tap_phase.compute_root();
  s.staged.compute_at(s.flat, s.scatter.lane).vectorize(all.x[0], vector, TailStrategy::RoundUp);
  if (all.x.size() > 1) {
    s.nchw.row.compute_at(s.staged, all.x[1]);
  } else {
    s.nchw.row.compute_at(s.flat, s.scatter.lane);
  }
}

// `block` owns the block.
void schedule_depthwise(BlockStages& s, const Stages& all, const ScheduleParameters& o, const LoopLevel& block) {
  const int rank = static_cast<int>(all.x.size()), vector = o.depthwise_vector, tile = o.depthwise_tile * vector;
  RVar outer("pixel_outer"), lane("pixel_lane");
  std::vector<Var> storage{all.p, all.k};
  const std::vector<Var> args = s.flat.args();
  storage.insert(storage.end(), args.begin() + 2, args.end());
  s.flat.compute_at(block).reorder_storage(storage).align_storage(all.p, vector);
  // Overlapping tiles are written in their order: only lanes of one store run at once.
  s.flat.update().split(s.scatter.pixel, outer, lane, vector).allow_race_conditions().vectorize(lane).unroll(outer);
  if (rank > 1) s.flat.update().unroll(s.scatter.row);
  if (all.options.all_activations)
    schedule_pass(s.flat.update(1), all.p, {all.k, s.mid_pass.x}, vector, TailStrategy::RoundUp);

  Var io("io"), ii("ii");
  s.taps.compute_at(s.flat, s.scatter.tile).bound_extent(all.l, 1).bound_extent(all.i, tile);
  s.taps.vectorize(all.i, vector).unroll(all.i);
  Stage taps = s.taps.update();
  taps.split(all.i, io, ii, vector).vectorize(ii).unroll(io);
  // Taps along y are innermost where their number is known, then the rows of the tile: neighbouring rows read the same
  // samples, which stay in registers for as many rows as there are taps.
  std::vector<VarOrRVar> order{ii};
  const bool known_rows = rank > 1 && is_constant(s.tap[1].extent());
  if (known_rows) order.emplace_back(s.tap[1]);
  order.emplace_back(io);
  if (rank > 1) {
    s.taps.bound_extent(all.y[0], o.depthwise_rows).unroll(all.y[0]);
    order.emplace_back(all.y[0]);
    taps.unroll(all.y[0]);
  }
  if (o.tap_unroll > 1) {
    RVar tap_outer("tap_outer"), tap_inner("tap_inner");
    taps.split(s.tap[0], tap_outer, tap_inner, o.tap_unroll, TailStrategy::GuardWithIf);
    order.insert(order.end(), {tap_inner, tap_outer});
    taps.unroll(tap_inner);
  } else {
    order.emplace_back(s.tap[0]);
  }
  for (int a = known_rows ? 2 : 1; a < rank; a++) order.emplace_back(s.tap[a]);
  taps.reorder(order);
  if (known_rows) taps.unroll(s.tap[1]);
  if (s.kernel.defined()) s.kernel.compute_at(s.flat, s.scatter.lane);
  schedule_staged(s, all, block);
  // Where the width is known, all rows are of one length and at constant distances: their addresses need no registers.
  for (const int pad : all.options.nchw.usual_pads) {
    s.flat.update().specialize(all.width == static_cast<int>(all.options.nchw.usual_width) && all.pad == pad);
  }
}

// The register tile of `sum`, consumed at `tile`: `vectors` vectors of pixels x tile_channels, or, with panel_lanes, of
// output channels x tile_pixels.
void schedule_sum(PointwiseSum& x, const Stages& all, const ScheduleParameters& o, int vectors, const LoopLevel& tile) {
  const bool panel_lanes = all.options.nchw.panel_lanes;
  const Var wide = panel_lanes ? all.f : all.p, narrow = panel_lanes ? all.p : all.f;
  const int steps = panel_lanes ? o.tile_pixels : o.tile_channels;
  std::vector<Var> storage{wide, narrow};
  const std::vector<Var> args = x.sum.args();
  storage.insert(storage.end(), args.begin() + 2, args.end());
  x.sum.compute_at(tile)
      .reorder_storage(storage)
      .bound_extent(narrow, steps)
      .bound_extent(wide, vectors * o.vector)
      .bound_extent(all.panel, 1);
  x.sum.vectorize(wide, o.vector).unroll(wide).unroll(narrow);
  // Unrolled so that the side with fewer operands stays in registers over the other's loop; the other order spills.
  Var outer("sum_outer"), lane("sum_lane");
  Stage update = x.sum.update();
  update.split(wide, outer, lane, o.vector);
  if (steps < vectors) {
    update.reorder(lane, narrow, outer, x.unrolled, x.outer);
  } else {
    update.reorder(lane, outer, narrow, x.unrolled, x.outer);
  }
  schedule_products(x, update, lane);
  update.vectorize(lane).unroll(outer).unroll(narrow).unroll(x.unrolled);
}

// One width of tiles of the output, `vectors` wide, tile after tile, in each of them panel after panel.
void schedule_output_tiles(const Func& output, Stage stage, const Stages& s, PixelTiles& tiles, const char* name,
                           int vectors, const ScheduleParameters& o) {
  Var panel(std::string(name) + "_panel"), fi(std::string(name) + "_f");
  RVar outer(std::string(name) + "_outer"), lane(std::string(name) + "_lane");
  // Tiles that overlap write the same values.
  stage.allow_race_conditions()
      .split(s.f, panel, fi, o.tile_channels, TailStrategy::GuardWithIf)
      .split(tiles.pixels.x, outer, lane, o.vector)
      .reorder(lane, outer, fi, panel, tiles.pixels.y)
      .vectorize(lane)
      .unroll(outer)
      .unroll(fi);
  schedule_sum(tiles.pointwise, s, o, vectors, LoopLevel(output, panel));
  schedule_widened(tiles.pointwise, o.vector, LoopLevel(output, panel));
}

// Tiles of pixels in each panel; a finished tile is turned on its way to the output.
void schedule_panel_lanes(Stages& s, Func output, const ScheduleParameters& o) {
  const int panel = o.tile_vectors * o.vector;
  Var po("po"), pi("pi"), fp("fp"), fi("fi"), to("to"), ti("ti");
  output.split(s.p, po, pi, o.tile_pixels, TailStrategy::ShiftInwards)
      .split(s.f, fp, fi, panel, TailStrategy::GuardWithIf)
      .reorder(pi, fi, po, fp)
      .unroll(pi);
  const LoopLevel tile(output, po);
  schedule_done(s, o, tile);
  schedule_sum(s.last.pointwise, s, o, o.tile_vectors, tile);
  schedule_widened(s.last.pointwise, o.vector, LoopLevel(output, fp));
  schedule_depthwise(s.last, s, o, LoopLevel::root());
  if (!s.partial.defined()) return;

  s.partial.compute_root().bound_extent(s.f, panel);
  s.partial.update()
      .split(s.p, to, ti, o.tile_pixels, TailStrategy::RoundUp)
      .reorder(s.f, ti, to, s.panel, s.blocks.x)
      .vectorize(s.f, o.vector)
      .unroll(s.f)
      .unroll(ti);
  schedule_sum(s.other.pointwise, s, o, o.tile_vectors, LoopLevel(s.partial, to));
  schedule_widened(s.other.pointwise, o.vector, LoopLevel(s.partial, s.panel));
  schedule_depthwise(s.other, s, o, LoopLevel(s.partial, s.blocks.x));
  s.done.specialize(s.block_count == 1);
}

void schedule_depthwise_only(Stages& s, Func output, const ScheduleParameters& o) {
  Var co("co"), ci("ci");
  output.split(s.c, co, ci, o.chunk, TailStrategy::GuardWithIf)
      .reorder(s.p, s.m, ci, co)
      .vectorize(s.p, o.vector, TailStrategy::ShiftInwards);
  schedule_depthwise(s.last, s, o, LoopLevel(output, co));
}

}  // namespace

void schedule_fused_channels_first(Stages& s, Func output, const ScheduleParameters& o) {
  if (s.options.depthwise_only) return schedule_depthwise_only(s, output, o);
  if (s.options.nchw.panel_lanes) return schedule_panel_lanes(s, output, o);
  const int vector = o.vector;
  schedule_output_tiles(output, output.update(0), s, s.nchw.main, "tile", o.tile_vectors, o);
  schedule_output_tiles(output, output.update(1), s, s.nchw.tail, "tail", 1, o);
  schedule_depthwise(s.last, s, o, LoopLevel::root());
  if (s.out_pass.defined()) {
    schedule_pass(output.update(2), s.p, {s.f, s.out_pass.x}, vector, TailStrategy::GuardWithIf);
  }
  if (!s.partial.defined()) return;

  Var to("to"), ti("ti");
  s.partial.compute_root().reorder_storage(s.p, s.f, s.panel).bound_extent(s.f, o.tile_channels);
  s.partial.update()
      .split(s.p, to, ti, o.tile_vectors * vector, TailStrategy::RoundUp)
      .reorder(ti, s.f, s.panel, to, s.blocks.x)
      .vectorize(ti, vector)
      .unroll(ti)
      .unroll(s.f);
  schedule_sum(s.other.pointwise, s, o, o.tile_vectors, LoopLevel(s.partial, s.panel));
  schedule_widened(s.other.pointwise, o.vector, LoopLevel(s.partial, s.panel));
  schedule_depthwise(s.other, s, o, LoopLevel(s.partial, s.blocks.x));
  for (int i = 0; i < 2; i++) output.update(i).specialize(s.block_count == 1);
}

}  // namespace sepconv
