// The call of a GPU variant, but for what a run's arguments bring.
#include "device.h"
#include "device_time.h"
#include "error.h"
#include "integers.h"
#include "terms.h"

namespace sepconv::internal {
namespace {

bool vector_pitches(const TensorPitch& pitch, int32_t rank) {
  bool all = pitch.image % vector_elements == 0;
  for (int axis = 0; axis < rank; ++axis) all = all && pitch.axis[axis] % vector_elements == 0;
  return all;
}

int32_t number(int64_t value) { return static_cast<int32_t>(value); }

// Of each tensor up to its last element.
struct Elements {
  int64_t input, output, packed, workspace;
};

Elements elements_of(const sepconv_plan& plan) {
  const Geometry& g = plan.geometry;
  const int64_t element = dtype_size(g.problem.weight_dtype);
  const int64_t pixels = saturating_multiply(g.problem.batch, g.out_pixels);
  return {g.input_bytes / element, g.output_bytes / element, static_cast<int64_t>(plan.packed.size) / element,
          plan.variant->split == 0 ? 0 : saturating_multiply(pixels, plan.packed.channels)};
}

// What the 32-bit indices of a GPU variant and a device's numbers of blocks can reach.
sepconv_status check_reach(const sepconv_plan& plan, const Elements& elements) {
  constexpr int64_t most_blocks = 65535;   // along the grid's second and third axis, on CUDA
  constexpr int64_t largest_block = 4096;  // pixels: the last block may reach over the last pixel
  constexpr sepconv_status unsupported = SEPCONV_UNSUPPORTED;
  const Geometry& g = plan.geometry;
  // The kernels count whole windows.
  const int64_t along = g.out_extent[window_axis(g.rank)], window = plan.variant->depthwise_rows;
  const int64_t pixels = saturating_multiply(saturating_multiply(g.problem.batch, g.out_pixels / along),
                                             saturating_multiply(divide_up(along, window), window));
  constexpr unsigned in = term_batch | term_in_channels | term_in_extent | term_input_pitch;
  constexpr unsigned out = term_batch | term_out_channels | term_out_extent | term_output_pitch;
  constexpr unsigned weights = term_in_channels | term_multiplier | term_out_channels | term_taps;
  const struct {
    const char* excess;
    int64_t elements;
    unsigned terms;
  } tensors[] = {{"the input is too large for the 32-bit indices of a GPU variant", elements.input, in},
                 {"the output is too large for the 32-bit indices of a GPU variant", elements.output, out},
                 {"the packed weights are too large for the 32-bit indices of a GPU variant", elements.packed, weights},
                 {"the output's pixels are too many for the 32-bit indices of a GPU variant",
                  saturating_add(pixels, largest_block), term_batch | term_out_extent}};
  for (const auto& tensor : tensors) {
    if (tensor.elements > INT32_MAX) return fail_for(unsupported, g, tensor.terms, tensor.excess);
  }
  if (plan.packed.panels > most_blocks)
    return fail_for(unsupported, g, term_out_channels, "the output channels take too many of a GPU's blocks");
  if (plan.packed.chunks > most_blocks) {
    return fail_for(unsupported, g, term_in_channels | term_multiplier,
                    "the intermediate channels take too many of a GPU's blocks");
  }
  for (int i = 0; i < g.rank; ++i) {
    // Where a tap reads, counted from the image's first sample.
    const int64_t padded = saturating_add(g.pad_before[i], saturating_add(g.in_extent[i], g.pad_after[i]));
    if (saturating_add(padded, g.reach[i]) <= INT32_MAX) continue;
    return fail_for(unsupported, g, term_in_extent | term_padding | term_kernel,
                    "an axis with its padding is too long for the 32-bit indices of a GPU variant");
  }
  return SEPCONV_OK;
}

void set_weights(const PackedLayout& packed, int64_t element, sepconv_device_call* call) {
  const auto at = [&](size_t offset) { return number(static_cast<int64_t>(offset) / (16 * element)); };
  call->mid_bias_at = at(packed.mid_bias);
  call->depthwise_at = at(packed.depthwise);
  call->pointwise_at = at(packed.pointwise);
  call->out_bias_at = at(packed.out_bias);
  call->chunks = number(packed.chunks);
}

// Channels, images, and the pitches between them.
void set_channels(const Geometry& g, sepconv_device_call* call) {
  const sepconv_problem& p = g.problem;
  call->in_channels = number(p.in_channels);
  call->out_channels = number(p.out_channels);
  call->depth_multiplier = number(p.depth_multiplier);
  call->pixels = number(p.batch * g.out_pixels);
  call->batch = number(p.batch);
  call->in_channel_pitch = narrow_pitch(g.input_pitch.channel);
  call->in_image_pitch = narrow_pitch(g.input_pitch.image);
  call->out_channel_pitch = narrow_pitch(g.output_pitch.channel);
  call->out_image_pitch = narrow_pitch(g.output_pitch.image);
  call->residual_channel_pitch = p.has_residual != 0 ? call->out_channel_pitch : 0;
  call->residual_image_pitch = p.has_residual != 0 ? call->out_image_pitch : 0;
  call->vectors = p.layout == SEPCONV_LAYOUT_CHANNELS_LAST && p.in_channels % vector_elements == 0 &&
                  p.out_channels % vector_elements == 0 && vector_pitches(g.input_pitch, g.rank) &&
                  vector_pitches(g.output_pitch, g.rank);
}

sepconv_device_axis device_axis(const Geometry& g, int i) {
  sepconv_device_axis axis;
  axis.kernel = number(g.problem.kernel_extent[i]);
  axis.stride = number(smaller<int64_t>(g.stride[i], INT32_MAX));
  axis.dilation = number(smaller<int64_t>(g.dilation[i], INT32_MAX));
  axis.pad_before = number(g.pad_before[i]);
  axis.in_extent = number(g.in_extent[i]);
  axis.out_extent = number(g.out_extent[i]);
  axis.in_pitch = narrow_pitch(g.input_pitch.axis[i]);
  axis.out_pitch = narrow_pitch(g.output_pitch.axis[i]);
  axis.residual_pitch = g.problem.has_residual != 0 ? axis.out_pitch : 0;
  return axis;
}

}  // namespace

sepconv_status plan_call(sepconv_plan* plan) {
  const Geometry& g = plan->geometry;
  const Elements elements = elements_of(*plan);
  if (sepconv_status status = check_reach(*plan, elements)) return status;
  sepconv_device_call& call = plan->call;
  call = {};
  call.input.elements = elements.input;
  call.output.elements = elements.output;
  call.packed.elements = elements.packed;
  call.workspace.elements = elements.workspace;
  call.residual.elements = g.problem.has_residual != 0 ? elements.output : elements.packed;
  set_weights(plan->packed, dtype_size(g.problem.weight_dtype), &call);
  set_channels(g, &call);
  for (int i = 0; i < g.rank; ++i) call.axis[i] = device_axis(g, i);
  call.in = plan->in;
  call.mid = plan->mid;
  call.out = plan->out;
  plan->zero_bytes = 0;
  plan->workspace_size = static_cast<size_t>(elements.workspace * static_cast<int64_t>(sizeof(float)));
  return SEPCONV_OK;
}

}  // namespace sepconv::internal
