# The variant of each layer of a layer file, as sepconv_add_library compiles it, for programs that are not CMake:
#
#   cmake -D LAYERS=<file.json> -P SepconvLayerNames.cmake
#
# prints for each layer its name, a tab and the name of its variant. Layers marked "fusable": false have none and are left out.
cmake_minimum_required(VERSION 3.28)
include("${CMAKE_CURRENT_LIST_DIR}/SepconvLayers.cmake")

if(NOT LAYERS)
  message(FATAL_ERROR "usage: cmake -D LAYERS=<file.json> -P SepconvLayerNames.cmake")
endif()
_sepconv_layer_variants("${LAYERS}" variants lines)
string(REGEX REPLACE "\n$" "" lines "${lines}")
execute_process(COMMAND "${CMAKE_COMMAND}" -E echo "${lines}")
