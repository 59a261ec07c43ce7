// The first OpenCL device of this machine, such as PoCL's, and memory on it.
#ifndef SEPCONV_TESTS_GPU_OPENCL_DEVICE_H
#define SEPCONV_TESTS_GPU_OPENCL_DEVICE_H

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include <cstddef>
#include <vector>

#include "sepconv/sepconv.h"

namespace sepconv::test {

class OpenClDevice {
 public:
  OpenClDevice();
  ~OpenClDevice();
  OpenClDevice(const OpenClDevice&) = delete;
  OpenClDevice& operator=(const OpenClDevice&) = delete;

  bool there() const { return queue_ != nullptr; }
  cl_context context() const { return context_; }
  cl_command_queue queue() const { return queue_; }

 private:
  cl_context context_ = nullptr;
  cl_command_queue queue_ = nullptr;
};

// A memory object with a tensor inside it, `offset` bytes from its beginning and 256 bytes from its end; the rest
// holds a pattern.
class OpenClMemory {
 public:
  OpenClMemory(const OpenClDevice& device, const void* host, size_t bytes, size_t offset);
  ~OpenClMemory() { clReleaseMemObject(memory_); }
  OpenClMemory(const OpenClMemory&) = delete;
  OpenClMemory& operator=(const OpenClMemory&) = delete;

  sepconv_memory place() const { return {SEPCONV_MEMORY_OPENCL, memory_, static_cast<int64_t>(offset_)}; }
  void read(void* host) const;  // the tensor
  bool pattern_untouched() const;

 private:
  std::vector<unsigned char> all() const;

  const OpenClDevice& device_;
  size_t bytes_, offset_;
  cl_mem memory_;
};

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_GPU_OPENCL_DEVICE_H
