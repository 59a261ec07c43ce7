// Schedules for GPUs, CUDA's and OpenCL's. Two families: `fused`, one kernel in which the depthwise result of a chunk
// of channels exists in shared memory only; `split`, two kernels with the workspace between them, where a depthwise
// result is computed once, however many panels of output channels want it.
//
// Budget of a block, of `split` variants with channels last (16 x 8 threads, 8 pixels and one vector of 4 channels
// each, chunks of 32); the other shapes are in device_parameters.cpp:
//   output       64 pixels x 64 channels
//   registers    32 sums, 4 weights x 4 steps, 4 steps of a pixel, and addresses: below 128 a thread, so that 4 blocks
//                of 128 threads fit a multiprocessor's 65,536
//   shared       flat 64 x 36 x 4 = 9 KB, weights 32 x 64 x 4 = 8 KB, places 64 x 2 x 4 = 0.5 KB
//   occupancy    by registers: 4 to 8 blocks, 16 to 32 warps
// For each 4 steps of the channel sum a thread loads 8 x 16 bytes of flat (a broadcast to the threads of its row) and 4
// x 16 bytes of weights (adjacent to its neighbours') for 128 multiply-adds.
//
// Where there are few blocks, a round of the loop over chunks waits for its loads and barriers with nothing else to do
// (wait_of_round in runtime/src/device_time.cpp). Threads along z share the channels of a chunk, so that chunks can be
// larger and rounds fewer; at the end they exchange their sums through shared memory, and each writes a part of the
// tile.
//
// Banks of shared memory: 8 threads take part in one access of 16 bytes each. Flat is (pixel, l) with a pitch of L + 4,
// which puts 8 neighbouring pixels into 8 different quadruples of banks; neighbouring threads have neighbouring pixels.
// Weights are read as 128 bytes in a row, or one vector.
//
// The depthwise stage: a thread computes one vector of channels, of one pixel or of a window of pixels below each
// other. Of a 3x3 kernel, 4 pixels of a window share 18 samples and 9 weights; alone they would load 36 and 36.
//
// The fused nest:
//
//   for each panel of output channels, tile of pixels: a block
//     origins of the tile's pixels -> shared                            divisions, once
//     for each chunk of 32 intermediate channels
//       weights of the chunk and the panel -> shared
//       for each window, vector of 4 channels:  taps -> mid -> flat     shared; each thread its share
//       -- all threads wait --
//       for each thread's tile:  sum += flat * weight                   registers
//     sums of the threads along z -> shared, added
//     done, written
#include "gpu.h"

#include <algorithm>
#include <vector>

#include "thread_registers.h"

using Halide::Func;
using Halide::LoopLevel;
using Halide::MemoryType;
using Halide::RVar;
using Halide::Stage;
using Halide::TailStrategy;
using Halide::Var;
using Halide::VarOrRVar;

