# Finds the Halide compiler (the PyPI package halide; ./dev passes Halide_ROOT). Build time only: nothing of it ships but the
# generator's own copy of libHalide in an installed prefix.
set(SEPCONV_HALIDE_VERSION 21.0.0)
# The wheel keeps its CMake package under lib64, on systems that have no lib64 too.
set_property(GLOBAL PROPERTY FIND_LIBRARY_USE_LIB64_PATHS TRUE)
find_package(Halide ${SEPCONV_HALIDE_VERSION} EXACT REQUIRED)
