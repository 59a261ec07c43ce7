// How large the window and the blocks of a stream are, and where everything lies.
#include <inttypes.h>

#include "error.h"
#include "integers.h"
#include "stream.h"
#include "terms.h"

namespace sepconv::internal {

void set_block(int64_t frames, int64_t outputs, int64_t pad_before, int64_t stride, int64_t capacity, Geometry* g) {
  const bool channels_last = g->problem.layout == SEPCONV_LAYOUT_CHANNELS_LAST;
  const int64_t channels = g->problem.in_channels;
  g->in_extent[0] = g->in_pixels = frames;
  g->out_extent[0] = g->out_pixels = outputs;
  g->pad_before[0] = pad_before;
  g->pad_after[0] = 0;
  g->stride[0] = stride;
  g->input_pitch.image = capacity * channels;
  g->input_pitch.channel = channels_last ? 1 : capacity;
  g->input_pitch.axis[0] = channels_last ? channels : 1;
}

void set_output(int64_t frames, Geometry* g) {
  const bool channels_last = g->problem.layout == SEPCONV_LAYOUT_CHANNELS_LAST;
  const int64_t channels = g->problem.out_channels;
  g->output_pitch.image = saturating_multiply(frames, channels);
  g->output_pitch.channel = channels_last ? 1 : frames;
  g->output_pitch.axis[0] = channels_last ? channels : 1;
}

sepconv_status lay_out_stream(const sepconv_plan& plan, StreamLayout* layout) {
  const sepconv_problem& p = plan.geometry.problem;
  const int64_t stride = p.stride[0], reach = plan.geometry.reach[0];
  const int64_t before = plan.geometry.pad_before[0], after = plan.geometry.pad_after[0];
  if (p.spatial_rank != 1) {
    return fail(SEPCONV_INVALID_ARGUMENT, "plan has %" PRId32 " spatial axes: a stream needs spatial_rank 1",
                p.spatial_rank);
  }
  if (p.padding == SEPCONV_PADDING_SAME && stride != 1) {
    return fail(SEPCONV_UNSUPPORTED,
                "plan has SEPCONV_PADDING_SAME and stride %" PRId64
                ": the length of the whole signal decides where its zeros go; a stream needs causal or explicit ones",
                stride);
  }
  if (before >= reach || after >= reach) {
    return fail(SEPCONV_UNSUPPORTED,
                "plan has pad_before %" PRId64 " and pad_after %" PRId64
                ": in a stream they must be less than the %" PRId64 " frames that the kernel reaches over",
                before, after, reach);
  }
  layout->delay = reach - 1 - before;
  if (plan.variant->driver != nullptr) return fail(SEPCONV_UNSUPPORTED, "plan is for a GPU: streams run on the CPU");
  if (plan.variant->in_extent[0] != 0) {
    return fail(SEPCONV_UNSUPPORTED,
                "variant %s is compiled for %" PRId64
                " frames: plan the stream with options.variant and a variant that leaves them open",
                plan.variant->name, plan.variant->in_extent[0]);
  }
  // As many outputs at once as the planner would put into one strip of a long signal, with steps that fit its indices.
  constexpr int64_t long_signal = 1 << 16, widest_block = 1 << 20;
  Geometry g = plan.geometry;
  const int64_t outputs = clamped(widest_block / stride, 1, long_signal);
  const int64_t frames = saturating_add(saturating_multiply(outputs - 1, stride), reach);
  if (frames > INT32_MAX) {
    return fail_for(SEPCONV_UNSUPPORTED, g, term_kernel, "the kernel reaches over too many frames for 32-bit indices");
  }
  set_block(frames, outputs, 0, effective_step(stride, outputs), frames, &g);
  set_output(outputs, &g);
  if (sepconv_status status = cut_image(g, *plan.variant, plan.packed, 1, CutLimits{}, &layout->cut)) return status;
  Cut& cut = layout->cut;
  Strip largest = strip_at(g, *plan.variant, cut, 0), smallest = largest;
  smallest.extent[0] = smallest.pixels = 1;
  measure_cut(g, *plan.variant, plan.packed, largest, smallest, &cut);
  layout->block = largest.pixels;
  cut.cut_axis = 0;
  cut.segments = cut.strips = 1;
  cut.tasks = cut.groups;
  cut.local_coordinates = false;

  // Room for a block beside the frames that it needs from before; as much again where these are the larger part, so
  // that moving them is rare.
  const int64_t history = reach - 1, step = larger<int64_t>((layout->block - 1) * stride + 1, history);
  layout->capacity = saturating_add(history, step);
  if (saturating_multiply(layout->capacity, p.in_channels) > INT32_MAX) {
    return fail_for(SEPCONV_UNSUPPORTED, plan.geometry, term_in_channels | term_kernel | term_stride,
                    "the frames that a stream has to hold are too large for 32-bit indices");
  }
  const int64_t signal =
      saturating_multiply(saturating_multiply(layout->capacity, p.in_channels), dtype_size(p.input_dtype));
  layout->zeros = round_up(static_cast<int64_t>(sizeof(sepconv_stream)), stream_alignment);
  layout->slice = saturating_add(layout->zeros, cut.zero_bytes);
  layout->starts = saturating_add(layout->slice, round_up(cut.worker_bytes, stream_alignment));
  const int64_t starts = round_up(saturating_multiply(p.batch, sizeof(int64_t)), stream_alignment);
  layout->window = saturating_add(layout->starts, starts);
  const int64_t windows = round_up(saturating_multiply(signal, p.batch), stream_alignment);
  layout->size = saturating_add(layout->window, windows);
  if (windows == too_large || layout->size >= PTRDIFF_MAX) {
    return fail_for(SEPCONV_UNSUPPORTED, plan.geometry, term_batch | term_in_channels | term_kernel | term_stride,
                    "the state of a stream is too large");
  }
  return SEPCONV_OK;
}

}  // namespace sepconv::internal
