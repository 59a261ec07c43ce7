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
constexpr int64_t lanes = 4;  // elements of one load: 16 bytes of float32

sepconv_status call_driver(const sepconv_variant& variant, const sepconv_device_call& call) {
  char reason[640] = "";
  const sepconv_status status = variant.driver->run(&variant, &call, reason, sizeof reason);
  return status == SEPCONV_OK ? status : fail(status, "variant %s: %s", variant.name, reason);
}

// A pitch as a variant takes it. One that is too large steps nowhere: plan_call has seen to that.
int32_t call_pitch(int64_t pitch) { return static_cast<int32_t>(smaller<int64_t>(pitch, INT32_MAX)); }

bool vector_pitches(const TensorPitch& pitch, int32_t rank) {
  bool all = pitch.image % lanes == 0;
  for (int axis = 0; axis < rank; ++axis) all = all && pitch.axis[axis] % lanes == 0;
  return all;
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
  return tensor.byte_offset % (lanes * element) == 0 && aligned(tensor.memory, static_cast<size_t>(lanes * element));
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
  const int target = target_index(device == SEPCONV_DEVICE_CUDA ? "cuda" : "opencl");
  *targets = TargetSet{1} << target;
  const sepconv_driver* const driver = find_driver(device, tables);
  const char* const name = device == SEPCONV_DEVICE_CUDA ? "SEPCONV_DEVICE_CUDA" : "SEPCONV_DEVICE_OPENCL";
  if (driver == nullptr) {
    return fail(SEPCONV_UNSUPPORTED, "options.device is %d (%s): no registered library has variants for it",
                static_cast<int>(device), name);
  }
  char reason[320] = "";
  const sepconv_status status = driver->probe(reason, sizeof reason);
  return status == SEPCONV_OK ? status
                              : fail(status, "options.device is %d (%s): %s", static_cast<int>(device), name, reason);
}

sepconv_status plan_call(sepconv_plan* plan) {
  const Geometry& g = plan->geometry;
  const sepconv_problem& p = g.problem;
  const PackedLayout& packed = plan->packed;
  const int64_t element = dtype_size(p.weight_dtype), part = 16 * element;
  const int64_t pixels = saturating_multiply(p.batch, g.out_pixels);
  const int64_t workspace = plan->variant->split == 0 ? 0 : saturating_multiply(pixels, packed.channels);
  const struct {
    const char* name;
    int64_t elements;
  } tensors[] = {{"the input", g.input_bytes / element},
                 {"the output", g.output_bytes / element},
                 {"the packed weights", static_cast<int64_t>(packed.size) / element},
                 {"the workspace", workspace},
                 {"the output's pixels", saturating_add(pixels, 4096)}};  // whole blocks of them
  for (const auto& tensor : tensors) {
    if (tensor.elements > INT32_MAX) {
      return fail(SEPCONV_UNSUPPORTED, "%s has %" PRId64 " elements, too many for the 32-bit indices of a GPU variant",
                  tensor.name, tensor.elements);
    }
  }
  if (packed.panels > 65535 || packed.chunks > 65535) {
    return fail(SEPCONV_UNSUPPORTED, "in_channels %" PRId64 " or out_channels %" PRId64 " take too many blocks",
                p.in_channels, p.out_channels);
  }
  sepconv_device_call& call = plan->call;
  call = {};
  call.input.elements = g.input_bytes / element;
  call.output.elements = g.output_bytes / element;
  call.packed.elements = static_cast<int64_t>(packed.size) / element;
  call.workspace.elements = workspace;
  const auto at = [&](size_t offset) { return static_cast<int32_t>(static_cast<int64_t>(offset) / part); };
  call.mid_bias_at = at(packed.mid_bias);
  call.depthwise_at = at(packed.depthwise);
  call.pointwise_at = at(packed.pointwise);
  call.out_bias_at = at(packed.out_bias);
  call.in_channels = static_cast<int32_t>(p.in_channels);
  call.out_channels = static_cast<int32_t>(p.out_channels);
  call.depth_multiplier = static_cast<int32_t>(p.depth_multiplier);
  call.chunks = static_cast<int32_t>(packed.chunks);
  call.pixels = static_cast<int32_t>(pixels);
  call.batch = static_cast<int32_t>(p.batch);
  call.in_channel_pitch = call_pitch(g.input_pitch.channel);
  call.in_image_pitch = call_pitch(g.input_pitch.image);
  call.out_channel_pitch = call_pitch(g.output_pitch.channel);
  call.out_image_pitch = call_pitch(g.output_pitch.image);
  const bool residual = p.has_residual != 0;
  call.residual_channel_pitch = residual ? call.out_channel_pitch : 0;
  call.residual_image_pitch = residual ? call.out_image_pitch : 0;
  call.residual.elements = residual ? call.output.elements : call.packed.elements;
  call.vectors = p.layout == SEPCONV_LAYOUT_CHANNELS_LAST && p.in_channels % lanes == 0 &&
                 p.out_channels % lanes == 0 && vector_pitches(g.input_pitch, g.rank) &&
                 vector_pitches(g.output_pitch, g.rank);
  for (int i = 0; i < g.rank; ++i) {
    sepconv_device_axis& axis = call.axis[i];
    axis.kernel = static_cast<int32_t>(p.kernel_extent[i]);
    axis.stride = static_cast<int32_t>(smaller<int64_t>(g.stride[i], INT32_MAX));
    axis.dilation = static_cast<int32_t>(smaller<int64_t>(g.dilation[i], INT32_MAX));
    axis.pad_before = static_cast<int32_t>(g.pad_before[i]);
    axis.in_extent = static_cast<int32_t>(g.in_extent[i]);
    axis.out_extent = static_cast<int32_t>(g.out_extent[i]);
    axis.in_pitch = call_pitch(g.input_pitch.axis[i]);
    axis.out_pitch = call_pitch(g.output_pitch.axis[i]);
    axis.residual_pitch = residual ? axis.out_pitch : 0;
    // Where a tap reads, counted from the image's first sample.
    const int64_t reach = saturating_add(g.pad_before[i], saturating_add(g.in_extent[i], g.pad_after[i]));
    if (saturating_add(reach, g.reach[i]) > INT32_MAX) {
      return fail(SEPCONV_UNSUPPORTED, "axis %d with its padding is too long for the 32-bit indices of a GPU variant",
                  i);
    }
  }
  call.in = plan->in;
  call.mid = plan->mid;
  call.out = plan->out;
  plan->zero_bytes = 0;
  plan->workspace_size = static_cast<size_t>(workspace * static_cast<int64_t>(sizeof(float)));
  return SEPCONV_OK;
}

