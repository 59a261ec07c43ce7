#include "dispatch.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

// True (and the reason) if a quantity that the variant fixes differs from the problem's.
bool differs(const Reason& reason, const char* what, int64_t problem, int64_t variant) {
  if (variant == 0 || variant == problem) return false;
  return reason("%s is %" PRId64 ", the variant has %" PRId64, what, problem, variant);
}

bool differs(const Reason& reason, const char* what, const int64_t* problem, const int64_t* variant, int rank) {
  for (int axis = 0; axis < rank; ++axis) {
    if (variant[axis] == 0 || variant[axis] == problem[axis]) continue;
    return reason("%s[%d] is %" PRId64 ", the variant has %" PRId64, what, axis, problem[axis], variant[axis]);
  }
  return false;
}

int64_t pointwise_kernel_bytes(const Geometry& g) {
  const sepconv_problem& p = g.problem;
  return saturating_multiply(saturating_multiply(g.mid_channels, p.out_channels), dtype_size(p.weight_dtype));
}

bool rejected(const Request& request, const sepconv_variant& variant, const Reason& reason) {
  const sepconv_problem& p = request.geometry->problem;
  if ((variant.driver == nullptr ? SEPCONV_DEVICE_CPU : variant.driver->device) != request.device) {
    return reason("it runs on another device");
  }
  if (variant.spatial_rank != p.spatial_rank) {
    return reason("spatial_rank is %" PRId32 ", the variant has %" PRId32, p.spatial_rank, variant.spatial_rank);
  }
  if (variant.layout != p.layout) return reason("another layout");
  if (variant.input_dtype != p.input_dtype || variant.weight_dtype != p.weight_dtype ||
      variant.output_dtype != p.output_dtype) {
    return reason("other dtypes");
  }
  if ((variant.stages == SEPCONV_STAGES_DEPTHWISE) != (p.stages == SEPCONV_STAGES_DEPTHWISE)) {
    return reason(variant.stages == SEPCONV_STAGES_DEPTHWISE ? "it has no pointwise stage"
                                                             : "it has a pointwise stage");
  }
  if (variant.activations == 0 &&
      !(is_clamp(p.input_activation) && is_clamp(p.mid_activation) && is_clamp(p.out_activation))) {
    return reason("it takes no activations but clamps");
  }
  if (variant.input_activation == 0 && p.input_activation.kind != SEPCONV_ACTIVATION_NONE) {
    return reason("it takes no activation on the input");
  }
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
  // No rule for those who ask for the variant, or for its packing.
  const bool unasked = request.variant == nullptr && !request.same_packing;
  if (unasked && variant.max_image_bytes > 0) {
    const int64_t image = saturating_multiply(request.geometry->in_pixels * p.in_channels, dtype_size(p.input_dtype));
    if (image > variant.max_image_bytes)
      return reason("an image has %" PRId64 " bytes, the variant is for at most %" PRId64, image,
                    variant.max_image_bytes);
  }
  if (unasked && variant.max_reads > 0) {
    const double reads = reads_per_sample(*request.geometry, variant);
    if (reads > variant.max_reads)
      return reason("a sample is read by %.1f taps, the variant is for at most %" PRId32, reads, variant.max_reads);
  }
  if (unasked && variant.min_pointwise_bytes > 0) {
    const int64_t kernel = pointwise_kernel_bytes(*request.geometry);
    if (kernel < variant.min_pointwise_bytes)
      return reason("the pointwise kernel has %" PRId64 " bytes, the variant is for at least %" PRId64, kernel,
                    variant.min_pointwise_bytes);
  }
  const int target = target_index(variant.target);
  if (target < 0) return reason("this library does not know its target %s", variant.target);
  if (!(request.machine >> target & 1)) return reason("this machine cannot run %s", variant.target);
  if (!(request.allowed >> target & 1)) {
    return reason("%s is excluded by options.targets or SEPCONV_TARGETS", variant.target);
  }
  if (request.variant != nullptr && strcmp(request.variant, variant.name) != 0)
    return reason("options.variant names another");
  if (request.same_packing && packing_id_of(variant) != request.packing_id) {
    return reason("its packing is not that of options.packing_of");
  }
  return false;
}

