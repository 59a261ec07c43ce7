#include "task.h"

#include <string.h>

#include "halide_bridge.h"
#include "integers.h"
#include "scratch.h"

namespace sepconv::internal {
namespace {

// Of an output that a core's second-level cache may keep from one run to the next: its lines need not be asked for.
constexpr int64_t large_output_bytes = 1 << 20;

// A pitch as a variant takes it. One that is too large steps nowhere: the planner has seen to that.
int32_t leaf_pitch(int64_t pitch) { return static_cast<int32_t>(smaller<int64_t>(pitch, INT32_MAX)); }

// Writes down one axis of a task as the variant sees it: absolute coordinates, or, for images too large for 32 bits,
// coordinates that count from the slice, as if it were a small image of its own with its own padding.
LeafAxis leaf_axis(const sepconv_plan& plan, const Strip& strip, int i) {
  const Geometry& g = plan.geometry;
  const sepconv_variant& variant = *plan.variant;
  int64_t pad_before = g.pad_before[i], strip_min = strip.min[i], input_min = strip.in_min[i];
  int64_t stride = g.stride[i], dilation = g.dilation[i], pitch = g.input_pitch.axis[i];
  if (strip.in_step[i] > 1) {
    // Every in_step-th sample is the next one. A single output may have any stride.
    pad_before = strip.before[i];
    strip_min = input_min = 0;
    if (variant.stride[i] == 0) stride = strip.extent[i] == 1 ? 1 : stride / strip.in_step[i];
    dilation = larger<int64_t>(dilation / strip.in_step[i], 1);
    pitch *= strip.in_step[i];
  } else if (plan.cut.local_coordinates) {
    pad_before = input_min + pad_before - strip_min * stride;
    strip_min = input_min = 0;
  }
  LeafAxis axis;
  axis.stride = static_cast<int32_t>(stride);
  axis.dilation = static_cast<int32_t>(dilation);
  axis.pad_before = static_cast<int32_t>(pad_before - strip.first_tap[i] * dilation);
  axis.strip_min = static_cast<int32_t>(strip_min);
  axis.strip_extent = static_cast<int32_t>(strip.extent[i]);
  axis.input_min = static_cast<int32_t>(input_min);
  axis.input_extent = static_cast<int32_t>(strip.in_extent[i]);
  axis.input_pitch = leaf_pitch(pitch);
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
  if (next >= plan.cut.tasks || next / plan.cut.groups == in_image / plan.cut.groups) return;
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

}  // namespace

int compute_task(const sepconv_plan& plan, const TaskBuffers& buffers, int64_t index, char* slice) {
  const Geometry& g = plan.geometry;
  const sepconv_problem& p = g.problem;
  const sepconv_variant& variant = *plan.variant;
  const Cut& cut = plan.cut;
  const bool channels_first = p.layout == SEPCONV_LAYOUT_CHANNELS_FIRST;
  const int64_t element = dtype_size(p.output_dtype), weight = dtype_size(p.weight_dtype);
  const int64_t image = index / cut.tasks, in_image = index % cut.tasks;
  const Strip strip = strip_at(g, variant, cut, in_image / cut.groups);
  const Part panels = part_of(plan.packed.panels, 1, cut.groups, in_image % cut.groups);
  const int64_t first_output = panels.begin * variant.panel_channels;

  LeafCall call;
  int64_t from = image * g.input_pitch.image, to = image * g.output_pitch.image + first_output * g.output_pitch.channel;
  for (int axis = 0; axis < g.rank; ++axis) {
    call.axis[axis] = leaf_axis(plan, strip, axis);
    from += strip.in_min[axis] * g.input_pitch.axis[axis];
    to += strip.min[axis] * g.output_pitch.axis[axis];
  }
  ScratchArena arena = make_arena(slice, static_cast<size_t>(cut.arena_bytes));
  call.arena = &arena;
  call.input = buffers.input + from * dtype_size(p.input_dtype);
  call.depthwise = buffers.packed + plan.packed.depthwise;
  call.mid_bias = buffers.packed + plan.packed.mid_bias;
  call.pointwise = buffers.packed + plan.packed.pointwise + first_output * plan.packed.channels * weight;
  call.out_bias = buffers.packed + plan.packed.out_bias + first_output * weight;
  look_ahead(plan, buffers, image, in_image, strip, &call);
  call.output_is_large = g.output_bytes > large_output_bytes ? 1 : 0;
  call.in_channels = static_cast<int32_t>(p.in_channels);
  call.input_channel_pitch = leaf_pitch(g.input_pitch.channel);
  call.chunks = static_cast<int32_t>(plan.packed.chunks);
  call.packed_channels = static_cast<int32_t>(plan.packed.channels);
  call.panels = static_cast<int32_t>(panels.length);
  call.out_channels = static_cast<int32_t>(p.out_channels);
  if (variant.stages != SEPCONV_STAGES_DEPTHWISE) {
    call.out_channels =
        static_cast<int32_t>(smaller(panels.length * variant.panel_channels, p.out_channels - first_output));
  }
  call.depth_multiplier = static_cast<int32_t>(p.depth_multiplier);
  call.sum_channels = static_cast<int32_t>(plan.packed.sum_channels);
  call.sum_block = static_cast<int32_t>(plan.packed.sum_block);
  call.in = plan.in;
  call.mid = plan.mid;
  call.out = plan.out;

  char* const output = buffers.output + to * element;
  const char* const residual = buffers.residual == nullptr ? nullptr : buffers.residual + to * element;
  call.residual = residual == nullptr ? buffers.zeros : residual;
  int64_t step;
  if (writes_in_place(g, variant, strip, &step)) {
    call.output = output;
    call.output_pixels = static_cast<int32_t>(strip.pixels);
    call.output_pitch = leaf_pitch(channels_first ? g.output_pitch.channel : step);
    call.residual_pitch = residual == nullptr ? 0 : call.output_pitch;
    return call_variant(variant, call);
  }
  char* const tile = slice + cut.arena_bytes;
  char* const residual_tile = tile + cut.tile_bytes;
  const int64_t pixels = larger<int64_t>(strip.pixels, variant.tile_pixels);
  call.output = tile;
  call.output_is_large = 0;
  call.output_pixels = static_cast<int32_t>(pixels);
  call.output_pitch = channels_first ? call.output_pixels : call.out_channels;
  call.residual_pitch = residual == nullptr ? 0 : call.output_pitch;
  if (residual != nullptr) {
    call.residual = residual_tile;
    for_each_piece(g, strip, call.out_channels, pixels, [&](int64_t at, int64_t in_tile, size_t size) {
      memcpy(residual_tile + in_tile, residual + at, size);
    });
  }
  if (int failure = call_variant(variant, call)) return failure;
  for_each_piece(g, strip, call.out_channels, pixels,
                 [&](int64_t at, int64_t in_tile, size_t size) { memcpy(output + at, tile + in_tile, size); });
  return 0;
}

}  // namespace sepconv::internal
