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
# CMake itself prints to standard output no other way. An argument of a program may have 128 KB.
set(rest "${lines}")
while(NOT rest STREQUAL "")
  string(SUBSTRING "${rest}" 0 65536 part)
  string(REGEX MATCH "^(.*)\n" part "${part}")
  string(LENGTH "${part}" length)
  string(SUBSTRING "${rest}" ${length} -1 rest)
  execute_process(COMMAND "${CMAKE_COMMAND}" -E echo_append "${part}" COMMAND_ERROR_IS_FATAL ANY)
endwhile()
