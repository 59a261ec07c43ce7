#include "device.h"

#include <dlfcn.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>

#include "timing.h"

namespace sepconv::runner {
namespace {

class Library {
 public:
  explicit Library(const char* file) : handle_(dlopen(file, RTLD_NOW)) {
    if (handle_ == nullptr) throw std::runtime_error(dlerror());
  }

  template <typename... Arguments>
  void call(const char* name, Arguments... arguments) const {
    const int error = function<int(Arguments...)>(name)(arguments...);
    if (error != 0) throw std::runtime_error(std::string(name) + " says " + std::to_string(error));
  }

  template <typename Function>
  Function* function(const char* name) const {
    void* const found = dlsym(handle_, name);
    if (found == nullptr) throw std::runtime_error(std::string("the driver's library has no ") + name);
    return reinterpret_cast<Function*>(found);
  }

 private:
  void* handle_;
};

// The types of both interfaces are pointers and integers; a CUdevice is an int.
class Cuda : public Device {
 public:
  Cuda() : library_("libcuda.so.1") {
    int device = 0;
    void* context = nullptr;
    library_.call("cuInit", 0U);
    library_.call("cuDeviceGet", &device, 0);
    library_.call("cuDeviceGetName", name_, static_cast<int>(sizeof name_ - 1), device);
    library_.call("cuDevicePrimaryCtxRetain", &context, device);
    library_.call("cuCtxSetCurrent", context);
    library_.call("cuStreamCreate", &stream_, 0U);
    for (void*& event : events_) library_.call("cuEventCreate", &event, 0U);
  }

  std::string name() const override { return name_; }
  void* stream() const override { return stream_; }

  double seconds_of(const std::function<void()>& enqueue) override {
    float milliseconds = 0;
    library_.call("cuEventRecord", events_[0], stream_);
    enqueue();
    library_.call("cuEventRecord", events_[1], stream_);
    library_.call("cuEventSynchronize", events_[1]);
    library_.call("cuEventElapsedTime", &milliseconds, events_[0], events_[1]);
    return milliseconds * 1e-3;
  }

 private:
  Library library_;
  char name_[256] = "";
  void* stream_ = nullptr;
  void* events_[2] = {};
};

class OpenCl : public Device {
 public:
  OpenCl() : library_("libOpenCL.so.1") {
    constexpr uint64_t all_types = 0xffffffff;
    constexpr uint32_t device_name = 0x102b;
    void *platform = nullptr, *device = nullptr;
    int32_t error = 0;
    void* const nothing = nullptr;
    library_.call("clGetPlatformIDs", 1U, &platform, nothing);
    library_.call("clGetDeviceIDs", platform, all_types, 1U, &device, nothing);
    library_.call("clGetDeviceInfo", device, device_name, sizeof name_ - 1, static_cast<void*>(name_), nothing);
    void* const context = library_.function<void*(void*, uint32_t, void**, void*, void*, int32_t*)>("clCreateContext")(
        nothing, 1, &device, nothing, nothing, &error);
    if (error == 0) {
      queue_ = library_.function<void*(void*, void*, uint64_t, int32_t*)>("clCreateCommandQueue")(context, device, 0,
                                                                                                  &error);
    }
    if (error != 0) throw std::runtime_error("no OpenCL queue: error " + std::to_string(error));
  }

  std::string name() const override { return name_; }
  void* stream() const override { return queue_; }

  double seconds_of(const std::function<void()>& enqueue) override {
    library_.call("clFinish", queue_);
    const double start = support::seconds_now();
    enqueue();
    library_.call("clFinish", queue_);
    return support::seconds_now() - start;
  }

 private:
  Library library_;
  char name_[256] = "";
  void* queue_ = nullptr;
};

}  // namespace

std::unique_ptr<Device> open_device(sepconv_device kind) {
  if (kind == SEPCONV_DEVICE_CUDA) return std::make_unique<Cuda>();
  if (kind == SEPCONV_DEVICE_OPENCL) return std::make_unique<OpenCl>();
  throw std::runtime_error("the candidates are not GPU variants");
}

std::string record_name(const std::string& name) {
  std::string record;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'), capital = c >= 'A' && c <= 'Z';
    if (letter || capital) {
      record += static_cast<char>(capital ? c - 'A' + 'a' : c);
    } else if (!record.empty() && record.back() != '-') {
      record += '-';
    }
  }
  while (!record.empty() && record.back() == '-') record.pop_back();
  return record.empty() ? "any" : record;
}

}  // namespace sepconv::runner
