#include "launch.h"

#include <HalideRuntime.h>
#include <stdarg.h>
#include <stdio.h>

namespace sepconv::internal {
namespace {

constexpr int max_rank = SEPCONV_MAX_SPATIAL_RANK;

// With user_context.
constexpr int most_arguments = 1
#define SEPCONV_DEVICE_ARRAY(name) +1
#define SEPCONV_DEVICE_NUMBER(name, source) +1
#define SEPCONV_DEVICE_FLAG(name) +1
#define SEPCONV_DEVICE_AXES +max_rank *(0
#define SEPCONV_DEVICE_AXIS(name) +1
#define SEPCONV_DEVICE_END_AXES )
#define SEPCONV_DEVICE_BOUND(name, source) +1
#define SEPCONV_DEVICE_WORKSPACE(name) +1
#define SEPCONV_DEVICE_OUTPUT(name) +1
#include "sepconv/device_arguments.inc"
    ;

// A flat array in device memory. The compiled code is told that the device has it, so that it asks for no copy.
class Array {
 public:
  Array(const sepconv_device_tensor& tensor, int64_t behind, halide_type_t type) : buffer_{} {
    dimension_ = halide_dimension_t(0, static_cast<int32_t>(tensor.elements + behind), 1);
    buffer_.device = reinterpret_cast<uintptr_t>(tensor.memory);
    buffer_.device_interface = nullptr;
    buffer_.type = type;
    buffer_.dimensions = 1;
    buffer_.dim = &dimension_;
    buffer_.set_device_dirty(true);
  }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  halide_buffer_t* get() { return &buffer_; }

 private:
  halide_buffer_t buffer_;
  halide_dimension_t dimension_;
};

halide_type_t type_of(sepconv_dtype dtype) {
  // To the compiled code, float16 and bfloat16 are numbers of 16 bits.
  const bool half = dtype == SEPCONV_DTYPE_F16 || dtype == SEPCONV_DTYPE_BF16;
  return half ? halide_type_t(halide_type_uint, 16) : halide_type_t(halide_type_float, 32);
}

}  // namespace

sepconv_status launch_variant(const sepconv_variant& variant, Launch* launch) {
  const sepconv_device_call& call = *launch->call;
  const halide_type_t type = type_of(variant.input_dtype);
  const auto offset = [](const sepconv_device_tensor& tensor, int bytes) {
    return static_cast<int32_t>(tensor.byte_offset / bytes);
  };
  const int32_t input_offset = offset(call.input, type.bytes()), output_offset = offset(call.output, type.bytes()),
                residual_offset = offset(call.residual, type.bytes()), workspace_at = offset(call.workspace, 16 * 4);
  Array input(call.input, input_offset, type), packed(call.packed, 0, type),
      residual(call.residual, residual_offset, type), output(call.output, output_offset, type),
      workspace(call.workspace, 16 * workspace_at, halide_type_t(halide_type_float, 32));
  // Packed weights begin at a multiple of 64 bytes, as their parts do.
  const int32_t packed_at = offset(call.packed, 16 * type.bytes());
  const int32_t mid_bias_at = packed_at + call.mid_bias_at, depthwise_at = packed_at + call.depthwise_at,
                pointwise_at = packed_at + call.pointwise_at, out_bias_at = packed_at + call.out_bias_at;
  const bool vectors = call.vectors != 0;

  void* arguments[most_arguments];
  void** next = arguments;
  const auto pass = [&next](const void* argument) { *next++ = const_cast<void*>(argument); };
  void* const user_context = launch;
  pass(&user_context);
#define SEPCONV_DEVICE_ARRAY(name) pass(name.get());
#define SEPCONV_DEVICE_NUMBER(name, source) pass(&(source));
#define SEPCONV_DEVICE_FLAG(name) pass(&name);
#define SEPCONV_DEVICE_AXES for (int i = variant.spatial_rank - 1; i >= 0; --i) {
#define SEPCONV_DEVICE_AXIS(name) pass(&call.axis[i].name);
#define SEPCONV_DEVICE_END_AXES }
#define SEPCONV_DEVICE_BOUND(name, source) pass(&(source));
#define SEPCONV_DEVICE_WORKSPACE(name) \
  if (variant.split != 0) pass(name.get());
#define SEPCONV_DEVICE_OUTPUT(name) pass(name.get());
#include "sepconv/device_arguments.inc"
  const int failure = variant.entry(arguments);
  if (launch->status == SEPCONV_OK && failure != 0) launch->fail(SEPCONV_DEVICE_FAILED, "it returned %d", failure);
  return launch->status;
}

int Launch::fail(sepconv_status why, const char* format, ...) {
  if (status != SEPCONV_OK) return -1;
  status = why;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason, reason_size, format, arguments);
  va_end(arguments);
  return -1;
}

sepconv_status say(char* reason, size_t size, sepconv_status status, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason, size, format, arguments);
  va_end(arguments);
  return status;
}

}  // namespace sepconv::internal

// What the compiled host code asks of Halide's runtime, by the names that the build gives them: all tensors are where
// they should be already.
extern "C" int sepconv_gpu_copy_to_device(void*, halide_buffer_t*, const halide_device_interface_t*) { return 0; }
extern "C" int sepconv_gpu_device_malloc(void*, halide_buffer_t*, const halide_device_interface_t*) { return 0; }
