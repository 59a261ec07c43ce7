// CUDA, through its driver interface. The driver's library is opened when a device is first asked for; nothing of
// CUDA is needed to compile or link this file.
#include <HalideRuntime.h>
#include <stdint.h>

#include "driver_library.h"
#include "launch.h"
#include "modules.h"
#include "sepconv/gpu.h"

namespace sepconv::internal {
namespace {

using CUresult = int;  // 0 for success

// The part of the driver's interface that is used.
struct Cuda {
  CUresult (*init)(unsigned flags);
  CUresult (*device_count)(int* count);
  CUresult (*current_context)(void** context);
  CUresult (*load)(void** module, const void* image);
  CUresult (*unload)(void* module);
  CUresult (*kernel)(void** kernel, void* module, const char* name);
  CUresult (*launch)(void* kernel, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned shared,
                     void* stream, void** arguments, void** extra);
  CUresult (*error_name)(CUresult error, const char** name);
  CUresult (*allocate)(uint64_t* address, size_t bytes);
  CUresult (*release)(uint64_t address);
  CUresult (*write)(uint64_t to, const void* from, size_t bytes, void* stream);
  CUresult (*read)(void* to, uint64_t from, size_t bytes, void* stream);
  CUresult (*wait)(void* stream);
};

Cuda cuda;
Modules modules;
void open_driver();
DriverLibrary library("CUDA's driver", open_driver);

void open_driver() {
  (void)(library.open("libcuda.so.1") && library.find("cuInit", &cuda.init) &&
         library.find("cuDeviceGetCount", &cuda.device_count) &&
         library.find("cuCtxGetCurrent", &cuda.current_context) && library.find("cuModuleLoadData", &cuda.load) &&
         library.find("cuModuleUnload", &cuda.unload) && library.find("cuModuleGetFunction", &cuda.kernel) &&
         library.find("cuLaunchKernel", &cuda.launch) && library.find("cuGetErrorName", &cuda.error_name) &&
         library.find("cuMemAlloc_v2", &cuda.allocate) && library.find("cuMemFree_v2", &cuda.release) &&
         library.find("cuMemcpyHtoDAsync_v2", &cuda.write) && library.find("cuMemcpyDtoHAsync_v2", &cuda.read) &&
         library.find("cuStreamSynchronize", &cuda.wait));
}

const char* name_of(CUresult error) {
  const char* name = nullptr;
  return cuda.error_name(error, &name) == 0 && name != nullptr ? name : "an error without a name";
}

sepconv_status probe(char* reason, size_t size) {
  if (sepconv_status status = library.ready(reason, size)) return status;
  int count = 0;
  if (CUresult error = cuda.init(0)) return say(reason, size, SEPCONV_NO_DEVICE, "cuInit: %s", name_of(error));
  if (CUresult error = cuda.device_count(&count))
    return say(reason, size, SEPCONV_NO_DEVICE, "cuDeviceGetCount: %s", name_of(error));
  if (count == 0) return say(reason, size, SEPCONV_NO_DEVICE, "there is no CUDA device");
  return SEPCONV_OK;
}

sepconv_status current_context(void*, void** context, char* reason, size_t size) {
  *context = nullptr;
  if (sepconv_status status = library.ready(reason, size)) return status;
  if (CUresult error = cuda.current_context(context))
    return say(reason, size, SEPCONV_DEVICE_FAILED, "cuCtxGetCurrent: %s", name_of(error));
  if (*context != nullptr) return SEPCONV_OK;
  return say(reason, size, SEPCONV_INVALID_ARGUMENT, "no CUDA context is current on the calling thread");
}

sepconv_status run(const sepconv_variant* variant, const sepconv_device_call* call, char* reason, size_t size) {
  Launch launch = {call, nullptr, nullptr, SEPCONV_OK, reason, size};
  if (sepconv_status status = current_context(call->stream, &launch.context, reason, size)) return status;
  return launch_variant(*variant, &launch);
}

int allocate(void*, size_t bytes, void** memory) {
  uint64_t at = 0;
  const CUresult error = cuda.allocate(&at, bytes);
  *memory = reinterpret_cast<void*>(static_cast<uintptr_t>(at));
  return error;
}

uint64_t address(void* memory) { return reinterpret_cast<uintptr_t>(memory); }

void release_memory(void* memory) { cuda.release(address(memory)); }

int write(void* stream, void* memory, const void* host, size_t bytes) {
  return cuda.write(address(memory), host, bytes, stream);
}

int read(void* stream, void* memory, void* host, size_t bytes) {
  return cuda.read(host, address(memory), bytes, stream);
}

int wait(void* stream) { return cuda.wait(stream); }

// Forgets what was loaded for the context.
void release(void* context) {
  const Modules::Lock lock(&modules);
  modules.remove(context, [](const Module& module) { cuda.unload(module.handle); });
}

}  // namespace
}  // namespace sepconv::internal

