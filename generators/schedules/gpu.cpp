// Schedules for GPUs, CUDA's and OpenCL's. Two families: `fused`, one kernel in which the depthwise result of a chunk
// of channels exists in shared memory only; `split`, two kernels with the workspace between them, where a depthwise
// result is computed once, however many panels of output channels want it.
//
// Budget of a block, channels_last defaults (16 x 8 threads, 8 pixels and one vector of 4 channels each, chunks of 16):
//   output       64 pixels x 64 channels
//   registers    32 sums, 4 weights x 4 steps, 4 steps of a pixel, and the addresses of the depthwise stage's loads:
//                below 128 a thread, so that 4 blocks of 128 threads fit a multiprocessor's 65,536
//   shared       flat 64 x 16 x 4 = 4 KB, weights 16 x 64 x 4 = 4 KB, origins 64 x 5 x 4 = 1.25 KB
//   occupancy    by registers: 4 to 8 blocks, 16 to 32 warps
// For each 4 steps of the channel sum a thread loads 8 x 16 bytes of flat (a broadcast to the threads of its row) and 4
// x 16 bytes of weights (adjacent to its neighbours') for 128 multiply-adds.
//
// Banks of shared memory: 8 threads take part in one access of 16 bytes each. Channels last, flat is (pixel, l) without
// a gap: 8 threads write 128 bytes in a row, and read one pixel. Channels first, threads run along the pixels: a pitch
// of L + 4 puts 8 neighbours into 8 different quadruples of banks. Weights are read as 128 bytes in a row, or one
// vector.
//
// The fused nest:
//
//   for each panel of output channels, tile of pixels: a block
//     origins of the tile's pixels -> shared                            divisions, once
//     for each chunk of 16 intermediate channels
//       weights of the chunk and the panel -> shared
//       for each pixel, vector of 4 channels:  taps -> mid -> flat      shared; each thread its share
//       -- all threads wait --
//       for each thread's tile:  sum += flat * weight                   registers
//     done, written
#include "gpu.h"

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

// What a thread does for one vector of channels of one pixel; computed at `pixel`.
void schedule_taps(DeviceStages& s, const LoopLevel& pixel, int unrolled_axes) {
  const auto registers = [&](Func& func) {
    return func.compute_at(pixel)
        .store_in(MemoryType::Register)
        .bound_extent(s.l, lanes)
        .bound_extent(s.p, 1)
        .bound_extent(s.q, 1);
  };
  registers(s.mid).vectorize(s.l);
  registers(s.taps).vectorize(s.l);
  Stage taps = s.taps.update();
  std::vector<VarOrRVar> order{s.l};
  for (size_t a = 0; a < s.tap_at.size(); a++) order.emplace_back(s.tap[static_cast<int>(a)]);
  taps.reorder(order).vectorize(s.l);
  for (int a = 0; a < unrolled_axes; a++) taps.unroll(s.tap[a]);
  if (!s.options.all_activations) return;
  s.mid.update().reorder(s.l, s.mid_pass.x).vectorize(s.l);
  s.sample.compute_at(s.taps, s.tap[0]).store_in(MemoryType::Register).bound_extent(s.l, lanes).vectorize(s.l);
  s.sample.update().vectorize(s.l);
}

// Fills a tile of (l, pixel) with one vector of a pixel a thread at a time. Returns the loop over a thread's share.
Var share_pixels(const DeviceStages& s, Stage stage, const DeviceParameters& o) {
  Var lane("lane"), vec("vec"), tx("tx"), ty("ty"), px("px"), py("py"), rest("rest");
  const int vectors = o.chunk / lanes;
  stage.split(s.l, vec, lane, lanes, TailStrategy::RoundUp);
  if (s.options.channels_first) {
    // Neighbouring threads take neighbouring pixels.
    stage.split(s.p, py, tx, o.threads_x, TailStrategy::RoundUp);
    stage.fuse(vec, py, rest).split(rest, rest, ty, o.threads_y, TailStrategy::RoundUp);
  } else {
    const int near = o.threads_x / vectors;
    stage.split(s.p, py, px, near, TailStrategy::RoundUp).fuse(vec, px, tx);
    stage.split(py, rest, ty, o.threads_y, TailStrategy::RoundUp);
  }
  stage.reorder(lane, rest, tx, ty).vectorize(lane).gpu_threads(tx, ty);
  return rest;
}

// The pixels of a thread's tile, its share of f, and the threads' own loops, in this order from the inside.
struct TileLoops {
  Var lane{"lane"}, vec{"vec"}, i{"i"}, tx{"tx"}, ty{"ty"};
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
    stage.split(s.p, t.ty, t.i, o.thread_pixels);
  }
}

