# The programs of this machine that compile variants for another: sepconv::separable_conv_generator,
# sepconv::space, sepconv::symbols and sepconv::variant_table, imported from SEPCONV_HOST_TOOLS, a build folder or an installed prefix of sepconv for this machine.
include_guard(GLOBAL)

set(
  SEPCONV_HOST_TOOLS
  ""
  CACHE PATH
  "When cross-compiling: a build folder or an installed prefix of sepconv for this machine"
)

# Leaves the targets undefined where there is nothing to find.
macro(_sepconv_find_host_tools)
  if(NOT TARGET sepconv::separable_conv_generator AND SEPCONV_HOST_TOOLS)
    file(
      GLOB _sepconv_host_tools
      "${SEPCONV_HOST_TOOLS}/sepconvGenerator.cmake"
      "${SEPCONV_HOST_TOOLS}/lib*/cmake/sepconv/sepconvGenerator.cmake"
      "${SEPCONV_HOST_TOOLS}/lib/*/cmake/sepconv/sepconvGenerator.cmake"
    )
    if(_sepconv_host_tools)
      list(GET _sepconv_host_tools 0 _sepconv_host_tools)
      include("${_sepconv_host_tools}")
    endif()
  endif()
endmacro()

# Writes the file that imports the tools; their paths may begin with ${CMAKE_CURRENT_LIST_DIR}, the folder of that file. `halide` is
# the library that they load, `include` the folder of HalideRuntime.h, which only builds of sepconv itself need.
function(
  _sepconv_write_host_tools
  file
  generator
  variant_table
  space
  symbols
  halide
  include
)
  set(content "# The programs that compile variants. Written by the build.\n")
  foreach(tool IN ITEMS generator variant_table space symbols)
    set(name sepconv::${tool})
    if(tool STREQUAL "generator")
      set(name sepconv::separable_conv_generator)
    endif()
    string(APPEND content "add_executable(${name} IMPORTED)\n")
    string(APPEND content "set_target_properties(${name} PROPERTIES IMPORTED_LOCATION \"${${tool}}\")\n")
  endforeach()
  string(APPEND content "set(SEPCONV_HALIDE_LIBRARY \"${halide}\")\n")
  string(APPEND content "set(SEPCONV_HOST_HALIDE_INCLUDE \"${include}\")\n")
  file(GENERATE OUTPUT "${file}" CONTENT "${content}")
endfunction()
