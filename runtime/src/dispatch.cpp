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

// True (and the reason) if a quantity that the row fixes differs from the problem's.
bool differs(const Reason& reason, const char* what, int64_t problem, int64_t row) {
  if (row == 0 || row == problem) return false;
  return reason("%s is %" PRId64 ", the row has %" PRId64, what, problem, row);
}

bool differs(const Reason& reason, const char* what, const int64_t* problem, const int64_t* row, int rank) {
  for (int axis = 0; axis < rank; ++axis) {
    if (row[axis] == 0 || row[axis] == problem[axis]) continue;
    return reason("%s[%d] is %" PRId64 ", the row has %" PRId64, what, axis, problem[axis], row[axis]);
  }
  return false;
}

int64_t pointwise_kernel_bytes(const Geometry& g) {
  const sepconv_problem& p = g.problem;
  return saturating_multiply(saturating_multiply(g.mid_channels, p.out_channels), dtype_size(p.weight_dtype));
}

bool rejected(const Request& request, const sepconv_variant& row, const Reason& reason) {
  const sepconv_problem& p = request.geometry->problem;
  if ((row.driver == nullptr ? SEPCONV_DEVICE_CPU : row.driver->device) != request.device) {
    return reason("it runs on another device");
  }
  if (row.spatial_rank != p.spatial_rank) {
    return reason("spatial_rank is %" PRId32 ", the row has %" PRId32, p.spatial_rank, row.spatial_rank);
  }
  if (row.layout != p.layout) return reason("another layout");
  if (row.input_dtype != p.input_dtype || row.weight_dtype != p.weight_dtype || row.output_dtype != p.output_dtype) {
    return reason("other dtypes");
  }
  if ((row.stages == SEPCONV_STAGES_DEPTHWISE) != (p.stages == SEPCONV_STAGES_DEPTHWISE)) {
    return reason(row.stages == SEPCONV_STAGES_DEPTHWISE ? "it has no pointwise stage" : "it has a pointwise stage");
  }
  if (row.activations == 0 &&
      !(is_clamp(p.input_activation) && is_clamp(p.mid_activation) && is_clamp(p.out_activation))) {
    return reason("it takes no activations but clamps");
  }
  if (row.input_activation == 0 && p.input_activation.kind != SEPCONV_ACTIVATION_NONE) {
    return reason("it takes no activation on the input");
  }
  if (differs(reason, "kernel_extent", p.kernel_extent, row.kernel_extent, p.spatial_rank) ||
      differs(reason, "stride", p.stride, row.stride, p.spatial_rank) ||
      differs(reason, "dilation", p.dilation, row.dilation, p.spatial_rank) ||
      differs(reason, "depth_multiplier", p.depth_multiplier, row.depth_multiplier) ||
      differs(reason, "in_channels", p.in_channels, row.in_channels) ||
      differs(reason, "out_channels", p.out_channels, row.out_channels) ||
      differs(reason, "in_extent", p.in_extent, row.in_extent, p.spatial_rank)) {
    return true;
  }
  if (row.channels_multiple > 1 && p.in_channels % row.channels_multiple != 0) {
    return reason("in_channels is %" PRId64 ", the row wants a multiple of %" PRId64, p.in_channels,
                  row.channels_multiple);
  }
  // No rule for those who ask for the row, or for its packing.
  const bool unasked = request.variant == nullptr && !request.same_packing;
  if (unasked && row.max_image_bytes > 0) {
    const int64_t image = saturating_multiply(request.geometry->in_pixels * p.in_channels, dtype_size(p.input_dtype));
    if (image > row.max_image_bytes)
      return reason("an image has %" PRId64 " bytes, the row is for at most %" PRId64, image, row.max_image_bytes);
  }
  if (unasked && row.max_reads > 0) {
    const double reads = reads_per_sample(*request.geometry, row);
    if (reads > row.max_reads)
      return reason("a sample is read by %.1f taps, the row is for at most %" PRId32, reads, row.max_reads);
  }
  if (unasked && row.min_pointwise_bytes > 0) {
    const int64_t kernel = pointwise_kernel_bytes(*request.geometry);
    if (kernel < row.min_pointwise_bytes)
      return reason("the pointwise kernel has %" PRId64 " bytes, the row is for at least %" PRId64, kernel,
                    row.min_pointwise_bytes);
  }
  const int target = target_index(row.target);
  if (target < 0) return reason("this library does not know its target %s", row.target);
  if (!(request.machine >> target & 1)) return reason("this machine cannot run %s", row.target);
  if (!(request.allowed >> target & 1)) {
    return reason("%s is excluded by options.targets or SEPCONV_TARGETS", row.target);
  }
  if (request.variant != nullptr && strcmp(request.variant, row.name) != 0)
    return reason("options.variant names another");
  if (request.same_packing && packing_id_of(row) != request.packing_id) {
    return reason("its packing is not that of options.packing_of");
  }
  return false;
}

