# The programs of this machine that compile variants for another: sepconv::separable_conv_generator and sepconv::rows, imported from
# SEPCONV_HOST_TOOLS, a build folder or an installed prefix of sepconv for this machine.
include_guard(GLOBAL)

set(SEPCONV_HOST_TOOLS "" CACHE PATH "When cross-compiling: a build folder or an installed prefix of sepconv for this machine")

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

# Writes the file that imports the tools from `generator`, `rows` and `halide` (paths, also relative to the file's own folder).
function(_sepconv_write_host_tools file generator rows halide)
  file(
    GENERATE
    OUTPUT "${file}"
    CONTENT
      "# The programs that compile variants. Written by the build.
add_executable(sepconv::separable_conv_generator IMPORTED)
set_target_properties(sepconv::separable_conv_generator PROPERTIES IMPORTED_LOCATION \"${generator}\")
add_executable(sepconv::rows IMPORTED)
set_target_properties(sepconv::rows PROPERTIES IMPORTED_LOCATION \"${rows}\")
set(SEPCONV_HALIDE_LIBRARY \"${halide}\")
"
  )
endfunction()
