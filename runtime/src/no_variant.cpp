// The sentence for a problem without a variant: what it is, and why each variant was rejected.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "integers.h"
#include "plan.h"

namespace sepconv::internal {
namespace {

constexpr sepconv_status unsupported = SEPCONV_UNSUPPORTED;

// Calls visit(variant), tables of the highest rank first.
template <typename Visit>
void for_each_variant(const Tables& tables, Visit visit) {
  for (size_t t = tables.count; t-- > 0;) {
    for (size_t i = 0; i < tables.table[t]->variant_count; ++i) visit(tables.table[t]->variants[i]);
  }
}

void summarise(const sepconv_problem& p, char* text, size_t size) {
  int used = snprintf(text, size,
                      "%" PRId32 " spatial axes, %s, %s, %" PRId64 " -> %" PRId64 " channels, multiplier %" PRId64
                      ", kernel %" PRId64,
                      p.spatial_rank, sepconv_dtype_name(p.input_dtype), sepconv_layout_name(p.layout), p.in_channels,
                      p.out_channels, p.depth_multiplier, p.kernel_extent[0]);
  for (int axis = 1; axis < p.spatial_rank; ++axis) {
    used += snprintf(text + used, size - static_cast<size_t>(used), "x%" PRId64, p.kernel_extent[axis]);
  }
}

// Why the variant that was asked for cannot run the problem, or that there is none of that name.
sepconv_status named_variant_fails(const Request& request, const Tables& tables, const char* problem, size_t count) {
  char reason[160] = "";
  for_each_variant(tables, [&](const sepconv_variant& variant) {
    if (reason[0] != '\0' || strcmp(variant.name, request.variant) != 0) return;
    why_not(request, variant, reason, sizeof reason);
  });
  if (reason[0] == '\0') {
    return fail(unsupported, "options.variant is \"%s\": none of the %zu registered variants has that name",
                request.variant, count);
  }
  return fail(unsupported, "options.variant \"%s\" cannot run this problem (%s): %s", request.variant, problem, reason);
}

}  // namespace

sepconv_status no_variant(const Request& request, const Tables& tables) {
  char problem[320];
  summarise(request.geometry->problem, problem, sizeof problem);
  if (tables.count == 0) {
    return fail(unsupported, "no variant can run this problem (%s): sepconv_register was not called", problem);
  }
  size_t count = 0;
  for_each_variant(tables, [&](const sepconv_variant&) { ++count; });
  if (request.variant != nullptr) return named_variant_fails(request, tables, problem, count);
  char reasons[640] = "";
  size_t length = 0;
  for_each_variant(tables, [&](const sepconv_variant& variant) {
    char reason[160];
    // Those of another rank do not come near.
    if (variant.spatial_rank != request.geometry->rank || !why_not(request, variant, reason, sizeof reason)) return;
    const int written = snprintf(reasons + length, sizeof reasons - length, "; %s: %s", variant.name, reason);
    if (written > 0) length = smaller(length + static_cast<size_t>(written), sizeof reasons - 1);
  });
  return fail(unsupported, "none of the %zu registered variants can run this problem (%s)%s", count, problem, reasons);
}

}  // namespace sepconv::internal
