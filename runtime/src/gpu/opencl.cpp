// OpenCL. Its library is opened when a device is first asked for; nothing of OpenCL is needed to compile or link this
// file.
#include <HalideRuntime.h>
#include <stdint.h>

#include "driver_library.h"
#include "launch.h"
#include "modules.h"
#include "sepconv/gpu.h"

namespace sepconv::internal {
namespace {

// As CL/cl.h has them.
using cl_int = int32_t;
using cl_uint = uint32_t;
constexpr cl_uint CL_QUEUE_CONTEXT = 0x1090, CL_QUEUE_DEVICE = 0x1091, CL_PROGRAM_BUILD_LOG = 0x1183;
constexpr uint64_t CL_MEM_READ_WRITE = 1;

// The part of the interface that is used.
struct OpenCl {
  cl_int (*platforms)(cl_uint, void**, cl_uint* count);
  cl_int (*queue_info)(void* queue, cl_uint what, size_t, void* value, size_t*);
  void* (*program)(void* context, cl_uint, const char** sources, const size_t* lengths, cl_int* error);
  cl_int (*build)(void* program, cl_uint, void* const* devices, const char* options, void (*)(void*, void*), void*);
  cl_int (*build_info)(void* program, void* device, cl_uint what, size_t, void* value, size_t*);
  cl_int (*release_program)(void* program);
  void* (*kernel)(void* program, const char* name, cl_int* error);
  cl_int (*release_kernel)(void* kernel);
  cl_int (*argument)(void* kernel, cl_uint index, size_t, const void* value);
  cl_int (*launch)(void* queue, void* kernel, cl_uint, const size_t*, const size_t*, const size_t*, cl_uint, void**,
                   void**);
  void* (*allocate)(void* context, uint64_t flags, size_t, void* host, cl_int* error);
  cl_int (*release)(void* memory);
  cl_int (*write)(void* queue, void* memory, cl_uint blocking, size_t, size_t, const void*, cl_uint, void**, void**);
  cl_int (*read)(void* queue, void* memory, cl_uint blocking, size_t, size_t, void*, cl_uint, void**, void**);
  cl_int (*wait)(void* queue);
};

OpenCl cl;
Modules modules;
void open_library();
DriverLibrary library("OpenCL's library", open_library);

void open_library() {
  (void)(library.open("libOpenCL.so.1") && library.find("clGetPlatformIDs", &cl.platforms) &&
         library.find("clGetCommandQueueInfo", &cl.queue_info) &&
         library.find("clCreateProgramWithSource", &cl.program) && library.find("clBuildProgram", &cl.build) &&
         library.find("clGetProgramBuildInfo", &cl.build_info) &&
         library.find("clReleaseProgram", &cl.release_program) && library.find("clCreateKernel", &cl.kernel) &&
         library.find("clReleaseKernel", &cl.release_kernel) && library.find("clSetKernelArg", &cl.argument) &&
         library.find("clEnqueueNDRangeKernel", &cl.launch) && library.find("clCreateBuffer", &cl.allocate) &&
         library.find("clReleaseMemObject", &cl.release) && library.find("clEnqueueWriteBuffer", &cl.write) &&
         library.find("clEnqueueReadBuffer", &cl.read) && library.find("clFinish", &cl.wait));
}

sepconv_status probe(char* reason, size_t size) {
  if (sepconv_status status = library.ready(reason, size)) return status;
  cl_uint count = 0;
  const cl_int error = cl.platforms(0, nullptr, &count);
  if (error != 0 || count == 0) return say(reason, size, SEPCONV_NO_DEVICE, "there is no OpenCL platform");
  return SEPCONV_OK;
}

sepconv_status context_of(void* queue, void** context, char* reason, size_t size) {
  *context = nullptr;
  if (sepconv_status status = library.ready(reason, size)) return status;
  if (queue == nullptr) return say(reason, size, SEPCONV_INVALID_ARGUMENT, "the stream is NULL: it must be a queue");
  if (cl_int error = cl.queue_info(queue, CL_QUEUE_CONTEXT, sizeof *context, context, nullptr))
    return say(reason, size, SEPCONV_INVALID_ARGUMENT,
               "the stream is not a command queue: clGetCommandQueueInfo returned %d", error);
  return SEPCONV_OK;
}

sepconv_status run(const sepconv_variant* variant, const sepconv_device_call* call, char* reason, size_t size) {
  Launch launch = {call, nullptr, nullptr, SEPCONV_OK, reason, size};
  if (sepconv_status status = context_of(call->stream, &launch.context, reason, size)) return status;
  return launch_variant(*variant, &launch);
}

// Compiles the variant's source for the device of the call's queue; NULL (and the failure is noted) if that fails.
void* build(Launch* launch, const char* source, size_t length) {
  void* device = nullptr;
  cl_int error = cl.queue_info(launch->call->stream, CL_QUEUE_DEVICE, sizeof device, &device, nullptr);
  if (error == 0) {
    void* const program = cl.program(launch->context, 1, &source, &length, &error);
    if (error == 0) {
      error = cl.build(program, 1, &device, "", nullptr, nullptr);
      if (error == 0) return program;
      char log[400] = "";
      cl.build_info(program, device, CL_PROGRAM_BUILD_LOG, sizeof log - 1, log, nullptr);
      cl.release_program(program);
      launch->fail(SEPCONV_DEVICE_FAILED, "clBuildProgram returned %d: %s", error, log);
      return nullptr;
    }
  }
  launch->fail(SEPCONV_DEVICE_FAILED, "clCreateProgramWithSource returned %d", error);
  return nullptr;
}

int allocate(void* context, size_t bytes, void** memory) {
  cl_int error = 0;
  *memory = cl.allocate(context, CL_MEM_READ_WRITE, bytes, nullptr, &error);
  return error;
}

void release_memory(void* memory) { cl.release(memory); }

int write(void* queue, void* memory, const void* host, size_t bytes) {
  return cl.write(queue, memory, 0, 0, bytes, host, 0, nullptr, nullptr);
}

int read(void* queue, void* memory, void* host, size_t bytes) {
  return cl.read(queue, memory, 0, 0, bytes, host, 0, nullptr, nullptr);
}

int wait(void* queue) { return cl.wait(queue); }

// Forgets what was loaded for the context.
void release(void* context) {
  const Modules::Lock lock(&modules);
  modules.remove(context, [](const Module& module) {
    for (int i = 0; i < module.kernel_count; ++i) cl.release_kernel(module.kernels[i].handle);
    cl.release_program(module.handle);
  });
}

}  // namespace
}  // namespace sepconv::internal

