# GPU variants: OpenCL's on whatever device this machine has, such as PoCL; CUDA's where there is one, and against a driver that only takes
# notes.
find_package(OpenCL REQUIRED)
set(suite gpu/suite.cpp gpu/halves.cpp gpu/device.cpp)
sepconv_add_test(opencl gpu SOURCES ${suite} gpu/opencl_device.cpp LIBS sepconv_default_gpu OpenCL::OpenCL)
sepconv_add_test(cuda_device gpu SOURCES ${suite} gpu/cuda_device.cpp LIBS sepconv_default_gpu ${CMAKE_DL_LIBS})

# A library of that name before any real one, in the folder that the test's loader looks into first.
add_library(sepconv_fake_cuda SHARED gpu/fake_cuda.cpp)
target_include_directories(sepconv_fake_cuda PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
target_compile_options(sepconv_fake_cuda PRIVATE -Wall -Wextra -Werror -pedantic)
set_target_properties(
  sepconv_fake_cuda
  PROPERTIES OUTPUT_NAME cuda SUFFIX .so.1 NO_SONAME ON LIBRARY_OUTPUT_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/fake_cuda"
)
sepconv_add_test(
  cuda
  gpu
  SOURCES gpu/cuda_test.cpp support/allocations.cpp
  LIBS sepconv_default_gpu
  LINK_OPTIONS ${wrapped}
)
add_dependencies(sepconv_cuda_test sepconv_fake_cuda)
set_tests_properties(
  cuda
  PROPERTIES ENVIRONMENT_MODIFICATION "LD_LIBRARY_PATH=path_list_prepend:${CMAKE_CURRENT_BINARY_DIR}/fake_cuda"
)
sepconv_add_test(no_driver gpu SOURCES gpu/no_driver_test.cpp LIBS sepconv_default_gpu)
# Programs of which every test was skipped, for a device that is missing or a driver that is there, are skipped.
set_tests_properties(
  cuda_device
  no_driver
  PROPERTIES
    SKIP_REGULAR_EXPRESSION
      "\\[  PASSED  \\] 0 tests\\.\n\\[  SKIPPED \\] [0-9]+ tests?, listed below:\n(\\[  SKIPPED \\] [^\n]*\n?)+$"
)

# The PTX, assembled for every architecture that it is meant for. Skipped where there is no ptxas.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
get_property(manifest GLOBAL PROPERTY SEPCONV_GPU_MANIFEST)
list(FILTER manifest INCLUDE REGEX " cuda$")
list(TRANSFORM manifest REPLACE "(.+) (.+)" "${PROJECT_BINARY_DIR}/generators/sepconv_default_gpu/\\1_\\2.o")
add_test(NAME ptx COMMAND ${Python3_EXECUTABLE} "${PROJECT_SOURCE_DIR}/tools/inspect/ptx.py" ${manifest})
set_tests_properties(ptx PROPERTIES LABELS gpu SKIP_RETURN_CODE 77)

add_custom_target(
  sepconv_gpu_tests
  DEPENDS sepconv_opencl_test sepconv_cuda_device_test sepconv_cuda_test sepconv_no_driver_test
)

# Python's arrays, with the same driver.
if(TARGET sepconv_python)
  add_test(
    NAME python_device
    COMMAND
      "${CMAKE_COMMAND}" -E env "PYTHONPATH=$<TARGET_FILE_DIR:sepconv_python>/.." "${Python_EXECUTABLE}" -m pytest -q
      -rs test_device.py
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}/python/tests"
  )
  set_tests_properties(
    python_device
    PROPERTIES
      LABELS gpu
      ENVIRONMENT_MODIFICATION "LD_LIBRARY_PATH=path_list_prepend:${CMAKE_CURRENT_BINARY_DIR}/fake_cuda"
  )
  add_dependencies(sepconv_gpu_tests sepconv_python)
endif()

# The comparison with PyTorch, as far as it goes without a device.
add_test(
  NAME compare_torch
  COMMAND "${Python_EXECUTABLE}" -m pytest -q -rs -p no:cacheprovider compare_test.py
  WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}/bench/gpu"
)
set_tests_properties(compare_torch PROPERTIES LABELS gpu)
