// A device of this machine, and memory on it. Programs link one of opencl_device.cpp and cuda_device.cpp.
#ifndef SEPCONV_TESTS_GPU_DEVICE_H
#define SEPCONV_TESTS_GPU_DEVICE_H

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sepconv/sepconv.h"

namespace sepconv::test {

// OpenCL: the first one, such as PoCL's. CUDA: device 0, with its primary context current on the thread.
class Device {
 public:
  static const sepconv_device kind;
  static const char* const target;  // as variants have it at the end of their names

  Device();
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  bool there() const { return stream_ != nullptr; }
  const char* why_not() const;  // a sentence, if there is none
  void* context() const { return context_; }
  void* stream() const { return stream_; }

 private:
  void *context_ = nullptr, *stream_ = nullptr;
};

// Memory with a tensor inside it, `offset` bytes from its beginning and 256 bytes from its end; the rest holds a
// pattern.
class DeviceMemory {
 public:
  DeviceMemory(const Device& device, const void* host, size_t bytes, size_t offset);
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  // Names the tensor in a run's arguments.
  template <typename Pointer>
  void name(Pointer* pointer, sepconv_memory* place) const {
    if (Device::kind == SEPCONV_DEVICE_CUDA) {
      *pointer = static_cast<char*>(memory_) + offset_;
      *place = {SEPCONV_MEMORY_CUDA, nullptr, 0};
    } else {
      *pointer = nullptr;
      *place = {SEPCONV_MEMORY_OPENCL, memory_, static_cast<int64_t>(offset_)};
    }
  }

  void read(void* host) const;  // the tensor
  bool pattern_untouched() const;

 private:
  std::vector<unsigned char> filled(const void* host) const;
  std::vector<unsigned char> all() const;

  const Device& device_;
  size_t bytes_, offset_;
  void* memory_ = nullptr;
};

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_GPU_DEVICE_H
