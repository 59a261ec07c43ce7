// The driver's library is opened at run time, as the library under test does it: nothing of CUDA is needed to build
// this.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include "gpu/device.h"

namespace sepconv::test {
namespace {

std::string reason;

// Calls a function of the driver; its error, or -1 if it is not there.
template <typename... Arguments>
int call(const char* name, Arguments... arguments) {
  static void* const library = dlopen("libcuda.so.1", RTLD_NOW);
  void* const function = library == nullptr ? nullptr : dlsym(library, name);
  const int error = function == nullptr ? -1 : reinterpret_cast<int (*)(Arguments...)>(function)(arguments...);
  if (error != 0) reason = std::string("no CUDA device: ") + name + " says " + std::to_string(error);
  return error;
}

uint64_t address(void* memory) { return reinterpret_cast<uintptr_t>(memory); }

}  // namespace

const sepconv_device Device::kind = SEPCONV_DEVICE_CUDA;
const char* const Device::target = "cuda";

Device::Device() {
  int device = 0;
  if (call("cuInit", 0U) == 0 && call("cuDeviceGet", &device, 0) == 0 &&
      call("cuDevicePrimaryCtxRetain", &context_, device) == 0 && call("cuCtxSetCurrent", context_) == 0) {
    call("cuStreamCreate", &stream_, 0U);
  }
}

Device::~Device() {
  if (stream_ != nullptr) call("cuStreamDestroy_v2", stream_);
}

const char* Device::why_not() const { return reason.c_str(); }

DeviceMemory::DeviceMemory(const Device& device, const void* host, size_t bytes, size_t offset)
    : device_(device), bytes_(bytes), offset_(offset) {
  const std::vector<unsigned char> whole = filled(host);
  uint64_t at = 0;
  EXPECT_EQ(call("cuMemAlloc_v2", &at, whole.size()), 0);
  memory_ = reinterpret_cast<void*>(static_cast<uintptr_t>(at));
  EXPECT_EQ(call("cuMemcpyHtoD_v2", at, static_cast<const void*>(whole.data()), whole.size()), 0);
}

DeviceMemory::~DeviceMemory() { call("cuMemFree_v2", address(memory_)); }

std::vector<unsigned char> DeviceMemory::all() const {
  std::vector<unsigned char> whole = filled(nullptr);
  EXPECT_EQ(call("cuStreamSynchronize", device_.stream()), 0);
  EXPECT_EQ(call("cuMemcpyDtoH_v2", static_cast<void*>(whole.data()), address(memory_), whole.size()), 0);
  return whole;
}

}  // namespace sepconv::test
