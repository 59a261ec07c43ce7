# Finds the Halide compiler (the PyPI package halide; ./dev passes Halide_DIR). Build time only: nothing of it ships but the
# generator's own copy of libHalide in an installed prefix.
#
# When cross-compiling, the generator comes from a build for this machine, SEPCONV_HOST_TOOLS, and of Halide only HalideRuntime.h is
# needed.
set(SEPCONV_HALIDE_VERSION 21.0.0)
# The wheel keeps its CMake package under lib64, on systems that have no lib64 too.
set_property(GLOBAL PROPERTY FIND_LIBRARY_USE_LIB64_PATHS TRUE)
if(CMAKE_CROSSCOMPILING)
  include(SepconvHostTools)
  _sepconv_find_host_tools()
  if(NOT TARGET sepconv::separable_conv_generator)
    message(
      FATAL_ERROR
      "sepconv: cross-compiling needs SEPCONV_HOST_TOOLS, a build folder or an installed prefix of sepconv for this machine, and it "
      "is \"${SEPCONV_HOST_TOOLS}\". To make one: cmake --preset host-tools && cmake --build --preset host-tools"
    )
  endif()
  if(NOT SEPCONV_HALIDE_INCLUDE)
    unset(SEPCONV_HALIDE_INCLUDE CACHE) # an empty one would be taken for an answer
    find_path(
      SEPCONV_HALIDE_INCLUDE
      HalideRuntime.h
      HINTS "${SEPCONV_HOST_HALIDE_INCLUDE}"
      NO_CMAKE_FIND_ROOT_PATH
      REQUIRED
    )
  endif()
else()
  find_package(Halide ${SEPCONV_HALIDE_VERSION} EXACT REQUIRED)
endif()