sepconv_status run_on_device(const sepconv_plan& plan, const sepconv_arguments& a) {
  const Geometry& g = plan.geometry;
  const sepconv_driver& driver = *plan.variant->driver;
  const int64_t element = dtype_size(g.problem.output_dtype);
  const bool has_residual = g.problem.has_residual != 0;
  if (a.parallel_for != nullptr)
    return fail(invalid, "arguments.parallel_for is given, but the plan's device is a GPU");
  if (!has_residual && (a.residual != nullptr || a.residual_memory.handle != nullptr)) {
    return fail(invalid, "arguments.residual is given, but the plan's problem has none (has_residual is 0)");
  }
  if (g.problem.batch == 0) return SEPCONV_OK;
  sepconv_device_call call = plan.call;
  const int64_t packed_bytes = static_cast<int64_t>(plan.packed.size);
  const int64_t workspace_bytes = static_cast<int64_t>(plan.workspace_size);
  const struct {
    Place place;
    bool wanted;
    sepconv_device_tensor* tensor;
  } places[] = {
      {{"packed", a.packed, a.packed_memory, packed_bytes, 64}, true, &call.packed},
      {{"input", a.input, a.input_memory, g.input_bytes, element}, true, &call.input},
      {{"residual", a.residual, a.residual_memory, g.output_bytes, element}, has_residual, &call.residual},
      {{"workspace", a.workspace, a.workspace_memory, workspace_bytes, 64}, workspace_bytes != 0, &call.workspace},
      {{"output", a.output, a.output_memory, g.output_bytes, element}, true, &call.output}};
  for (const auto& given : places) {
    if (!given.wanted) continue;
    if (sepconv_status status = take(driver, given.place, given.tensor)) return status;
  }
  if (a.workspace_size < plan.workspace_size) {
    return fail(invalid, "arguments.workspace_size is %zu: the plan needs %zu bytes, on the device", a.workspace_size,
                plan.workspace_size);
  }
  for (const auto& written : places) {
    if (!written.wanted || (written.tensor != &call.output && written.tensor != &call.workspace)) continue;
    for (const auto& other : places) {
      if (!other.wanted || other.tensor == written.tensor ||
          !meet(driver, *written.tensor, written.place.bytes, *other.tensor, other.place.bytes)) {
        continue;
      }
      return fail(invalid, "arguments.%s overlaps arguments.%s", written.place.name, other.place.name);
    }
  }
  if (!has_residual) {  // zeros of the packed weights' header
    call.residual.memory = call.packed.memory;
    call.residual.byte_offset = call.packed.byte_offset + static_cast<int64_t>(offsetof(PackedHeader, reserved));
  }
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
