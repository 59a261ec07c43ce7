#include "task.h"

#include <string.h>

#include "denormals.h"
#include "gather.h"
#include "halide_bridge.h"
#include "integers.h"
#include "scratch.h"

namespace sepconv::internal {
namespace {

// Of an output that a core's second-level cache may keep from one run to the next: its lines need not be asked for.
constexpr int64_t large_output_bytes = 1 << 20;

// One axis of a task as the variant sees it: in absolute coordinates or as an image of its own (strip.h).
LeafAxis leaf_axis(const sepconv_plan& plan, const Strip& strip, int i) {
  const Geometry& g = plan.geometry;
  const bool of_its_own = strip.of_its_own[i];
  const int64_t pad_before = of_its_own ? strip.pad_before[i] : g.pad_before[i];
  LeafAxis axis;
  axis.stride = static_cast<int32_t>(strip.stride[i]);
  axis.dilation = static_cast<int32_t>(strip.dilation[i]);
  axis.pad_before = static_cast<int32_t>(pad_before - strip.first_tap[i] * strip.dilation[i]);
  axis.strip_min = of_its_own ? 0 : static_cast<int32_t>(strip.min[i]);
  axis.strip_extent = static_cast<int32_t>(strip.extent[i]);
  axis.input_min = of_its_own ? 0 : static_cast<int32_t>(strip.in_min[i]);
  axis.input_extent = static_cast<int32_t>(strip.in_extent[i]);
  axis.input_pitch = narrow_pitch(g.input_pitch.axis[i] * strip.in_step[i]);
  axis.kernel_extent = static_cast<int32_t>(g.problem.kernel_extent[i]);
  axis.first_tap = static_cast<int32_t>(strip.first_tap[i]);
  axis.taps = static_cast<int32_t>(strip.taps[i]);
  return axis;
}

// Tells the variant what to ask for: this task's share of what is read after the run or, if that is more, what the
// worker's next task reads. Tasks are handed out in order, so with n workers that is the n-th task from here.
void look_ahead(const sepconv_plan& plan, const TaskBuffers& buffers, int64_t image, int64_t in_image,
                const Strip& strip, LeafCall* call) {
  const Geometry& g = plan.geometry;
  const int64_t tasks = plan.cut.tasks;
  const Part share = part_of(buffers.next_lines, 1, g.problem.batch * tasks, image * tasks + in_image);
  call->ahead = reinterpret_cast<uintptr_t>(buffers.next) + static_cast<uint64_t>(share.begin * 64);
  call->ahead_lines = static_cast<int32_t>(share.length);
  const int64_t next = in_image + buffers.workers;
  if (plan.cut.gathers || next >= plan.cut.tasks || next / plan.cut.groups == in_image / plan.cut.groups) return;
  const Part samples = samples_ahead(g, plan.cut, strip, strip_at(g, *plan.variant, plan.cut, next / plan.cut.groups));
  const int64_t element = dtype_size(g.problem.input_dtype);
  const int64_t lines = divide_up(samples.length * g.input_pitch.axis[0] * element, 64);
  if (lines < call->ahead_lines) return;
  const int64_t first = image * g.input_pitch.image + samples.begin * g.input_pitch.axis[0];
  call->ahead = reinterpret_cast<uintptr_t>(buffers.input) + static_cast<uint64_t>(first * element);
  call->ahead_lines = static_cast<int32_t>(lines);
}

// A strip that a variant cannot write in its place goes through a tile: dense, (pixel, channel) or, with channels
// first, (channel, pixel), with `tile_pixels` pixels a channel. Calls copy(bytes in the output or the residual, bytes
// in the tile, size in bytes) for pieces that are dense in both.
template <typename Copy>
void for_each_piece(const Geometry& g, const Strip& strip, int64_t channels, int64_t tile_pixels, Copy copy) {
  const int64_t element = dtype_size(g.problem.output_dtype), step = g.output_pitch.axis[g.rank - 1];
  const int64_t width = strip.extent[g.rank - 1], rows = strip.pixels / width;
  const auto piece = [&](int64_t offset, int64_t in_tile, int64_t elements) {
    copy(offset * element, in_tile * element, static_cast<size_t>(elements * element));
  };
  for (int64_t row = 0; row < rows; ++row) {
    int64_t outer = row, offset = 0;
    for (int axis = g.rank - 2; axis >= 0; --axis) {
      offset += outer % strip.extent[axis] * g.output_pitch.axis[axis];
      outer /= strip.extent[axis];
    }
    if (g.problem.layout == SEPCONV_LAYOUT_CHANNELS_FIRST) {
      for (int64_t c = 0; c < channels; ++c) {
        piece(offset + c * g.output_pitch.channel, c * tile_pixels + row * width, width);
      }
    } else if (step == channels) {
      piece(offset, row * width * channels, width * channels);
    } else {
      for (int64_t x = 0; x < width; ++x) piece(offset + x * step, (row * width + x) * channels, channels);
    }
  }
}

// What one task computes: where it lies in the run, and in the tensors.
struct Task {
  int64_t image, in_image;  // the image, and the task's number within it
  Strip strip;
  Part panels;            // of the output channels
  int64_t first_channel;  // of these panels
  int64_t from, to;       // elements of the input and of the output before the strip
};

Task task_at(const sepconv_plan& plan, int64_t index) {
  const Geometry& g = plan.geometry;
  const Cut& cut = plan.cut;
  Task task;
  task.image = index / cut.tasks;
  task.in_image = index % cut.tasks;
  task.strip = strip_at(g, *plan.variant, cut, task.in_image / cut.groups);
  task.panels = part_of(plan.packed.panels, 1, cut.groups, task.in_image % cut.groups);
  task.first_channel = task.panels.begin * plan.variant->panel_channels;
  task.from = task.image * g.input_pitch.image;
  task.to = task.image * g.output_pitch.image + task.first_channel * g.output_pitch.channel;
  for (int axis = 0; axis < g.rank; ++axis) {
    task.from += task.strip.in_min[axis] * g.input_pitch.axis[axis];
    task.to += task.strip.min[axis] * g.output_pitch.axis[axis];
  }
  return task;
}

// The packed weights of the task's panels.
void set_weights(const sepconv_plan& plan, const TaskBuffers& buffers, const Task& task, LeafCall* call) {
  const PackedLayout& packed = plan.packed;
  const sepconv_dtype type = plan.geometry.problem.weight_dtype;
  const int64_t element = dtype_size(type);
  call->depthwise = buffers.packed + packed.depthwise;
  call->mid_bias = buffers.packed + packed.mid_bias;
  call->pointwise = buffers.packed + packed.pointwise + task.first_channel * packed.channels * element;
  call->out_bias = buffers.packed + packed.out_bias + task.first_channel * bias_size(type);
  call->chunks = static_cast<int32_t>(packed.chunks);
  call->packed_channels = static_cast<int32_t>(packed.channels);
  call->panels = static_cast<int32_t>(task.panels.length);
  call->sum_channels = static_cast<int32_t>(packed.sum_channels);
  call->sum_block = static_cast<int32_t>(packed.sum_block);
}

// What the layer's scales and zero points came to.
void set_quantisation(const sepconv_plan& plan, const TaskBuffers& buffers, const Task& task, LeafCall* call) {
  const PackedLayout& packed = plan.packed;
  call->mid_scale = buffers.packed + packed.mid_scale;
  call->out_scale = buffers.packed + packed.out_scale + task.first_channel * static_cast<int64_t>(sizeof(int32_t));
  call->scale_length = static_cast<int32_t>(packed.panels * plan.variant->panel_channels);
  memcpy(&call->quantised, buffers.packed + packed.numbers, sizeof call->quantised);
  const QuantisedNumbers& q = call->quantised;
  call->in = {SEPCONV_ACTIVATION_CLAMP, q.in_lo, q.in_hi};
  call->mid = {SEPCONV_ACTIVATION_CLAMP, q.mid_lo, q.mid_hi};
  call->out = {SEPCONV_ACTIVATION_CLAMP, q.out_lo, q.out_hi};
}

// All of the call but its output and residual.
LeafCall leaf_call(const sepconv_plan& plan, const TaskBuffers& buffers, const Task& task, ScratchArena* arena) {
  const Geometry& g = plan.geometry;
  const sepconv_problem& p = g.problem;
  LeafCall call;
  call.arena = arena;
  call.input = buffers.input + task.from * dtype_size(p.input_dtype);
  call.in_channels = static_cast<int32_t>(p.in_channels);
  call.input_channel_pitch = narrow_pitch(g.input_pitch.channel);
  for (int axis = 0; axis < g.rank; ++axis) call.axis[axis] = leaf_axis(plan, task.strip, axis);
  set_weights(plan, buffers, task, &call);
  call.depth_multiplier = static_cast<int32_t>(p.depth_multiplier);
  call.out_channels = static_cast<int32_t>(p.out_channels);
  if (plan.variant->stages != SEPCONV_STAGES_DEPTHWISE) {
    const int64_t channels = task.panels.length * plan.variant->panel_channels;
    call.out_channels = static_cast<int32_t>(smaller(channels, p.out_channels - task.first_channel));
  }
  call.in = plan.in;
  call.mid = plan.mid;
  call.out = plan.out;
  if (is_quantised(p.weight_dtype)) set_quantisation(plan, buffers, task, &call);
  look_ahead(plan, buffers, task.image, task.in_image, task.strip, &call);
  return call;
}

int call_leaf(const sepconv_variant& variant, const LeafCall& call, const ScratchArena& arena) {
  const int failure = call_variant(variant, call);
  return failure == 0 && arena.refused ? out_of_scratch : failure;
}

// Computes into a tile in the worker's slice of the workspace, and copies it from there.
int compute_through_tile(const sepconv_plan& plan, const Strip& strip, const char* residual, char* output, char* tile,
                         const ScratchArena& arena, LeafCall* call) {
  const Geometry& g = plan.geometry;
  const int64_t pixels = larger<int64_t>(strip.pixels, plan.variant->tile_pixels);
  char* const residual_tile = tile + plan.cut.tile_bytes;
  call->output = tile;
  call->output_is_large = 0;
  call->output_pixels = static_cast<int32_t>(pixels);
  call->output_pitch = g.problem.layout == SEPCONV_LAYOUT_CHANNELS_FIRST ? call->output_pixels : call->out_channels;
  call->residual_pitch = residual == nullptr ? 0 : call->output_pitch;
  if (residual != nullptr) {
    call->residual = residual_tile;
    for_each_piece(g, strip, call->out_channels, pixels, [&](int64_t at, int64_t in_tile, size_t size) {
      memcpy(residual_tile + in_tile, residual + at, size);
    });
  }
  if (int failure = call_leaf(*plan.variant, *call, arena)) return failure;
  for_each_piece(g, strip, call->out_channels, pixels,
                 [&](int64_t at, int64_t in_tile, size_t size) { memcpy(output + at, tile + in_tile, size); });
  return 0;
}

// Computes one strip into its place. `offset`: bytes of the output before it.
int compute_strip(const sepconv_plan& plan, const TaskBuffers& buffers, const Strip& strip, int64_t offset, char* slice,
                  const ScratchArena& arena, LeafCall* call) {
  const Geometry& g = plan.geometry;
  char* const output = buffers.output + offset;
  const char* const residual = buffers.residual == nullptr ? nullptr : buffers.residual + offset;
  call->residual = residual == nullptr ? buffers.zeros : residual;
  int64_t step;
  if (!writes_in_place(g, *plan.variant, strip, &step)) {
    return compute_through_tile(plan, strip, residual, output, slice + plan.cut.arena_bytes, arena, call);
  }
  call->output = output;
  call->output_is_large = g.output_bytes > large_output_bytes ? 1 : 0;
  call->output_pixels = static_cast<int32_t>(strip.pixels);
  call->output_pitch = narrow_pitch(g.problem.layout == SEPCONV_LAYOUT_CHANNELS_FIRST ? g.output_pitch.channel : step);
  call->residual_pitch = residual == nullptr ? 0 : call->output_pitch;
  return call_leaf(*plan.variant, *call, arena);
}

// The same run by run (gather.h).
int compute_gathered(const sepconv_plan& plan, const TaskBuffers& buffers, const Task& task, char* slice,
                     const ScratchArena& arena, LeafCall* call) {
  const Geometry& g = plan.geometry;
  const Cut& cut = plan.cut;
  const int x = g.rank - 1;
  const int64_t from = task.from - task.strip.in_min[x] * g.input_pitch.axis[x];
  const char* const input = buffers.input + from * dtype_size(g.problem.input_dtype);
  char* const copy = slice + cut.arena_bytes + cut.tile_bytes + cut.residual_bytes;
  for (int64_t pixel = 0; pixel < task.strip.extent[x];) {
    const GatheredRun run = run_from(g, task.strip, pixel);
    gather(g, task.strip, run, input, copy, call);
    Strip part = task.strip;
    part.extent[x] = part.pixels = run.pixels.length;
    const int64_t to = task.to + pixel * g.output_pitch.axis[x];
    if (int failure = compute_strip(plan, buffers, part, to * dtype_size(g.problem.output_dtype), slice, arena, call)) {
      return failure;
    }
    pixel += run.pixels.length;
  }
  return 0;
}

}  // namespace

int compute_task(const sepconv_plan& plan, const TaskBuffers& buffers, int64_t index, char* slice) {
  const FlushDenormals mode(plan.flush_denormals);
  const Task task = task_at(plan, index);
  ScratchArena arena = make_arena(slice, static_cast<size_t>(plan.cut.arena_bytes));
  LeafCall call = leaf_call(plan, buffers, task, &arena);
  if (plan.cut.gathers) return compute_gathered(plan, buffers, task, slice, arena, &call);
  const int64_t offset = task.to * dtype_size(plan.geometry.problem.output_dtype);
  return compute_strip(plan, buffers, task.strip, offset, slice, arena, &call);
}

}  // namespace sepconv::internal
