// Texts for people: sepconv_plan_explain and the listing of the registered variants.
#include <inttypes.h>
#include <stdlib.h>

#include "error.h"
#include "plan.h"
#include "writer.h"

namespace sepconv::internal {
namespace {

void explain(const sepconv_plan& plan, Writer& write) {
  const Geometry& g = plan.geometry;
  const sepconv_problem& p = g.problem;
  write("problem: %s, %s, %s stage%s, batch %" PRId64 ", ", sepconv_dtype_name(p.input_dtype),
        sepconv_layout_name(p.layout), sepconv_stages_name(p.stages), p.stages == SEPCONV_STAGES_BOTH ? "s" : " only",
        p.batch);
  write.extents("input", g.in_extent, g.rank);
  write.extents(", output", g.out_extent, g.rank);
  write(", channels %" PRId64 " -> %" PRId64 " -> %" PRId64, p.in_channels, g.mid_channels, p.out_channels);
  write.extents(", kernel", p.kernel_extent, g.rank);
  write.extents(", stride", p.stride, g.rank);
  write.extents(", dilation", p.dilation, g.rank);
  write.extents(", zeros before", g.pad_before, g.rank);
  write.extents(" and after", g.pad_after, g.rank);
  write("\nvariant: %s (%s)\n", plan.variant->name,
        plan.request.variant != nullptr ? "asked for by name" : "the first in rank that can run the problem");
  if (plan.variant->driver == nullptr) {
    write("cut: %" PRId64 " strips and %" PRId64 " panel groups an image; sums of %" PRId64 " channels, %" PRId64
          " at a time\n",
          plan.cut.strips, plan.cut.groups, plan.packed.sum_channels, plan.packed.sum_block);
    if (plan.cut.gathers) write("     taps far apart along a row are copied side by side before they are used\n");
    if (plan.flush_denormals) write("     subnormal numbers count as 0\n");
  }
  write("memory: %zu bytes packed, %zu bytes workspace for %" PRId32 " threads\n", plan.packed.size,
        plan.workspace_size, plan.max_threads);
  write("targets of this machine:");
  for (int i = 0; target_name(i) != nullptr; ++i) {
    if (plan.request.machine >> i & 1) {
      write(" %s%s", target_name(i), plan.request.allowed >> i & 1 ? "" : " (excluded)");
    }
  }
  write("\nvariants, in order of rank:\n");
  Tables tables;
  registered_tables(&tables, plan.table_count);
  judge_variants(
      plan.request, tables, plan.variant,
      [](void* to, const sepconv_variant& variant, const char* verdict) {
        (*static_cast<Writer*>(to))("  %s: %s\n", variant.name, verdict);
      },
      &write);
}

}  // namespace
}  // namespace sepconv::internal

extern "C" sepconv_status sepconv_plan_explain(const sepconv_plan* plan, char* text, size_t size) {
  constexpr sepconv_status invalid = SEPCONV_INVALID_ARGUMENT;
  if (text == nullptr) return sepconv::internal::fail(invalid, "text is NULL");
  if (size == 0) return sepconv::internal::fail(invalid, "size is 0: not even the NUL fits");
  sepconv::internal::Writer writer(text, size);
  if (plan == nullptr) return sepconv::internal::fail(invalid, "plan is NULL");
  sepconv::internal::explain(*plan, writer);
  return SEPCONV_OK;
}

extern "C" const char* sepconv_variant_name(size_t index, int* runnable) {
  sepconv::internal::Tables tables;
  sepconv::internal::registered_tables(&tables);
  const sepconv_variant* variant = sepconv::internal::ranked_variant(tables, index);
  if (variant == nullptr) return nullptr;
  if (runnable != nullptr) {
    const int target = sepconv::internal::target_index(variant->target);
    sepconv::internal::TargetSet machine = sepconv::internal::machine_targets();
    char reason[64];
    if (variant->driver != nullptr && variant->driver->probe(reason, sizeof reason) == SEPCONV_OK && target >= 0)
      machine |= sepconv::internal::TargetSet{1} << target;
    sepconv::internal::TargetSet wanted = 0;
    const char* unknown = nullptr;
    size_t length = 0;
    // Of an unknown name a plan says so; with one, nothing runs.
    if (!sepconv::internal::targets_from_environment(getenv("SEPCONV_TARGETS"), &wanted, &unknown, &length)) wanted = 0;
    *runnable = target >= 0 && (machine & wanted & sepconv::internal::TargetSet{1} << target) != 0 ? 1 : 0;
  }
  return variant->name;
}
