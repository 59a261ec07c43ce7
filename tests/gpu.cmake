# GPU rows: OpenCL's on whatever device this machine has, such as PoCL; CUDA's against a driver that only takes notes.
find_package(OpenCL REQUIRED)
sepconv_add_test(
  opencl
  gpu
  SOURCES gpu/opencl_test.cpp gpu/opencl_device.cpp
  LIBS sepconv_default_gpu OpenCL::OpenCL
)
