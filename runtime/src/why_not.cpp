// Why a variant will not do for a request: one rule after the other, each with its sentence.
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dispatch.h"
#include "integers.h"
#include "pack.h"
#include "strip.h"

namespace sepconv::internal {
namespace {

// Collects the reason for a rejection; without a buffer it only says that there is one.
struct Reason {
  char* text;
  size_t size;

  [[gnu::format(printf, 2, 3)]] bool operator()(const char* format, ...) const {
    if (text == nullptr) return true;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, size, format, arguments);
    va_end(arguments);
    return true;
  }
};

// What the variant is compiled for as a whole: device, rank, layout, types, stages, activations.
bool of_another_kind(const Request& request, const sepconv_variant& variant, const Reason& reason) {
  const sepconv_problem& p = request.geometry->problem;
  if ((variant.driver == nullptr ? SEPCONV_DEVICE_CPU : variant.driver->device) != request.device) {
    return reason("it runs on another device");
  }
  if (variant.spatial_rank != p.spatial_rank) {
    return reason("spatial_rank is %" PRId32 ", the variant has %" PRId32, p.spatial_rank, variant.spatial_rank);
  }
  if (variant.layout != p.layout) return reason("it is for another layout");
  // Variants of int8 take uint8, too.
  const auto like = [](sepconv_dtype dtype) { return dtype == SEPCONV_DTYPE_U8 ? SEPCONV_DTYPE_I8 : dtype; };
  if (variant.input_dtype != like(p.input_dtype) || variant.weight_dtype != p.weight_dtype ||
      variant.output_dtype != like(p.output_dtype)) {
    return reason("it is for other dtypes");
  }
  if ((variant.stages == SEPCONV_STAGES_DEPTHWISE) != (p.stages == SEPCONV_STAGES_DEPTHWISE)) {
    return reason(variant.stages == SEPCONV_STAGES_DEPTHWISE ? "it has no pointwise stage"
                                                             : "it has a pointwise stage");
  }
  if (variant.activations == 0 &&
      !(is_clamp(p.input_activation) && is_clamp(p.mid_activation) && is_clamp(p.out_activation))) {
    return reason("it takes only clamps as activations");
  }
  if (variant.input_activation == 0 && p.input_activation.kind != SEPCONV_ACTIVATION_NONE) {
    return reason("it takes no activation on the input");
  }
  return false;
}

bool differs(const Reason& reason, const char* what, int64_t problem, int64_t fixed) {
  if (fixed == 0 || fixed == problem) return false;
  return reason("%s is %" PRId64 ", the variant has %" PRId64, what, problem, fixed);
}

bool differs(const Reason& reason, const char* what, const int64_t* problem, const int64_t* fixed, int rank) {
  for (int axis = 0; axis < rank; ++axis) {
    if (fixed[axis] == 0 || fixed[axis] == problem[axis]) continue;
    return reason("%s[%d] is %" PRId64 ", the variant has %" PRId64, what, axis, problem[axis], fixed[axis]);
  }
  return false;
}

// The quantities that the variant's name fixes.
bool fixes_other_quantities(const sepconv_problem& p, const sepconv_variant& variant, const Reason& reason) {
  if (differs(reason, "kernel_extent", p.kernel_extent, variant.kernel_extent, p.spatial_rank) ||
      differs(reason, "stride", p.stride, variant.stride, p.spatial_rank) ||
      differs(reason, "dilation", p.dilation, variant.dilation, p.spatial_rank) ||
      differs(reason, "depth_multiplier", p.depth_multiplier, variant.depth_multiplier) ||
      differs(reason, "in_channels", p.in_channels, variant.in_channels) ||
      differs(reason, "out_channels", p.out_channels, variant.out_channels) ||
      differs(reason, "in_extent", p.in_extent, variant.in_extent, p.spatial_rank)) {
    return true;
  }
  if (variant.channels_multiple > 1 && p.in_channels % variant.channels_multiple != 0) {
    return reason("in_channels is %" PRId64 ", the variant wants a multiple of %" PRId64, p.in_channels,
                  variant.channels_multiple);
  }
  return false;
}

// Sizes for which a variant can run the problem, but is slower than others.
bool slow_for_the_size(const Geometry& g, const sepconv_variant& variant, const Reason& reason) {
  if (variant.max_image_bytes > 0) {
    const int64_t image = saturating_multiply(g.in_pixels * g.problem.in_channels, dtype_size(g.problem.input_dtype));
    if (image > variant.max_image_bytes) {
      return reason("an image has %" PRId64 " bytes, the variant is for at most %" PRId64, image,
                    variant.max_image_bytes);
    }
  }
  if (variant.max_reads > 0) {
    const double reads = reads_per_sample(g, variant);
    if (reads > variant.max_reads) {
      return reason("a sample is read by %.1f taps, the variant is for at most %" PRId32, reads, variant.max_reads);
    }
  }
  if (variant.min_pointwise_bytes > 0) {
    const int64_t kernel = pointwise_kernel_bytes(g);
    if (kernel < variant.min_pointwise_bytes) {
      return reason("the pointwise kernel has %" PRId64 " bytes, the variant is for at least %" PRId64, kernel,
                    variant.min_pointwise_bytes);
    }
  }
  return false;
}

// Whether a GPU variant's indices, of 32 bits, do not reach over the workspace that it would want.
bool too_large_for(const Geometry& g, const sepconv_variant& variant, const Reason& reason) {
  if (variant.split == 0) return false;
  const int64_t pixels = saturating_multiply(g.problem.batch, g.out_pixels);
  return saturating_multiply(pixels, packed_channels(g, variant)) > INT32_MAX &&
         reason("its workspace would be too large for 32-bit indices");
}

// What the machine can run, and what the user permits.
bool not_permitted(const Request& request, const sepconv_variant& variant, const Reason& reason) {
  const int target = target_index(variant.target);
  if (target < 0) return reason("this library does not know its target %s", variant.target);
  if (!(request.machine >> target & 1)) return reason("this machine cannot run %s", variant.target);
  if (!(request.allowed >> target & 1)) {
    return reason("%s is excluded by options.targets or SEPCONV_TARGETS", variant.target);
  }
  if (request.variant != nullptr && strcmp(request.variant, variant.name) != 0) {
    return reason("options.variant names another one");
  }
  if (request.same_packing && packing_id_of(variant) != request.packing_id) {
    return reason("its packing is not that of options.packing_of");
  }
  return false;
}

}  // namespace

bool why_not(const Request& request, const sepconv_variant& variant, char* text, size_t size) {
  const Reason reason{text, size};
  // Who asks for a variant, or for its packing, gets it for every size.
  const bool asked_for = request.variant != nullptr || request.same_packing;
  return of_another_kind(request, variant, reason) ||
         fixes_other_quantities(request.geometry->problem, variant, reason) ||
         (!asked_for && slow_for_the_size(*request.geometry, variant, reason)) ||
         too_large_for(*request.geometry, variant, reason) || not_permitted(request, variant, reason);
}

}  // namespace sepconv::internal
