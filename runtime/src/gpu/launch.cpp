#include "launch.h"

#include <HalideRuntime.h>
#include <stdarg.h>
#include <stdio.h>

#include <initializer_list>

namespace sepconv::internal {
namespace {

constexpr int max_rank = SEPCONV_MAX_SPATIAL_RANK;

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
  const int32_t mid_bias = packed_at + call.mid_bias_at, depthwise = packed_at + call.depthwise_at,
                pointwise = packed_at + call.pointwise_at, out_bias = packed_at + call.out_bias_at;
  const bool vectors = call.vectors != 0;

  // user_context, three tensors, twenty numbers, nine an axis, nine of activations, workspace, output.
  void* arguments[1 + 3 + 21 + 9 * max_rank + 9 + 2];
  int count = 0;
  const auto pass = [&](const void* argument) { arguments[count++] = const_cast<void*>(argument); };
  void* const user_context = launch;
  pass(&user_context);
  for (Array* array : {&input, &packed, &residual}) pass(array->get());
  for (const int32_t* number : {&input_offset,
                                &output_offset,
                                &residual_offset,
                                &workspace_at,
                                &mid_bias,
                                &depthwise,
                                &pointwise,
                                &out_bias,
                                &call.in_channels,
                                &call.out_channels,
                                &call.depth_multiplier,
                                &call.chunks,
                                &call.pixels,
                                &call.batch,
                                &call.in_channel_pitch,
                                &call.in_image_pitch,
                                &call.out_channel_pitch,
                                &call.out_image_pitch,
                                &call.residual_channel_pitch,
                                &call.residual_image_pitch}) {
    pass(number);
  }
  pass(&vectors);
  for (int i = variant.spatial_rank - 1; i >= 0; --i) {
    const sepconv_device_axis& axis = call.axis[i];
    for (const int32_t* number : {&axis.kernel, &axis.stride, &axis.dilation, &axis.pad_before, &axis.in_extent,
                                  &axis.out_extent, &axis.in_pitch, &axis.out_pitch, &axis.residual_pitch}) {
      pass(number);
    }
  }
  const sepconv_activation* const activations[] = {&call.in, &call.mid, &call.out};
  for (const sepconv_activation* activation : activations) pass(&activation->kind);
  for (const sepconv_activation* activation : activations) pass(&activation->lo), pass(&activation->hi);
  if (variant.split != 0) pass(workspace.get());
  pass(output.get());
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
