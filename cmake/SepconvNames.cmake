# The grammar of variant names (generators/variant_name.h) at configure time, so that a wrong name never reaches a compiler.
include_guard(GLOBAL)

# The grammar of variant names: patterns and types as C++ has them, in an installed prefix in copies beside this file.
function(_sepconv_read_grammar)
  set(dir "${CMAKE_CURRENT_FUNCTION_LIST_DIR}")
  set(pattern_file "${dir}/../generators/variant_name.inc")
  set(word_file "${dir}/../runtime/include/sepconv/words.inc")
  if(EXISTS "${dir}/variant_name.inc")
    set(pattern_file "${dir}/variant_name.inc")
    set(word_file "${dir}/words.inc")
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${pattern_file}" "${word_file}")
  file(READ "${pattern_file}" patterns)
  foreach(part IN ITEMS NAME FIXED NUMBERS)
    if(NOT patterns MATCHES "\nSEPCONV_${part}\\(R\"\\(([^\n]*)\\)\"\\)")
      message(FATAL_ERROR "sepconv: ${pattern_file} has no SEPCONV_${part}")
    endif()
    set(_SEPCONV_PATTERN_${part} "${CMAKE_MATCH_1}" CACHE INTERNAL "")
  endforeach()
  file(STRINGS "${word_file}" words REGEX "^SEPCONV_DTYPE_WORD")
  list(TRANSFORM words REPLACE ".*, \"([a-z0-9]+)\", [a-z]+, [0-9]+.*" "\\1")
  set(_SEPCONV_TYPES "${words}" CACHE INTERNAL "")
endfunction()
_sepconv_read_grammar()

# Sets `out` to why a name does not follow the grammar, as generators/variant_name.cpp says it; to "" if it does.
function(_sepconv_name_problem name out)
  if(NOT name MATCHES "^${_SEPCONV_PATTERN_NAME}$")
    set(
      ${out}
      " does not read <rank>d_<type>_<layout>_<fixed>[_<family>], such as 2d_f32_nhwc_k3s1d1m1 or 1d_f32_nwc_any"
      PARENT_SCOPE
    )
    return()
  endif()
  set(rank "${CMAKE_MATCH_1}")
  set(type "${CMAKE_MATCH_2}")
  set(layout "${CMAKE_MATCH_3}")
  set(fixed "${CMAKE_MATCH_4}")
  set(problem "")
  math(EXPR first_axis "3 - ${rank}")
  string(SUBSTRING "dhw" ${first_axis} -1 axes)
  if(NOT type IN_LIST _SEPCONV_TYPES)
    set(problem ": ${type} is not a type")
  elseif(NOT layout MATCHES "^(n${axes}c|nc${axes})$")
    set(problem ": ${layout} is not a layout of rank ${rank}")
  elseif(NOT fixed STREQUAL "any" AND NOT fixed MATCHES "^${_SEPCONV_PATTERN_FIXED}$")
    set(
      problem
      ": \"${fixed}\" is neither \"any\" nor, in this order, some of k<taps> s<stride> d<dilation> m<multiplier> c<in channels> "
      "o<out channels> e<input extents>"
    )
    string(JOIN "" problem ${problem})
  endif()
  string(REGEX MATCHALL "[0-9x]+" numbers "${fixed}")
  foreach(number IN LISTS numbers)
    string(REGEX MATCHALL "[0-9]+" parts "${number}")
    list(LENGTH parts count)
    if(NOT number MATCHES "^${_SEPCONV_PATTERN_NUMBERS}$" OR NOT (count EQUAL 1 OR count EQUAL rank))
      set(problem ": \"${number}\" is neither a positive number nor ${rank} of them with an x between")
    endif()
  endforeach()
  set(${out} "${problem}" PARENT_SCOPE)
endfunction()

function(_sepconv_check_name name)
  _sepconv_name_problem("${name}" problem)
  if(problem)
    message(FATAL_ERROR "sepconv: variant name \"${name}\"${problem}")
  endif()
endfunction()
