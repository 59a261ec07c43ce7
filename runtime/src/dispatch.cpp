#include "dispatch.h"

#include <limits.h>

#include "device_time.h"
#include "integers.h"

namespace sepconv::internal {
namespace {

// A variant's rank inside its table, for a pointwise kernel of this size: the larger key first, variants of one key
// in the order of the table. Levels are far below 64. What a large kernel wants counts for more than all that a variant
// can fix.
int rank_key(const sepconv_variant& variant, int64_t kernel_bytes) {
  constexpr int more_than_fixed = 16;
  const int first =
      variant.min_pointwise_bytes > 0 && kernel_bytes >= variant.min_pointwise_bytes ? more_than_fixed : 0;
  return (fixed_quantities(variant) + first) * 64 + target_level(target_index(variant.target)) + 1;
}

// The device's time by a model, where a GPU's variant is; 0 for the processor's.
double time_of(const Geometry& g, const sepconv_variant& variant) {
  if (variant.driver == nullptr) return 0;
  const int axis = window_axis(g.rank);
  const DeviceWork work = {saturating_multiply(g.problem.batch, g.out_pixels),
                           g.problem.in_channels,
                           g.problem.depth_multiplier,
                           g.problem.out_channels,
                           g.taps,
                           g.problem.kernel_extent[axis],
                           g.stride[axis]};
  return device_time(work, {variant.tile_pixels, variant.panel_channels, variant.chunk_channels, variant.block_threads,
                            variant.depthwise_rows, variant.split != 0});
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

int64_t pointwise_kernel_bytes(const Geometry& g) {
  const sepconv_problem& p = g.problem;
  return saturating_multiply(saturating_multiply(g.mid_channels, p.out_channels), dtype_size(p.weight_dtype));
}

const sepconv_variant* choose_variant(const Request& request, const Tables& tables) {
  const int64_t kernel_bytes = pointwise_kernel_bytes(*request.geometry);
  for (size_t t = tables.count; t-- > 0;) {
    const sepconv_variant_table& table = *tables.table[t];
    const sepconv_variant* best = nullptr;
    int best_key = 0;
    for (size_t i = 0; i < table.variant_count; ++i) {
      const sepconv_variant& variant = table.variants[i];
      if (why_not(request, variant, nullptr, 0)) continue;
      const int key = rank_key(variant, kernel_bytes);
      if (best != nullptr && (key < best_key || (key == best_key && !(time_of(*request.geometry, variant) <
                                                                      time_of(*request.geometry, *best))))) {
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

void judge_variants(const Request& request, const Tables& tables, const sepconv_variant* chosen,
                    void (*say)(void* context, const sepconv_variant& variant, const char* verdict), void* context) {
  const sepconv_variant* variant;
  for (size_t i = 0; (variant = ranked_variant(tables, i)) != nullptr; ++i) {
    char reason[160] = "could run it, but ranks behind the chosen one";
    if (variant != chosen) why_not(request, *variant, reason, sizeof reason);
    say(context, *variant, variant == chosen ? "chosen" : reason);
  }
}

}  // namespace sepconv::internal