using sepconv::internal::Launch;

extern "C" {

const sepconv_driver sepconv_opencl_driver = {
    SEPCONV_DEVICE_OPENCL,       SEPCONV_MEMORY_OPENCL,
    sepconv::internal::probe,    sepconv::internal::run,
    sepconv::internal::release,  sepconv::internal::context_of,
    sepconv::internal::allocate, sepconv::internal::release_memory,
    sepconv::internal::write,    sepconv::internal::read,
    sepconv::internal::wait,
};

const halide_device_interface_t* sepconv_gpu_opencl_device_interface(void) { return nullptr; }

// `source` is the variant's OpenCL C. It is compiled here, once a context.
int sepconv_gpu_opencl_initialize_kernels(void* user_context, void**, const char* source, int size) {
  using namespace sepconv::internal;
  Launch& launch = *static_cast<Launch*>(user_context);
  const Modules::Lock lock(&modules);
  launch.module = modules.find(launch.context, source);
  if (launch.module != nullptr) return 0;
  void* const program = build(&launch, source, static_cast<size_t>(size));
  if (program == nullptr) return -1;
  launch.module = modules.add(launch.context, source, program);
  if (launch.module != nullptr) return 0;
  cl.release_program(program);
  return launch.fail(SEPCONV_OUT_OF_MEMORY, "no memory for the list of programs");
}

int sepconv_gpu_opencl_run(void* user_context, void*, const char* name, int blocks_x, int blocks_y, int blocks_z,
                           int threads_x, int threads_y, int threads_z, int shared, size_t sizes[], void* arguments[],
                           int8_t is_buffer[]) {
  using namespace sepconv::internal;
  Launch& launch = *static_cast<Launch*>(user_context);
  const auto s = [](int number) { return static_cast<size_t>(number); };
  // A kernel's arguments belong to the kernel, so that setting them and putting it on the queue are one step.
  const Modules::Lock lock(&modules);
  void* const kernel = kernel_of(&launch, name, [&](void* program, void** handle) {
    cl_int error = 0;
    *handle = cl.kernel(program, name, &error);
    return error == 0 ? 0 : launch.fail(SEPCONV_DEVICE_FAILED, "clCreateKernel(%s) returned %d", name, error);
  });
  if (kernel == nullptr) return -1;
  if (launch.call->warm_up != 0) return 0;
  const int count = count_arguments(sizes);
  cl_int error = 0;
  for (int i = 0; i < count && error == 0; ++i) {
    if (is_buffer[i]) {
      void* const memory =
          reinterpret_cast<void*>(static_cast<uintptr_t>(static_cast<halide_buffer_t*>(arguments[i])->device));
      error = cl.argument(kernel, static_cast<cl_uint>(i), sizeof memory, &memory);
    } else {
      error = cl.argument(kernel, static_cast<cl_uint>(i), sizes[i], arguments[i]);
    }
  }
  // The compiled kernel's last argument is its local memory, whether it has any or not.
  if (error == 0) error = cl.argument(kernel, static_cast<cl_uint>(count), s(shared > 0 ? shared : 1), nullptr);
  if (error != 0) return launch.fail(SEPCONV_DEVICE_FAILED, "clSetKernelArg(%s) returned %d", name, error);
  const size_t local[] = {s(threads_x), s(threads_y), s(threads_z)};
  const size_t global[] = {s(blocks_x) * local[0], s(blocks_y) * local[1], s(blocks_z) * local[2]};
  error = cl.launch(launch.call->stream, kernel, 3, nullptr, global, local, 0, nullptr, nullptr);
  if (error != 0) return launch.fail(SEPCONV_DEVICE_FAILED, "clEnqueueNDRangeKernel(%s) returned %d", name, error);
  return 0;
}

void sepconv_gpu_opencl_finalize_kernels(void*, void*) {}

}  // extern "C"
