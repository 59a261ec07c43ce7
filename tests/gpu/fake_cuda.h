// A driver library of CUDA that only takes notes: libcuda.so.1 for the tests. It has the functions that sepconv::gpu
// looks up, and some that a run must not call. Device memory is host memory, kernels compute nothing.
#ifndef SEPCONV_TESTS_GPU_FAKE_CUDA_H
#define SEPCONV_TESTS_GPU_FAKE_CUDA_H

#include <cstdint>
#include <string>
#include <vector>

namespace sepconv::test {

struct CudaCall {
  std::string name;    // of the driver's function
  void* stream;        // that it was given, or NULL
  std::string kernel;  // of cuLaunchKernel
  unsigned grid[3], block[3], shared;
};

// What a test sets and reads.
struct FakeCuda {
  std::vector<CudaCall> calls;
  int devices = 1;
  void* context = nullptr;  // the current one
  int fail_with = 0;        // what the function called `fail_in` returns
  std::string fail_in;
  int64_t bytes_allocated = 0;      // and not freed
  int modules_loaded = 0;           // and not unloaded
  std::vector<std::string> images;  // that were loaded
};

}  // namespace sepconv::test

extern "C" {

sepconv::test::FakeCuda* fake_cuda();

// The same for Python's tests.
int fake_cuda_call_count();
const char* fake_cuda_call_name(int index);
void* fake_cuda_call_stream(int index);
void fake_cuda_set_context(void* context);

}  // extern "C"

#endif  // SEPCONV_TESTS_GPU_FAKE_CUDA_H
