#include "gpu/fake_cuda.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <set>

namespace sepconv::test {
namespace {

FakeCuda state;
std::map<uint64_t, size_t> blocks;
std::map<std::string, std::unique_ptr<std::string>> kernels;  // a CUfunction is the address of the kernel's name

int note(const char* name, void* stream = nullptr) {
  state.calls.push_back({name, stream, "", {}, {}, 0});
  return state.fail_in == name ? state.fail_with : 0;
}

}  // namespace
}  // namespace sepconv::test

using namespace sepconv::test;

extern "C" {

FakeCuda* fake_cuda() { return &state; }

int fake_cuda_call_count() { return static_cast<int>(state.calls.size()); }
const char* fake_cuda_call_name(int index) { return state.calls[static_cast<size_t>(index)].name.c_str(); }
void* fake_cuda_call_stream(int index) { return state.calls[static_cast<size_t>(index)].stream; }
void fake_cuda_set_context(void* context) { state.context = context; }

int cuInit(unsigned) { return note("cuInit"); }

int cuDeviceGetCount(int* count) {
  *count = state.devices;
  return note("cuDeviceGetCount");
}

int cuCtxGetCurrent(void** context) {
  *context = state.context;
  return note("cuCtxGetCurrent");
}

int cuModuleLoadData(void** module, const void* image) {
  *module = const_cast<void*>(image);
  const int error = note("cuModuleLoadData");
  if (error != 0) return error;
  state.images.emplace_back(static_cast<const char*>(image));
  ++state.modules_loaded;
  return 0;
}

int cuModuleUnload(void*) {
  --state.modules_loaded;
  return note("cuModuleUnload");
}

// Only kernels that the module's PTX has.
int cuModuleGetFunction(void** function, void* module, const char* name) {
  if (int error = note("cuModuleGetFunction")) return error;
  const std::string entry = std::string(".entry ") + name + "(";
  if (std::strstr(static_cast<const char*>(module), entry.c_str()) == nullptr) return 500;  // CUDA_ERROR_NOT_FOUND
  auto& kernel = kernels[name];
  if (kernel == nullptr) kernel = std::make_unique<std::string>(name);
  *function = kernel.get();
  return 0;
}

int cuLaunchKernel(void* function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                   unsigned block_y, unsigned block_z, unsigned shared, void* stream, void**, void**) {
  const int error = note("cuLaunchKernel", stream);
  state.calls.back().kernel = *static_cast<std::string*>(function);
  CudaCall& call = state.calls.back();
  const unsigned grid[] = {grid_x, grid_y, grid_z}, block[] = {block_x, block_y, block_z};
  for (int i = 0; i < 3; ++i) {
    call.grid[i] = grid[i];
    call.block[i] = block[i];
  }
  call.shared = shared;
  return error;
}

int cuGetErrorName(int error, const char** name) {
  *name = error == 719 ? "CUDA_ERROR_LAUNCH_FAILED" : "CUDA_ERROR_UNKNOWN";
  return 0;
}

int cuMemAlloc_v2(uint64_t* address, size_t bytes) {
  if (int error = note("cuMemAlloc")) return error;
  *address = reinterpret_cast<uintptr_t>(std::aligned_alloc(256, (bytes + 255) / 256 * 256));
  blocks[*address] = bytes;
  state.bytes_allocated += static_cast<int64_t>(bytes);
  return 0;
}

int cuMemFree_v2(uint64_t address) {
  state.bytes_allocated -= static_cast<int64_t>(blocks.at(address));
  blocks.erase(address);
  std::free(reinterpret_cast<void*>(address));
  return note("cuMemFree");
}

int cuMemcpyHtoDAsync_v2(uint64_t to, const void* from, size_t bytes, void* stream) {
  if (int error = note("cuMemcpyHtoDAsync", stream)) return error;
  if (bytes > blocks.at(to)) return 1;
  std::memcpy(reinterpret_cast<void*>(to), from, bytes);
  return 0;
}

int cuMemcpyDtoHAsync_v2(void* to, uint64_t from, size_t bytes, void* stream) {
  if (int error = note("cuMemcpyDtoHAsync", stream)) return error;
  if (bytes > blocks.at(from)) return 1;
  std::memcpy(to, reinterpret_cast<void*>(from), bytes);
  return 0;
}

int cuStreamSynchronize(void* stream) { return note("cuStreamSynchronize", stream); }

}  // extern "C"
