#include "gpu/opencl_device.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace sepconv::test {
namespace {

constexpr size_t behind = 256;
constexpr unsigned char pattern = 0xc5;

}  // namespace

OpenClDevice::OpenClDevice() {
  cl_platform_id platform;
  cl_device_id device;
  if (clGetPlatformIDs(1, &platform, nullptr) != CL_SUCCESS) return;
  if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, nullptr) != CL_SUCCESS) return;
  context_ = clCreateContext(nullptr, 1, &device, nullptr, nullptr, nullptr);
  if (context_ != nullptr) queue_ = clCreateCommandQueue(context_, device, 0, nullptr);
}

OpenClDevice::~OpenClDevice() {
  if (queue_ != nullptr) clReleaseCommandQueue(queue_);
  if (context_ != nullptr) clReleaseContext(context_);
}

OpenClMemory::OpenClMemory(const OpenClDevice& device, const void* host, size_t bytes, size_t offset)
    : device_(device), bytes_(bytes), offset_(offset) {
  std::vector<unsigned char> whole(offset + bytes + behind, pattern);
  if (host != nullptr) std::memcpy(whole.data() + offset, host, bytes);
  cl_int error;
  memory_ =
      clCreateBuffer(device.context(), CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, whole.size(), whole.data(), &error);
  EXPECT_EQ(error, CL_SUCCESS);
}

std::vector<unsigned char> OpenClMemory::all() const {
  std::vector<unsigned char> whole(offset_ + bytes_ + behind);
  EXPECT_EQ(clEnqueueReadBuffer(device_.queue(), memory_, CL_TRUE, 0, whole.size(), whole.data(), 0, nullptr, nullptr),
            CL_SUCCESS);
  return whole;
}

void OpenClMemory::read(void* host) const {
  const std::vector<unsigned char> whole = all();
  std::memcpy(host, whole.data() + offset_, bytes_);
}

bool OpenClMemory::pattern_untouched() const {
  const std::vector<unsigned char> whole = all();
  const auto is_pattern = [](unsigned char byte) { return byte == pattern; };
  const auto tensor = whole.begin() + static_cast<std::ptrdiff_t>(offset_);
  return std::all_of(whole.begin(), tensor, is_pattern) &&
         std::all_of(tensor + static_cast<std::ptrdiff_t>(bytes_), whole.end(), is_pattern);
}

}  // namespace sepconv::test