// A row's rank inside its table, for a pointwise kernel of so many bytes: the larger key first, rows of one key in the
// order of the table. Levels are far below 64. What a large kernel wants counts for more than all that a row can fix.
int rank_key(const sepconv_variant& row, int64_t kernel_bytes) {
  constexpr int more_than_fixed = 16;
  const int first = row.min_pointwise_bytes > 0 && kernel_bytes >= row.min_pointwise_bytes ? more_than_fixed : 0;
  return (fixed_quantities(row) + first) * 64 + target_level(target_index(row.target)) + 1;
}

// What a GPU row does besides the products that every row needs, in multiply-adds: a depthwise tap of a fused row, with
// its load, counts for two, and so often as there are panels; a byte of the workspace for as many as the device
// computes in the time that its memory moves one; a second kernel for what is computed while it starts. 0 for other
// rows.
double extra_work(const Geometry& g, const sepconv_variant& row) {
  constexpr double per_tap = 2, per_byte = 8, per_kernel = 2e7;
  if (row.driver == nullptr) return 0;
  const double mid =
      static_cast<double>(g.problem.batch) * static_cast<double>(g.out_pixels) * static_cast<double>(g.mid_channels);
  const double tap_work = mid * per_tap * static_cast<double>(g.taps);
  if (row.split != 0) return tap_work + mid * 2 * sizeof(float) * per_byte + per_kernel;
  return tap_work * static_cast<double>(divide_up(g.problem.out_channels, row.panel_channels));
}

}  // namespace

int fixed_quantities(const sepconv_variant& row) {
  int count =
      (row.depth_multiplier != 0) + (row.in_channels != 0) + (row.out_channels != 0) + (row.channels_multiple > 1);
  for (int axis = 0; axis < row.spatial_rank; ++axis) {
    count += (row.kernel_extent[axis] != 0) + (row.stride[axis] != 0) + (row.dilation[axis] != 0) +
             (row.in_extent[axis] != 0);
  }
  return count;
}

bool why_not(const Request& request, const sepconv_variant& row, char* text, size_t size) {
  return rejected(request, row, Reason{text, size});
}

const sepconv_variant* choose_variant(const Request& request, const Tables& tables) {
  const int64_t kernel_bytes = pointwise_kernel_bytes(*request.geometry);
  for (size_t t = tables.count; t-- > 0;) {
    const sepconv_variant_table& table = *tables.table[t];
    const sepconv_variant* best = nullptr;
    int best_key = 0;
    for (size_t i = 0; i < table.row_count; ++i) {
      const sepconv_variant& row = table.rows[i];
      if (rejected(request, row, Reason{nullptr, 0})) continue;
      const int key = rank_key(row, kernel_bytes);
      if (best != nullptr && (key < best_key || (key == best_key && !(extra_work(*request.geometry, row) <
                                                                      extra_work(*request.geometry, *best))))) {
        continue;
      }
      best = &row;
      best_key = key;
    }
    if (best != nullptr) return best;
  }
  return nullptr;
}

const sepconv_variant* ranked_variant(const Tables& tables, size_t position) {
  for (size_t t = tables.count; t-- > 0;) {
    const sepconv_variant_table& table = *tables.table[t];
    if (position >= table.row_count) {
      position -= table.row_count;
      continue;
    }
    // The keys from the largest down: there are far fewer of them than rows.
    for (int below = INT_MAX;;) {
      int key = 0;
      size_t rows_of_key = 0;
      for (size_t i = 0; i < table.row_count; ++i) {
        const int candidate = rank_key(table.rows[i], INT64_MAX);
        if (candidate >= below || candidate < key) continue;
        rows_of_key = candidate > key ? 1 : rows_of_key + 1;
        key = candidate;
      }
      if (position >= rows_of_key) {
        position -= rows_of_key;
        below = key;
        continue;
      }
      for (size_t i = 0;; ++i) {
        if (rank_key(table.rows[i], INT64_MAX) == key && position-- == 0) return &table.rows[i];
      }
    }
  }
  return nullptr;
}

}  // namespace sepconv::internal
