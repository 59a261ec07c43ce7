#include "device.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "error.h"
#include "integers.h"
#include "ranges.h"
#include "structs.h"

namespace sepconv::internal {
namespace {

constexpr sepconv_status invalid = SEPCONV_INVALID_ARGUMENT;

sepconv_status call_driver(const sepconv_variant& variant, const sepconv_device_call& call) {
  char reason[640] = "";
  const sepconv_status status = variant.driver->run(&variant, &call, reason, sizeof reason);
  return status == SEPCONV_OK ? status : fail(status, "variant %s: %s", variant.name, reason);
}

// One tensor of a run, as the arguments name it.
struct Place {
  const char* name;
  const void* pointer;
  sepconv_memory memory;
  int64_t bytes, alignment;
};

// Checks where a tensor lies, and writes it down.
sepconv_status take(const sepconv_driver& driver, const Place& place, sepconv_device_tensor* tensor) {
  const int kind = raw_value(place.memory.kind);
  if (kind != driver.memory) {
    return fail(invalid, "arguments.%s_memory.kind is %d: the plan's device needs %d", place.name, kind,
                static_cast<int>(driver.memory));
  }
  const int64_t offset = place.memory.byte_offset;
  if (offset < 0 || offset % place.alignment != 0) {
    return fail(invalid, "arguments.%s_memory.byte_offset is %" PRId64 ": it must be a multiple of %" PRId64,
                place.name, offset, place.alignment);
  }
  void* const pointer = const_cast<void*>(place.pointer);
  if (driver.memory == SEPCONV_MEMORY_CUDA) {
    if (place.memory.handle != nullptr)
      return fail(invalid, "arguments.%s_memory.handle is given: CUDA memory is named by its address", place.name);
    if (pointer == nullptr) return fail(invalid, "arguments.%s is NULL", place.name);
    if (!aligned(pointer, static_cast<size_t>(place.alignment)))
      return fail(invalid, "arguments.%s is %p: it must be aligned to %" PRId64 " bytes", place.name, pointer,
                  place.alignment);
    tensor->memory = static_cast<char*>(pointer) + offset;
    tensor->byte_offset = 0;
    return SEPCONV_OK;
  }
  if (pointer != nullptr)
    return fail(invalid, "arguments.%s is given: OpenCL memory is named by the handle of %s_memory", place.name,
                place.name);
  if (place.memory.handle == nullptr) return fail(invalid, "arguments.%s_memory.handle is NULL", place.name);
  // Every element of the tensors has at least 2 bytes.
  if (offset / 2 > INT32_MAX - tensor->elements) {
    return fail(SEPCONV_UNSUPPORTED,
                "arguments.%s_memory.byte_offset is %" PRId64 ": too far for the 32-bit indices of a GPU variant",
                place.name, offset);
  }
  tensor->memory = place.memory.handle;
  tensor->byte_offset = offset;
  return SEPCONV_OK;
}

// Whether two tensors share a byte; those of different memory objects do not.
bool meet(const sepconv_driver& driver, const sepconv_device_tensor& a, int64_t a_bytes, const sepconv_device_tensor& b,
          int64_t b_bytes) {
  if (driver.memory != SEPCONV_MEMORY_CUDA && a.memory != b.memory) return false;
  const char* const a_begin = static_cast<char*>(a.memory) + a.byte_offset;
  const char* const b_begin = static_cast<char*>(b.memory) + b.byte_offset;
  return overlap(a_begin, static_cast<size_t>(a_bytes), b_begin, static_cast<size_t>(b_bytes));
}

bool begins_at_vector(const sepconv_device_tensor& tensor, int64_t element) {
  return tensor.byte_offset % (vector_elements * element) == 0 &&
         aligned(tensor.memory, static_cast<size_t>(vector_elements * element));
}

// Writes down where the arguments' tensors lie, and checks that what is written overlaps nothing else.
sepconv_status place_tensors(const sepconv_plan& plan, const sepconv_arguments& a, sepconv_device_call* call) {
  const Geometry& g = plan.geometry;
  const sepconv_driver& driver = *plan.variant->driver;
  const int64_t element = dtype_size(g.problem.output_dtype);
  const int64_t packed_bytes = static_cast<int64_t>(plan.packed.size);
  const int64_t workspace_bytes = static_cast<int64_t>(plan.workspace_size);
  const struct {
    Place place;
    bool wanted, written;
    sepconv_device_tensor* tensor;
  } places[] = {{{"packed", a.packed, a.packed_memory, packed_bytes, 64}, true, false, &call->packed},
                {{"input", a.input, a.input_memory, g.input_bytes, element}, true, false, &call->input},
                {{"residual", a.residual, a.residual_memory, g.output_bytes, element},
                 g.problem.has_residual != 0,
                 false,
                 &call->residual},
                {{"workspace", a.workspace, a.workspace_memory, workspace_bytes, 64},
                 workspace_bytes != 0,
                 true,
                 &call->workspace},
                {{"output", a.output, a.output_memory, g.output_bytes, element}, true, true, &call->output}};
  for (const auto& given : places) {
    if (!given.wanted) continue;
    if (sepconv_status status = take(driver, given.place, given.tensor)) return status;
  }
  if (a.workspace_size < plan.workspace_size) {
    return fail(invalid, "arguments.workspace_size is %zu: the plan needs %zu bytes, on the device", a.workspace_size,
                plan.workspace_size);
  }
  for (const auto& written : places) {
    if (!written.wanted || !written.written) continue;
    for (const auto& other : places) {
      if (!other.wanted || other.tensor == written.tensor ||
          !meet(driver, *written.tensor, written.place.bytes, *other.tensor, other.place.bytes)) {
        continue;
      }
      return fail(invalid, "arguments.%s overlaps arguments.%s", written.place.name, other.place.name);
    }
  }
  return SEPCONV_OK;
}

}  // namespace

const sepconv_driver* find_driver(sepconv_device device, const Tables& tables) {
  for (size_t t = 0; t < tables.count; ++t) {
    for (size_t i = 0; i < tables.table[t]->variant_count; ++i) {
      const sepconv_driver* const driver = tables.table[t]->variants[i].driver;
      if (driver != nullptr && driver->device == device) return driver;
    }
  }
  return nullptr;
}

sepconv_status device_targets(sepconv_device device, const Tables& tables, TargetSet* targets) {
  const char* const name = sepconv_device_name(device);  // a target's name, too
  *targets = TargetSet{1} << target_index(name);
  const sepconv_driver* const driver = find_driver(device, tables);
  if (driver == nullptr) {
    return fail(SEPCONV_UNSUPPORTED, "options.device is %s: no registered library has variants for it", name);
  }
  char reason[320] = "";
  const sepconv_status status = driver->probe(reason, sizeof reason);
  return status == SEPCONV_OK ? status : fail(status, "options.device is %s: %s", name, reason);
}

sepconv_status run_on_device(const sepconv_plan& plan, const sepconv_arguments& a) {
  const Geometry& g = plan.geometry;
  const bool has_residual = g.problem.has_residual != 0;
  if (a.parallel_for != nullptr)
    return fail(invalid, "arguments.parallel_for is given, but the plan's device is a GPU");
  if (!has_residual && (a.residual != nullptr || a.residual_memory.handle != nullptr)) {
    return fail(invalid, "arguments.residual is given, but the plan's problem has none (has_residual is 0)");
  }
  if (g.problem.batch == 0) return SEPCONV_OK;
  sepconv_device_call call = plan.call;
  if (sepconv_status status = place_tensors(plan, a, &call)) return status;
  if (!has_residual) {  // the zero in the packed weights' header
    call.residual.memory = call.packed.memory;
    call.residual.byte_offset = call.packed.byte_offset + static_cast<int64_t>(offsetof(SealedHeader, zero));
  }
  const int64_t element = dtype_size(g.problem.output_dtype);
  if (!begins_at_vector(call.input, element) || !begins_at_vector(call.output, element)) call.vectors = 0;
  call.stream = a.stream;
  return call_driver(*plan.variant, call);
}

}  // namespace sepconv::internal

extern "C" sepconv_status sepconv_plan_warm_up(const sepconv_plan* plan, void* stream) {
  if (plan == nullptr) return sepconv::internal::fail(SEPCONV_INVALID_ARGUMENT, "plan is NULL");
  if (plan->variant->driver == nullptr) return SEPCONV_OK;
  sepconv_device_call call = plan->call;
  call.stream = stream;
  call.warm_up = 1;
  // The code for tensors that allow loads of 16 bytes, and the code for the others.
  for (int32_t vectors = 0; vectors <= plan->call.vectors; ++vectors) {
    call.vectors = vectors;
    if (sepconv_status status = sepconv::internal::call_driver(*plan->variant, call)) return status;
  }
  return SEPCONV_OK;
}
