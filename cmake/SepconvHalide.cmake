# Finds the Halide compiler (the PyPI package halide; ./dev passes Halide_ROOT). Build time only: nothing of it ships but the
# generator's own copy of libHalide in an installed prefix.
set(SEPCONV_HALIDE_VERSION 21.0.0)
find_package(Halide ${SEPCONV_HALIDE_VERSION} EXACT REQUIRED)
get_target_property(SEPCONV_HALIDE_INCLUDE Halide::Runtime INTERFACE_INCLUDE_DIRECTORIES)
