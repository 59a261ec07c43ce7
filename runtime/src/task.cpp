#include "task.h"

#include <string.h>

#include "halide_bridge.h"
#include "integers.h"
#include "scratch.h"

namespace sepconv::internal {
namespace {

// Writes down one axis of a task as the variant sees it: absolute coordinates, or, for images too large for 32 bits,
// coordinates that count from the slice, as if it were a small image of its own with its own padding.
LeafAxis leaf_axis(const sepconv_plan& plan, const Strip& strip, int i) {
  const Geometry& g = plan.geometry;
  int64_t pad_before = g.pad_before[i], strip_min = strip.min[i], input_min = strip.in_min[i];
  int64_t dilation = g.dilation[i], pitch = g.input_pitch.axis[i];
  if (strip.in_step[i] > 1) {
    // Every in_step-th sample is the next one; tap first_tap reads the first of the slice.
    pad_before = strip.first_tap[i];
    strip_min = input_min = 0;
    dilation = 1;
    pitch *= strip.in_step[i];
  } else if (plan.cut.local_coordinates) {
    pad_before = input_min + pad_before - strip_min * g.stride[i];
    strip_min = input_min = 0;
  }
  LeafAxis axis;
  axis.stride = static_cast<int32_t>(g.stride[i]);
  axis.dilation = static_cast<int32_t>(dilation);
  axis.pad_before = static_cast<int32_t>(pad_before);
  axis.strip_min = static_cast<int32_t>(strip_min);
  axis.strip_extent = static_cast<int32_t>(strip.extent[i]);
  axis.input_min = static_cast<int32_t>(input_min);
  axis.input_extent = static_cast<int32_t>(strip.in_extent[i]);
  axis.input_pitch = static_cast<int32_t>(smaller<int64_t>(pitch, INT32_MAX));  // too large only where it steps nowhere
  axis.taps = static_cast<int32_t>(g.problem.kernel_extent[i]);
  return axis;
}

// Copies a strip of a group of channels out of the tile that it was computed in, run by run: the channels of a pixel, or
// a whole row of pixels where they lie one behind the other on both sides.
void copy_strip(const Geometry& g, const Strip& strip, int64_t channels, const char* tile, int64_t tile_step,
                char* output) {
  const int64_t element = dtype_size(g.problem.output_dtype), step = g.output_pitch.axis[g.rank - 1];
  const int64_t width = strip.extent[g.rank - 1], rows = strip.pixels / width;
  const bool whole_rows = step == tile_step && tile_step == channels;
  const size_t run = static_cast<size_t>((whole_rows ? width * channels : channels) * element);
  for (int64_t row = 0; row < rows; ++row) {
    int64_t outer = row, offset = 0;
    for (int axis = g.rank - 2; axis >= 0; --axis) {
      offset += outer % strip.extent[axis] * g.output_pitch.axis[axis];
      outer /= strip.extent[axis];
    }
    for (int64_t x = 0; x < (whole_rows ? 1 : width); ++x) {
      memcpy(output + (offset + x * step) * element, tile + (row * width + x) * tile_step * element, run);
    }
  }
}

}  // namespace

int compute_task(const sepconv_plan& plan, const TaskBuffers& buffers, int64_t index, char* slice) {
  const Geometry& g = plan.geometry;
  const sepconv_problem& p = g.problem;
  const sepconv_variant& row = *plan.row;
  const Cut& cut = plan.cut;
  const int64_t weight = dtype_size(p.weight_dtype);
  const int64_t image = index / cut.tasks, in_image = index % cut.tasks;
  const Strip strip = strip_at(g, row, cut, in_image / cut.groups);
  const Part panels = part_of(plan.packed.panels, 1, cut.groups, in_image % cut.groups);
  const int64_t first_output = panels.begin * row.panel_channels;

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
  call.in_channels = static_cast<int32_t>(p.in_channels);
  call.chunks = static_cast<int32_t>(plan.packed.chunks);
  call.packed_channels = static_cast<int32_t>(plan.packed.channels);
  call.panels = static_cast<int32_t>(panels.length);
  call.out_channels = static_cast<int32_t>(smaller(panels.length * row.panel_channels, p.out_channels - first_output));
  call.depth_multiplier = static_cast<int32_t>(p.depth_multiplier);
  call.sum_channels = static_cast<int32_t>(plan.packed.sum_channels);
  call.sum_block = static_cast<int32_t>(plan.packed.sum_block);
  call.mid_lo = plan.mid.lo;
  call.mid_hi = plan.mid.hi;
  call.out_lo = plan.out.lo;
  call.out_hi = plan.out.hi;
  call.input_channel_pitch = static_cast<int32_t>(g.input_pitch.channel);

  char* target = buffers.output + to * dtype_size(p.output_dtype);
  int64_t step;
  if (writes_in_place(g, row, strip, &step)) {
    call.output = target;
    call.output_pixels = static_cast<int32_t>(strip.pixels);
    call.output_pitch = static_cast<int32_t>(smaller<int64_t>(step, INT32_MAX));  // too large for one pixel only
    call.output_channel_pitch = static_cast<int32_t>(g.output_pitch.channel);
    return call_variant(row, call);
  }
  char* tile = slice + cut.arena_bytes;
  call.output = tile;
  call.output_pixels = static_cast<int32_t>(larger<int64_t>(strip.pixels, row.tile_pixels));
  call.output_pitch = call.out_channels;
  call.output_channel_pitch = 1;
  if (int failure = call_variant(row, call)) return failure;
  copy_strip(g, strip, call.out_channels, tile, call.output_pitch, target);
  return 0;
}

}  // namespace sepconv::internal
