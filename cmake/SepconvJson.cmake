# Finds nlohmann/json.hpp, with which programs read layer files: sepconv_json, an interface library. It is that of the PyPI package
# nlohmann-json, beside the package halide; without it this machine's own. Build time only.
if(CMAKE_CROSSCOMPILING)
  get_filename_component(halide "${SEPCONV_HALIDE_INCLUDE}" REALPATH)
  set(packages "${halide}/../..")
  set(alone NO_DEFAULT_PATH) # this machine's folder would bring its other headers
else()
  get_filename_component(halide "${Halide_DIR}" REALPATH)
  set(packages "${halide}/../../../..")
  set(alone "")
endif()
find_path(
  SEPCONV_JSON_INCLUDE
  nlohmann/json.hpp
  HINTS "${packages}/nlohmann_json/include" ${alone}
  NO_CMAKE_FIND_ROOT_PATH
)
if(SEPCONV_JSON_INCLUDE)
  add_library(sepconv_json INTERFACE)
  target_include_directories(sepconv_json SYSTEM INTERFACE "${SEPCONV_JSON_INCLUDE}")
elseif(NOT CMAKE_CROSSCOMPILING)
  message(FATAL_ERROR "sepconv: nlohmann/json.hpp is missing. To install it: pip install nlohmann-json")
endif()
