// What a strip may be: what 32-bit indices reach, and what stays in a cache.
#include "cut_planner.h"
#include "gather.h"
#include "terms.h"

namespace sepconv::internal {
namespace {

// Samples of the image between the first and the last that `extent` outputs of an axis read, both included.
int64_t span(const Geometry& g, int axis, int64_t extent) {
  return saturating_add(saturating_multiply(extent - 1, g.stride[axis]), g.reach[axis]);
}

// Elements from the first channel of a pixel to behind the last.
int64_t channels_span(int64_t channels, const TensorPitch& pitch) {
  return saturating_add(saturating_multiply(channels - 1, pitch.channel), 1);
}

}  // namespace

Planner::Misfit Planner::misfit(int cut_axis, int64_t segment) const {
  int64_t extent[SEPCONV_MAX_SPATIAL_RANK];
  box(cut_axis, segment, extent);
  int64_t pixels = 1, last = 0;  // last: offset of the strip's last pixel in the output
  for (int axis = g.rank - 1; axis >= 0; --axis) {
    const bool whole = extent[axis] == g.out_extent[axis];
    const int64_t samples = whole ? g.in_extent[axis] : smaller(g.in_extent[axis], span(g, axis, extent[axis]));
    if (samples > 1 && saturating_multiply(samples, g.input_pitch.axis[axis]) > limits.indices) {
      return {"the samples under one output pixel lie too far apart",
              term_in_channels | term_in_extent | term_kernel | term_input_pitch};
    }
    if (saturating_add(span(g, axis, extent[axis]), g.stride[axis]) > limits.indices)
      return {"the taps of one output pixel reach too far", term_kernel | term_stride};
    if (saturating_add(samples, g.pad_before[axis]) > limits.indices)
      return {"the padding reaches too far", term_padding | term_kernel};
    last = saturating_add(last, saturating_multiply(extent[axis] - 1, g.output_pitch.axis[axis]));
    pixels = saturating_multiply(pixels, extent[axis]);
  }
  if (channels_span(g.problem.in_channels, g.input_pitch) > limits.indices)
    return {"the channels of one input pixel reach too far", term_in_channels | term_input_pitch};
  const int64_t computed = larger<int64_t>(pixels, variant.tile_pixels);
  if (saturating_multiply(computed, g.problem.out_channels) > limits.indices)
    return {"the output channels are too many", term_out_channels};
  if (saturating_add(last, channels_span(g.problem.out_channels, g.output_pitch)) > limits.indices)
    return {"the output pixels of one strip reach too far", term_out_channels | term_output_pitch};
  const int64_t bytes = larger(scratch_bytes(g, variant, packed, extent, packed.panels),
                               gathers ? gathered_bytes(g, variant, segment) : 0);
  if (bytes / dtype_size(g.problem.output_dtype) > limits.indices) {
    return {"the scratch of one strip is too large",
            term_in_channels | term_multiplier | term_out_channels | term_kernel | term_stride};
  }
  return {nullptr, 0};
}

bool Planner::image_fits() const {
  int64_t last = 0;  // offset of the image's last pixel
  for (int axis = 0; axis < g.rank; ++axis) {
    const int64_t end = larger(g.in_extent[axis], span(g, axis, g.out_extent[axis]));
    if (saturating_add(end, g.pad_before[axis] + g.stride[axis]) > limits.indices) return false;
    last = saturating_add(last, saturating_multiply(g.in_extent[axis] - 1, g.input_pitch.axis[axis]));
  }
  return saturating_add(last, channels_span(g.problem.in_channels, g.input_pitch)) <= limits.indices;
}

bool Planner::small_enough(int cut_axis, int64_t segment) const {
  if (!fits(cut_axis, segment)) return false;
  if (variant.strip_pixels > 0) {
    // A single row may be half as large again before it is worth cutting.
    const int64_t pixels = saturating_multiply(segment, inner_pixels(cut_axis));
    return pixels <= variant.strip_pixels ||
           (segment == 1 && pixels <= variant.strip_pixels + variant.strip_pixels / 2);
  }
  int64_t extent[SEPCONV_MAX_SPATIAL_RANK];
  box(cut_axis, segment, extent);
  const int64_t copied = gathers ? gathered_bytes(g, variant, segment) : 0;
  return saturating_add(scratch_bytes(g, variant, packed, extent, packed.panels), copied) <= limits.scratch_bytes;
}

double Planner::staged_for_each_read(int cut_axis, int64_t segment) const {
  int64_t extent[SEPCONV_MAX_SPATIAL_RANK];
  box(cut_axis, segment, extent);
  double ratio = 1;
  for (int axis = 0; axis < g.rank; ++axis) {
    const int64_t seen = seen_samples(g, variant, axis, extent[axis], extent[axis]);
    const int64_t read = smaller(seen, saturating_multiply(extent[axis], g.problem.kernel_extent[axis]));
    ratio *= static_cast<double>(seen) / static_cast<double>(read);
  }
  return ratio;
}

}  // namespace sepconv::internal