namespace sepconv {
namespace {

constexpr int lanes = DeviceOptions::lanes;

// The samples of a window are in registers, for one place along the other axes at a time.
void schedule_window(DeviceStages& s, Stage taps, const DeviceReach& reach, bool unroll_all) {
  RVar below = s.tap[s.window_axis], outer, inner("below");
  const int rank = static_cast<int>(s.tap_at.size());
  std::vector<VarOrRVar> order{s.l, s.p};
  int unrolled = reach.taps;
  if (rank == 1) {
    outer = RVar("taps_outer");
    taps.split(below, outer, inner, window_taps);
    order.insert(order.end(), {inner, outer});
    unrolled = window_taps;
  } else {
    inner = below;
    outer = s.tap[0];
    order.emplace_back(below);
    for (int a = 0; a < rank; a++) {
      if (a != s.window_axis) order.emplace_back(s.tap[a]);
    }
  }
  taps.reorder(order).vectorize(s.l).unroll(s.p).unroll(inner);
  s.sample.compute_at(s.taps, outer)
      .store_in(MemoryType::Register)
      .bound_extent(s.l, lanes)
      .bound_extent(s.g, 1)
      .bound_extent(s.q, 1)
      .vectorize(s.l);
  for (int a = 0; a < rank; a++) {
    const int samples = unrolled + (s.options.window - 1) * reach.stride;
    s.sample.bound_extent(s.sample_at[a], a == s.window_axis ? samples : 1);
  }
  s.sample.unroll(s.sample_at[s.window_axis]);
  if (unroll_all && rank > 1) taps.unroll(outer);
}

// What a thread does for one vector of channels of one pixel, or of a window; computed at `pixel`.
void schedule_taps(DeviceStages& s, const LoopLevel& pixel, const DeviceReach& reach, int unrolled_axes) {
  const auto registers = [&](Func& func) {
    func.compute_at(pixel)
        .store_in(MemoryType::Register)
        .bound_extent(s.l, lanes)
        .bound_extent(s.p, s.options.window)
        .bound_extent(s.q, 1)
        .vectorize(s.l)
        .unroll(s.p);
  };
  registers(s.mid);
  registers(s.taps);
  Stage taps = s.taps.update();
  if (s.options.window > 1) {
    schedule_window(s, taps, reach, unrolled_axes == static_cast<int>(s.tap_at.size()));
    return;
  }
  std::vector<VarOrRVar> order{s.l};
  for (size_t a = 0; a < s.tap_at.size(); a++) order.emplace_back(s.tap[static_cast<int>(a)]);
  taps.reorder(order).vectorize(s.l);
  for (int a = 0; a < unrolled_axes; a++) taps.unroll(s.tap[a]);
  if (!s.options.all_activations) return;
  s.mid.update().reorder(s.l, s.mid_pass.x).vectorize(s.l);
  s.sample.compute_at(s.taps, s.tap[0]).store_in(MemoryType::Register).bound_extent(s.l, lanes).vectorize(s.l);
  s.sample.update().vectorize(s.l);
}

// Fills a tile of (l, pixel) with one vector of a pixel, or of a window, a thread at a time. Returns the loop over a
// thread's share.
Var share_pixels(const DeviceStages& s, Stage stage, const DeviceParameters& o) {
  Var lane("lane"), vec("vec"), tx("tx"), ty("ty"), tz("tz"), px("px"), py("py"), rest("rest"), below("below");
  const int vectors = o.chunk / lanes;
  stage.split(s.l, vec, lane, lanes, TailStrategy::RoundUp);
  if (s.options.channels_first) {
    // Neighbouring threads take neighbouring pixels.
    stage.split(s.p, py, tx, o.threads_x, TailStrategy::RoundUp);
    stage.fuse(vec, py, rest).split(rest, rest, ty, o.threads_y, TailStrategy::RoundUp);
    stage.split(rest, rest, tz, o.threads_z, TailStrategy::RoundUp);
  } else {
    // All vectors of a thread are of the same channels.
    const int window = s.options.output_window();
    stage.split(s.p, rest, below, window, TailStrategy::RoundUp);
    const int at_once = std::min(s.options.threads() / vectors, s.options.block_pixels() / window);
    stage.split(rest, rest, px, at_once, TailStrategy::RoundUp).fuse(vec, px, tx);
    stage.split(tx, ty, tx, o.threads_x, TailStrategy::GuardWithIf);
    stage.split(ty, tz, ty, o.threads_y, TailStrategy::GuardWithIf);
    stage.reorder(lane, below, rest, tx, ty, tz).unroll(below);
  }
  stage.reorder(lane, rest, tx, ty, tz).vectorize(lane).gpu_threads(tx, ty, tz);
  return rest;
}

// The pixels of a thread's tile, its share of f, and the threads' own loops, in this order from the inside.
struct TileLoops {
  Var lane{"lane"}, vec{"vec"}, i{"i"}, tx{"tx"}, ty{"ty"}, tz{"z"};
};

// Splits a block's f and p among the threads. In shared memory the vectors of one load lie beside each other, so a
// thread's own are a row of vectors apart.
void split_tile(const DeviceStages& s, Stage stage, const DeviceParameters& o, const TileLoops& t) {
  Var fj("fj");
  if (s.options.channels_first) {
    stage.split(s.f, fj, t.lane, lanes).split(fj, t.ty, t.vec, o.thread_vectors);
    stage.split(s.p, t.i, t.tx, o.threads_x);
  } else {
    stage.split(s.f, fj, t.lane, lanes).split(fj, t.vec, t.tx, o.threads_x);
    stage.split(s.p, t.i, t.ty, o.threads_y);
  }
}

void schedule_sum(DeviceStages& s, const DeviceParameters& o, const LoopLevel& block) {
  const TileLoops t;
  const auto in_block = [&](Func& func) {
    func.compute_at(block)
        .bound_extent(s.f, s.options.block_channels())
        .bound_extent(s.p, s.options.block_pixels())
        .bound_extent(s.z, o.threads_z)
        .bound_extent(s.panel, 1);
    split_tile(s, Stage(func), o, t);
    func.reorder(t.lane, t.vec, t.i, t.tx, t.ty, t.tz)
        .vectorize(t.lane)
        .unroll(t.vec)
        .unroll(t.i)
        .gpu_threads(t.tx, t.ty, t.tz);
  };
  in_block(s.sum.store_in(MemoryType::Register));
  if (o.threads_z > 1) {
    in_block(s.shares.store_in(MemoryType::GPUShared));
    s.shares.align_storage(s.f, s.options.block_channels() + lanes);
  }
  Stage update = s.sum.update();
  split_tile(s, update, o, t);
  RVar step_outer("step_outer"), step("step");
  update.split(s.k[0], step_outer, step, lanes)
      .reorder(t.lane, t.vec, step, t.i, step_outer, t.tx, t.ty, t.tz, s.k[1])
      .vectorize(t.lane)
      .unroll(t.vec)
      .unroll(step)
      .unroll(t.i)
      .gpu_threads(t.tx, t.ty, t.tz);

  // A pixel's four steps in one load.
  Func steps = s.flat.in(s.sum);
  steps.compute_at(s.sum, t.i).store_in(MemoryType::Register).vectorize(s.l);

  Var fx("fx"), lane("lane"), wx("wx"), wy("wy"), wz("wz"), rest("rest");
  s.weight.compute_at(s.sum, s.k[1])
      .store_in(MemoryType::GPUShared)
      .bound_extent(s.f, s.options.block_channels())
      .bound_extent(s.l, o.chunk);
  s.weight.split(s.f, fx, lane, lanes)
      .fuse(fx, s.l, rest)
      .split(rest, rest, wx, o.threads_x, TailStrategy::RoundUp)
      .split(rest, rest, wy, o.threads_y, TailStrategy::GuardWithIf)
      .split(rest, rest, wz, o.threads_z, TailStrategy::GuardWithIf)
      .reorder(lane, rest, wx, wy, wz)
      .vectorize(lane)
      .gpu_threads(wx, wy, wz);

  s.flat.compute_at(s.sum, s.k[1])
      .store_in(MemoryType::GPUShared)
      .bound_extent(s.p, s.options.block_pixels())
      .bound_extent(s.l, o.chunk);
  s.flat.align_storage(s.l, o.chunk + lanes);
}

// What is looked up of so many pixels, in shared memory, computed by all threads of a block.
void schedule_lookup(DeviceStages& s, Func& lookup, int pixels, int threads_x, int threads_y, const LoopLevel& block) {
  Var px("px"), py("py"), rest("rest");
  lookup.compute_at(block).store_in(MemoryType::GPUShared).bound_extent(s.p, pixels);
  lookup.split(s.p, py, px, threads_x, TailStrategy::GuardWithIf)
      .split(py, rest, py, threads_y, TailStrategy::GuardWithIf)
      .gpu_threads(px, py);
}

// A kernel that only convolves, and writes `mid` to `target`, the workspace or the output. A block takes a few windows
// of one chunk. Returns its definition.
Stage schedule_convolving(DeviceStages& s, Func target, const DeviceReach& reach, int unrolled_axes) {
  const DeviceTiles& t = s.stored;
  Stage store = target.update();
  store.allow_race_conditions().unroll(t.vec).gpu_threads(t.tx, t.ty).gpu_blocks(t.po, t.outer);
  schedule_taps(s, LoopLevel(target, t.i), reach, unrolled_axes);
  const int vectors = s.options.chunk / lanes, rows = s.options.convolving_rows();
  const bool first = s.options.channels_first;
  Func* const lookups[] = {&s.origin, s.options.split ? &s.number : &s.place};
  for (Func* lookup : lookups) {
    schedule_lookup(s, *lookup, rows * s.options.window, first ? rows : vectors, first ? vectors : rows,
                    LoopLevel(target, t.po));
  }
  return store;
}

}  // namespace

void schedule_gpu(DeviceStages& s, Func output, const DeviceParameters& o, const DeviceReach& reach,
                  int unrolled_axes) {
  if (s.options.depthwise_only) {
    Stage store = schedule_convolving(s, output, reach, unrolled_axes);
    if (!s.options.channels_first) store.specialize(s.vectors).vectorize(s.stored.lane);
    store.unroll(s.stored.lane);
    return;
  }
  const DeviceTiles& t = s.at;
  Stage store = output.update();
  store.allow_race_conditions().unroll(t.vec).unroll(t.i);
  store.gpu_threads(t.tx, t.ty, t.tz).gpu_blocks(t.po, t.outer);
  const LoopLevel block(output, t.po);
  s.done.compute_at(output, t.vec)
      .store_in(MemoryType::Register)
      .bound_extent(s.f, lanes)
      .bound_extent(s.p, 1)
      .bound_extent(s.panel, 1)
      .vectorize(s.f);
  if (s.options.all_activations) s.done.update().reorder(s.f, s.out_pass.x).vectorize(s.f);
  schedule_sum(s, o, block);
  const auto look_up = [&](Func& lookup) {
    schedule_lookup(s, lookup, s.options.block_pixels(), o.threads_x, o.threads_y, block);
  };
  look_up(s.place);
  if (!s.options.split) look_up(s.origin);
  const Var rest = share_pixels(s, Stage(s.flat), o);
  if (s.options.split) {
    Stage stored = schedule_convolving(s, s.workspace, reach, unrolled_axes);
    stored.vectorize(s.stored.lane);
    if (!s.options.channels_first) stored.specialize(s.vectors);
  } else {
    schedule_taps(s, LoopLevel(s.flat, rest), reach, unrolled_axes);
  }
  // A kernel of its own for loads and stores of 16 bytes, without a test for each channel.
  if (!s.options.channels_first) store.specialize(s.vectors).vectorize(t.lane);
  store.unroll(t.lane);
}

}  // namespace sepconv