void schedule_sum(DeviceStages& s, const DeviceParameters& o, const LoopLevel& block) {
  const TileLoops t;
  s.sum.compute_at(block)
      .store_in(MemoryType::Register)
      .bound_extent(s.f, s.options.block_channels())
      .bound_extent(s.p, s.options.block_pixels())
      .bound_extent(s.panel, 1);
  split_tile(s, Stage(s.sum), o, t);
  s.sum.reorder(t.lane, t.vec, t.i, t.tx, t.ty).vectorize(t.lane).unroll(t.vec).unroll(t.i).gpu_threads(t.tx, t.ty);
  Stage update = s.sum.update();
  split_tile(s, update, o, t);
  RVar step_outer("step_outer"), step("step");
  update.split(s.k[0], step_outer, step, lanes)
      .reorder(t.lane, t.vec, step, t.i, step_outer, t.tx, t.ty, s.k[1])
      .vectorize(t.lane)
      .unroll(t.vec)
      .unroll(step)
      .unroll(t.i)
      .gpu_threads(t.tx, t.ty);

  // A pixel's four steps in one load.
  Func steps = s.flat.in(s.sum);
  steps.compute_at(s.sum, t.i).store_in(MemoryType::Register).vectorize(s.l);

  Var fx("fx"), lane("lane"), wx("wx"), wy("wy"), rest("rest");
  s.weight.compute_at(s.sum, s.k[1])
      .store_in(MemoryType::GPUShared)
      .bound_extent(s.f, s.options.block_channels())
      .bound_extent(s.l, o.chunk);
  s.weight.split(s.f, fx, lane, lanes)
      .fuse(fx, s.l, rest)
      .split(rest, rest, wx, o.threads_x, TailStrategy::RoundUp)
      .split(rest, rest, wy, o.threads_y, TailStrategy::GuardWithIf)
      .reorder(lane, rest, wx, wy)
      .vectorize(lane)
      .gpu_threads(wx, wy);

  s.flat.compute_at(s.sum, s.k[1])
      .store_in(MemoryType::GPUShared)
      .bound_extent(s.p, s.options.block_pixels())
      .bound_extent(s.l, o.chunk);
  if (s.options.channels_first) s.flat.align_storage(s.l, o.chunk + lanes);
}

// origin(p) in shared memory, computed by all threads of a block.
void schedule_origin(DeviceStages& s, Func& origin, const DeviceParameters& o, const LoopLevel& block) {
  Var px("px"), py("py"), rest("rest");
  origin.compute_at(block).store_in(MemoryType::GPUShared).bound_extent(s.p, s.options.block_pixels());
  origin.split(s.p, py, px, o.threads_x, TailStrategy::RoundUp)
      .split(py, rest, py, o.threads_y, TailStrategy::GuardWithIf)
      .gpu_threads(px, py);
}

// split: the kernel that fills the workspace. A block takes the pixels of a tile of the other kernel for one chunk.
void schedule_workspace(DeviceStages& s, const DeviceParameters& o, int unrolled_axes) {
  const DeviceTiles& t = s.stored;
  Stage store = s.workspace.update();
  store.allow_race_conditions().vectorize(t.lane).gpu_threads(t.tx, t.ty).gpu_blocks(t.po, t.outer);
  schedule_taps(s, LoopLevel(s.workspace, t.i), unrolled_axes);
  schedule_origin(s, s.origin_of_mid, o, LoopLevel(s.workspace, t.po));
  if (!s.options.channels_first) store.specialize(s.vectors);
}

}  // namespace

void schedule_gpu(DeviceStages& s, Func output, const DeviceParameters& o, int unrolled_axes) {
  const DeviceTiles& t = s.at;
  Stage store = output.update();
  store.allow_race_conditions().unroll(t.vec).unroll(t.i);
  store.gpu_threads(t.tx, t.ty).gpu_blocks(t.po, t.outer);
  const LoopLevel block(output, t.po);
  s.done.compute_at(output, t.vec)
      .store_in(MemoryType::Register)
      .bound_extent(s.f, lanes)
      .bound_extent(s.p, 1)
      .bound_extent(s.panel, 1)
      .vectorize(s.f);
  if (s.options.all_activations) s.done.update().reorder(s.f, s.out_pass.x).vectorize(s.f);
  schedule_sum(s, o, block);
  schedule_origin(s, s.origin, o, block);
  const Var rest = share_pixels(s, Stage(s.flat), o);
  if (s.options.split) {
    schedule_workspace(s, o, unrolled_axes);
  } else {
    schedule_taps(s, LoopLevel(s.flat, rest), unrolled_axes);
  }
  // A kernel of its own for loads and stores of 16 bytes, without a test for each channel.
  if (!s.options.channels_first) store.specialize(s.vectors).vectorize(t.lane);
  store.unroll(t.lane);
}

}  // namespace sepconv
