#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <gtest/gtest.h>

#include "gpu/device.h"

namespace sepconv::test {

const sepconv_device Device::kind = SEPCONV_DEVICE_OPENCL;
const char* const Device::target = "opencl";

Device::Device() {
  cl_platform_id platform;
  cl_device_id device;
  if (clGetPlatformIDs(1, &platform, nullptr) != CL_SUCCESS) return;
  if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, nullptr) != CL_SUCCESS) return;
  const cl_context context = clCreateContext(nullptr, 1, &device, nullptr, nullptr, nullptr);
  context_ = context;
  if (context != nullptr) stream_ = clCreateCommandQueue(context, device, 0, nullptr);
}

Device::~Device() {
  if (stream_ != nullptr) clReleaseCommandQueue(static_cast<cl_command_queue>(stream_));
  if (context_ != nullptr) clReleaseContext(static_cast<cl_context>(context_));
}

const char* Device::why_not() const { return "no OpenCL device: install pocl-opencl-icd"; }

DeviceMemory::DeviceMemory(const Device& device, const void* host, size_t bytes, size_t offset)
    : device_(device), bytes_(bytes), offset_(offset) {
  std::vector<unsigned char> whole = filled(host);
  cl_int error;
  memory_ = clCreateBuffer(static_cast<cl_context>(device.context()), CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
                           whole.size(), whole.data(), &error);
  EXPECT_EQ(error, CL_SUCCESS);
}

DeviceMemory::~DeviceMemory() { clReleaseMemObject(static_cast<cl_mem>(memory_)); }

std::vector<unsigned char> DeviceMemory::all() const {
  std::vector<unsigned char> whole = filled(nullptr);
  EXPECT_EQ(clEnqueueReadBuffer(static_cast<cl_command_queue>(device_.stream()), static_cast<cl_mem>(memory_), CL_TRUE,
                                0, whole.size(), whole.data(), 0, nullptr, nullptr),
            CL_SUCCESS);
  return whole;
}

}  // namespace sepconv::test