using sepconv::internal::Launch;

extern "C" {

const sepconv_driver sepconv_cuda_driver = {
    SEPCONV_DEVICE_CUDA,         SEPCONV_MEMORY_CUDA,
    sepconv::internal::probe,    sepconv::internal::run,
    sepconv::internal::release,  sepconv::internal::current_context,
    sepconv::internal::allocate, sepconv::internal::release_memory,
    sepconv::internal::write,    sepconv::internal::read,
    sepconv::internal::wait,
};

const halide_device_interface_t* sepconv_gpu_cuda_device_interface(void) { return nullptr; }

// `source` is the variant's PTX. The driver compiles it here, once a context.
int sepconv_gpu_cuda_initialize_kernels(void* user_context, void**, const char* source, int) {
  using namespace sepconv::internal;
  Launch& launch = *static_cast<Launch*>(user_context);
  const Modules::Lock lock(&modules);
  launch.module = modules.find(launch.context, source);
  if (launch.module != nullptr) return 0;
  void* handle = nullptr;
  if (CUresult error = cuda.load(&handle, source))
    return launch.fail(SEPCONV_DEVICE_FAILED, "cuModuleLoadData: %s", name_of(error));
  launch.module = modules.add(launch.context, source, handle);
  if (launch.module != nullptr) return 0;
  cuda.unload(handle);
  return launch.fail(SEPCONV_OUT_OF_MEMORY, "no memory for the list of modules");
}

int sepconv_gpu_cuda_run(void* user_context, void*, const char* name, int blocks_x, int blocks_y, int blocks_z,
                         int threads_x, int threads_y, int threads_z, int shared, size_t sizes[], void* arguments[],
                         int8_t is_buffer[]) {
  using namespace sepconv::internal;
  Launch& launch = *static_cast<Launch*>(user_context);
  void* kernel = nullptr;
  {
    const Modules::Lock lock(&modules);
    kernel = kernel_of(&launch, name, [&](void* module, void** handle) {
      const CUresult error = cuda.kernel(handle, module, name);
      return error == 0 ? 0 : launch.fail(SEPCONV_DEVICE_FAILED, "cuModuleGetFunction(%s): %s", name, name_of(error));
    });
  }
  if (kernel == nullptr) return -1;
  if (launch.call->warm_up != 0) return 0;
  uint64_t addresses[most_arguments];
  void* pointers[most_arguments];
  const int count = count_arguments(sizes);
  if (count > most_arguments) return launch.fail(SEPCONV_DEVICE_FAILED, "a kernel has %d arguments", count);
  for (int i = 0; i < count; ++i) {
    if (is_buffer[i]) addresses[i] = static_cast<halide_buffer_t*>(arguments[i])->device;
    pointers[i] = is_buffer[i] ? &addresses[i] : arguments[i];
  }
  const auto u = [](int number) { return static_cast<unsigned>(number); };
  if (CUresult error = cuda.launch(kernel, u(blocks_x), u(blocks_y), u(blocks_z), u(threads_x), u(threads_y),
                                   u(threads_z), u(shared), launch.call->stream, pointers, nullptr)) {
    return launch.fail(SEPCONV_DEVICE_FAILED, "cuLaunchKernel(%s): %s", name, name_of(error));
  }
  return 0;
}

void sepconv_gpu_cuda_finalize_kernels(void*, void*) {}

}  // extern "C"