// A variant's rank inside its table, for a pointwise kernel of so many bytes: the larger key first, variants of one key
// in the order of the table. Levels are far below 64. What a large kernel wants counts for more than all that a variant
// can fix.
int rank_key(const sepconv_variant& variant, int64_t kernel_bytes) {
  constexpr int more_than_fixed = 16;
  const int first =
      variant.min_pointwise_bytes > 0 && kernel_bytes >= variant.min_pointwise_bytes ? more_than_fixed : 0;
  return (fixed_quantities(variant) + first) * 64 + target_level(target_index(variant.target)) + 1;
}

// What a GPU variant does besides the products that every variant needs, in multiply-adds: a depthwise tap of a fused
// variant, with its load, counts for two, and so often as there are panels; a byte of the workspace for as many as the
// device computes in the time that its memory moves one; a second kernel for what is computed while it starts. 0 for
// other variants.
double extra_work(const Geometry& g, const sepconv_variant& variant) {
  constexpr double per_tap = 2, per_byte = 8, per_kernel = 2e7;
  if (variant.driver == nullptr) return 0;
  const double mid =
      static_cast<double>(g.problem.batch) * static_cast<double>(g.out_pixels) * static_cast<double>(g.mid_channels);
  const double tap_work = mid * per_tap * static_cast<double>(g.taps);
  if (variant.split != 0) return tap_work + mid * 2 * sizeof(float) * per_byte + per_kernel;
  return tap_work * static_cast<double>(divide_up(g.problem.out_channels, variant.panel_channels));
}

}  // namespace

int fixed_quantities(const sepconv_variant& variant) {
  int count = (variant.depth_multiplier != 0) + (variant.in_channels != 0) + (variant.out_channels != 0) +
              (variant.channels_multiple > 1);
  for (int axis = 0; axis < variant.spatial_rank; ++axis) {
    count += (variant.kernel_extent[axis] != 0) + (variant.stride[axis] != 0) + (variant.dilation[axis] != 0) +
             (variant.in_extent[axis] != 0);
  }
  return count;
}

bool why_not(const Request& request, const sepconv_variant& variant, char* text, size_t size) {
  return rejected(request, variant, Reason{text, size});
}

const sepconv_variant* choose_variant(const Request& request, const Tables& tables) {
  const int64_t kernel_bytes = pointwise_kernel_bytes(*request.geometry);
  for (size_t t = tables.count; t-- > 0;) {
    const sepconv_variant_table& table = *tables.table[t];
    const sepconv_variant* best = nullptr;
    int best_key = 0;
    for (size_t i = 0; i < table.variant_count; ++i) {
      const sepconv_variant& variant = table.variants[i];
      if (rejected(request, variant, Reason{nullptr, 0})) continue;
      const int key = rank_key(variant, kernel_bytes);
      if (best != nullptr && (key < best_key || (key == best_key && !(extra_work(*request.geometry, variant) <
                                                                      extra_work(*request.geometry, *best))))) {
        continue;
      }
      best = &variant;
      best_key = key;
    }
    if (best != nullptr) return best;
  }
  return nullptr;
}

const sepconv_variant* ranked_variant(const Tables& tables, size_t position) {
  for (size_t t = tables.count; t-- > 0;) {
    const sepconv_variant_table& table = *tables.table[t];
    if (position >= table.variant_count) {
      position -= table.variant_count;
      continue;
    }
    // The keys from the largest down: there are far fewer of them than variants.
    for (int below = INT_MAX;;) {
      int key = 0;
      size_t variants_of_key = 0;
      for (size_t i = 0; i < table.variant_count; ++i) {
        const int candidate = rank_key(table.variants[i], INT64_MAX);
        if (candidate >= below || candidate < key) continue;
        variants_of_key = candidate > key ? 1 : variants_of_key + 1;
        key = candidate;
      }
      if (position >= variants_of_key) {
        position -= variants_of_key;
        below = key;
        continue;
      }
      for (size_t i = 0;; ++i) {
        if (rank_key(table.variants[i], INT64_MAX) == key && position-- == 0) return &table.variants[i];
      }
    }
  }
  return nullptr;
}

}  // namespace sepconv::internal
