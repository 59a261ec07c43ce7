// What a run on the CPU demands of its arguments.
#include <inttypes.h>

#include <initializer_list>

#include "error.h"
#include "plan.h"
#include "ranges.h"
#include "structs.h"
#include "task.h"

namespace sepconv::internal {
namespace {

constexpr sepconv_status invalid = SEPCONV_INVALID_ARGUMENT;

struct Range {
  const char* name;
  const void* data;
  size_t size;
};

sepconv_status overlapping(const Range& a, const Range& b) {
  return fail(invalid, "arguments.%s (%p, %zu bytes) overlaps arguments.%s (%p, %zu bytes)", a.name, a.data, a.size,
              b.name, b.data, b.size);
}

sepconv_status check_apart(const Range& a, const Range& b) {
  return overlap(a.data, a.size, b.data, b.size) ? overlapping(a, b) : SEPCONV_OK;
}

sepconv_status check_buffers(const sepconv_plan& plan, const sepconv_arguments& a) {
  const Range input = {"input", a.input, static_cast<size_t>(plan.geometry.input_bytes)};
  const Range output = {"output", a.output, static_cast<size_t>(plan.geometry.output_bytes)};
  const Range packed = {"packed", a.packed, plan.packed.size};
  const Range workspace = {"workspace", a.workspace, plan.workspace_size};
  const Range residual = {"residual", a.residual, a.residual == nullptr ? 0 : output.size};
  const bool has_residual = plan.geometry.problem.has_residual != 0;
  if (a.residual != nullptr && !has_residual) {
    return fail(invalid, "arguments.residual is given, but the plan's problem has none (has_residual is 0)");
  }
  if (input.size != 0) {  // an empty batch has no buffers
    for (const Range* range : {&input, &output, &residual}) {
      if (range == &residual && !has_residual) continue;
      if (range->data == nullptr) return fail(invalid, "arguments.%s is NULL", range->name);
      if (!aligned(range->data, static_cast<size_t>(dtype_size(plan.geometry.problem.output_dtype)))) {
        return fail(invalid, "arguments.%s is %p: it must be aligned to its elements", range->name, range->data);
      }
    }
    const TensorShape shape = output_shape(plan.geometry);
    if (!apart(shape, a.output, input_shape(plan.geometry), a.input)) return overlapping(output, input);
    if (has_residual && !apart(shape, a.output, shape, a.residual)) return overlapping(output, residual);
    if (sepconv_status status = check_apart(output, packed)) return status;
  }
  if (a.workspace == nullptr) return SEPCONV_OK;
  if (!aligned(a.workspace, 64))
    return fail(invalid, "arguments.workspace is %p: it must be 64-byte aligned", a.workspace);
  if (a.workspace_size < workspace.size) {
    return fail(invalid, "arguments.workspace_size is %zu: the plan needs %zu bytes", a.workspace_size, workspace.size);
  }
  if (input.size != 0) {
    if (sepconv_status status = check_apart(workspace, input)) return status;
    if (sepconv_status status = check_apart(workspace, output)) return status;
    if (sepconv_status status = check_apart(workspace, residual)) return status;
  }
  return check_apart(workspace, packed);
}

// Legal is legal first, for all of the arguments; only then comes what a plan for the CPU cannot do.
sepconv_status check_memory(const sepconv_arguments& a) {
  const struct {
    const char* name;
    const sepconv_memory& memory;
  } places[] = {{"input_memory", a.input_memory},
                {"output_memory", a.output_memory},
                {"packed_memory", a.packed_memory},
                {"workspace_memory", a.workspace_memory},
                {"residual_memory", a.residual_memory}};
  sepconv_status unsupported = SEPCONV_OK;
  for (const auto& place : places) {
    const int kind = raw_value(place.memory.kind);
    if (kind < 0 || kind >= SEPCONV_MEMORY_COUNT)
      return fail(invalid, "arguments.%s.kind is %d: it must be from 0 to %d", place.name, kind,
                  SEPCONV_MEMORY_COUNT - 1);
    if (kind == SEPCONV_MEMORY_HOST && (place.memory.handle != nullptr || place.memory.byte_offset != 0)) {
      return fail(invalid, "arguments.%s is host memory: its handle and byte_offset must be zero", place.name);
    }
    if (kind != SEPCONV_MEMORY_HOST && unsupported == SEPCONV_OK) {
      unsupported = fail(SEPCONV_UNSUPPORTED, "arguments.%s.kind is %d: the plan is for the CPU (options.device)",
                         place.name, kind);
    }
  }
  return unsupported;
}

}  // namespace

sepconv_status check_arguments(const sepconv_plan& plan, const sepconv_arguments& a) {
  // Addresses of device memory are not ours to compare.
  if (sepconv_status status = check_memory(a)) return status;
  if (a.packed == nullptr) return fail(invalid, "arguments.packed is NULL");
  if (!aligned(a.packed, packed_alignment)) {
    return fail(invalid, "arguments.packed is %p: it must be 64-byte aligned", a.packed);
  }
  if (sepconv_status status = check_buffers(plan, a)) return status;
  if (a.stream != nullptr) return fail(SEPCONV_UNSUPPORTED, "arguments.stream is given, but the plan is for the CPU");
  return check_header(plan.packed, a.packed, "arguments.packed");
}

}  // namespace sepconv::internal
