# From names to libraries: sepconv_variants (the manifest's vocabulary) and sepconv_add_library (users' layers). Both end in
# _sepconv_add_variant_library: a name becomes a call of the generator, the objects and a generated table become one static archive.
include_guard(GLOBAL)
include("${CMAKE_CURRENT_LIST_DIR}/SepconvTargets.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/SepconvLayers.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/SepconvTuning.cmake")

# Halide features of every variant: a leaf function, see docs/design.md.
set(features no_runtime user_context)
if(NOT SEPCONV_CHECKED)
  list(APPEND features no_asserts no_bounds_query)
endif()
set(_SEPCONV_LEAF_FEATURES ${features} CACHE INTERNAL "")

# What a variant asks of Halide's runtime, as "<Halide's symbol>=<who answers>": the runtime's scratch allocator. GPU variants ask
# sepconv::gpu.
set(_SEPCONV_RENAMED halide_malloc=sepconv_scratch_malloc halide_free=sepconv_scratch_free CACHE INTERNAL "")
set(renamed halide_copy_to_device=sepconv_gpu_copy_to_device halide_device_malloc=sepconv_gpu_device_malloc)
foreach(api IN ITEMS cuda opencl)
  foreach(call IN ITEMS device_interface initialize_kernels run finalize_kernels)
    list(APPEND renamed halide_${api}_${call}=sepconv_gpu_${api}_${call})
  endforeach()
endforeach()
set(_SEPCONV_RENAMED_GPU ${renamed} CACHE INTERNAL "")

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
  string(REGEX MATCHALL "[0-9][0-9x]*" numbers "${fixed}")
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

# Fails unless SepconvTargets.cmake has every target.
function(_sepconv_check_targets who targets)
  get_property(known GLOBAL PROPERTY SEPCONV_TARGETS)
  foreach(target IN LISTS targets)
    if(NOT target IN_LIST known)
      message(FATAL_ERROR "${who}: target \"${target}\" is none of ${known}")
    endif()
  endforeach()
endfunction()

# Whether a name matches one of the wildcards.
function(_sepconv_matches name wildcards out)
  set(${out} FALSE PARENT_SCOPE)
  foreach(wildcard IN LISTS wildcards)
    string(REPLACE "*" ".*" pattern "${wildcard}")
    if(name MATCHES "^${pattern}$")
      set(${out} TRUE PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

# sepconv_variants([MANIFEST <property>] <name> <group>[,<group>...] ...): adds variants to the manifest, a list of
# "<name> <target>", for all targets of the groups. SEPCONV_VARIANTS (wildcards) limits what is built.
function(sepconv_variants)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "MANIFEST" "")
  set(wildcards ${SEPCONV_GPU_VARIANTS})
  if(NOT arg_MANIFEST)
    set(arg_MANIFEST SEPCONV_MANIFEST)
    set(wildcards ${SEPCONV_VARIANTS})
  endif()
  get_property(manifest GLOBAL PROPERTY ${arg_MANIFEST})
  while(arg_UNPARSED_ARGUMENTS)
    list(POP_FRONT arg_UNPARSED_ARGUMENTS name groups)
    _sepconv_check_name("${name}")
    _sepconv_matches("${name}" "${wildcards}" wanted)
    string(REPLACE "," ";" groups "${groups}")
    foreach(group IN LISTS groups)
      _sepconv_check_group("sepconv_variants(${name})" "${group}")
      get_property(targets GLOBAL PROPERTY SEPCONV_TARGETS_${group})
      foreach(target IN LISTS targets)
        if("${name} ${target}" IN_LIST manifest)
          message(FATAL_ERROR "sepconv: the manifest names ${name} for ${target} twice")
        elseif(wanted)
          list(APPEND manifest "${name} ${target}")
        endif()
      endforeach()
    endforeach()
  endwhile()
  set_property(GLOBAL PROPERTY ${arg_MANIFEST} "${manifest}")
endfunction()

# sepconv_add_library(<name> LAYERS <file.json> [TARGETS <target>...])
#
# Compiles the layers of a layer file (schema/layers.schema.json) into one static archive. Link it, include "<name>.h", and call
# sepconv_register(<name>_variants()): its variants rank before those registered earlier. Without TARGETS: the targets whose schedule
# is made for them; where there is none, those of the group fallback, or portable.
function(sepconv_add_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LAYERS" "TARGETS")
  if(NOT arg_LAYERS)
    message(FATAL_ERROR "sepconv_add_library(${name}): LAYERS names no layer file")
  endif()
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "sepconv_add_library(${name}): unknown argument ${arg_UNPARSED_ARGUMENTS}")
  endif()
  foreach(group IN ITEMS scheduled fallback portable)
    if(NOT arg_TARGETS)
      get_property(arg_TARGETS GLOBAL PROPERTY SEPCONV_TARGETS_${group})
    endif()
  endforeach()
  _sepconv_check_targets("sepconv_add_library(${name})" "${arg_TARGETS}")
  _sepconv_layer_variants("${arg_LAYERS}" variants lines)
  set(rows "")
  foreach(variant IN LISTS variants)
    _sepconv_check_name("${variant}")
    foreach(target IN LISTS arg_TARGETS)
      list(APPEND rows "${variant} ${target}")
    endforeach()
  endforeach()
  _sepconv_add_variant_library(${name} "${rows}")
endfunction()

# A static library of compiled rows ("<variant> <target>"), its table and its header.
function(_sepconv_add_variant_library library rows)
  if(NOT library MATCHES "^[a-zA-Z][a-zA-Z0-9_]*$")
    message(FATAL_ERROR "sepconv: library name \"${library}\" is not a C identifier")
  endif()
  set(dir "${CMAKE_CURRENT_BINARY_DIR}/${library}")
  string(REGEX REPLACE "^sepconv_" "" prefix "${library}")
  set(lines "")
  set(objects "")
  set(uses_gpu FALSE)
  foreach(row IN LISTS rows)
    string(REPLACE " " ";" row "${row}")
    list(GET row 0 variant)
    list(GET row 1 target)
    get_property(halide_target GLOBAL PROPERTY SEPCONV_TARGET_${target}_HALIDE)
    get_property(schedule GLOBAL PROPERTY SEPCONV_TARGET_${target}_SCHEDULE)
    string(JOIN "-" halide_target ${halide_target} ${_SEPCONV_LEAF_FEATURES})
    _sepconv_tuned_parameters(${variant} ${target} tuned)
    set(name ${variant}_${target})
    set(function sepconv_${prefix}_${name})
    set(object "${dir}/${name}.o")
    set(compiled "${dir}/${name}.halide.o")
    set(renamed ${_SEPCONV_RENAMED})
    set(generator separable_conv)
    if(schedule STREQUAL "gpu")
      set(generator device_conv)
      set(uses_gpu TRUE)
      set(renamed ${_SEPCONV_RENAMED_GPU})
    endif()
    # The object as Halide leaves it has more global symbols than the one that is called, and takes its scratch memory from
    # halide_malloc; the copy exports one symbol and takes it from the runtime's arena.
    if(_sepconv_machine MATCHES "^wasm|-(osx|ios)$")
      set(
        copy
        sepconv::symbols
        "${compiled}"
        "${object}"
        ${function}_argv
        ${renamed}
      )
    else()
      list(TRANSFORM renamed PREPEND "--redefine-sym;")
      set(
        copy
        "${CMAKE_OBJCOPY}"
        --keep-global-symbol=${function}_argv
        ${renamed}
        "${compiled}"
        "${object}"
      )
    endif()
    add_custom_command(
      OUTPUT "${object}"
      COMMAND
        sepconv::separable_conv_generator -g ${generator} -f ${function} -n ${name}.halide -o "${dir}" -e object
        target=${halide_target} variant=${variant} schedule=${schedule} ${tuned}
      COMMAND ${copy}
      DEPENDS sepconv::separable_conv_generator sepconv::symbols
      COMMENT "Compiling variant ${name}"
      VERBATIM
    )
    list(APPEND objects "${object}")
    string(
      JOIN " "
      line
      ${variant}
      ${target}
      ${schedule}
      ${halide_target}
      ${function}
      "${object}"
      ${tuned}
    )
    string(APPEND lines "${line}\n")
  endforeach()
  file(MAKE_DIRECTORY "${dir}/include")
  file(GENERATE OUTPUT "${dir}/rows.txt" CONTENT "${lines}")
  file(
    CONFIGURE
    OUTPUT "${dir}/include/${library}.h"
    CONTENT
      [[
// The compiled variants of @library@. Written by the build.
#ifndef SEPCONV_VARIANTS_OF_@library@_H
#define SEPCONV_VARIANTS_OF_@library@_H

#include "sepconv/sepconv.h"

#ifdef __cplusplus
extern "C" {
#endif

// For sepconv_register.
const sepconv_variant_table* @library@_variants(void);

#ifdef __cplusplus
}
#endif

#endif
]]
    @ONLY
  )
  add_custom_command(
    OUTPUT "${dir}/${library}.c"
    COMMAND sepconv::variant_table print ${library} "${dir}/rows.txt" "${dir}/${library}.c"
    DEPENDS sepconv::variant_table "${dir}/rows.txt" ${objects}
    COMMENT "Writing the table of ${library}"
    VERBATIM
  )
  set_source_files_properties(${objects} PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  add_library(${library} STATIC "${dir}/${library}.c" ${objects})
  target_include_directories(${library} PUBLIC "$<BUILD_INTERFACE:${dir}/include>")
  target_link_libraries(${library} PUBLIC sepconv::runtime)
  set_target_properties(${library} PROPERTIES POSITION_INDEPENDENT_CODE ON LINKER_LANGUAGE C)
  if(uses_gpu)
    target_link_libraries(${library} PUBLIC sepconv::gpu)
  endif()
  if(SEPCONV_CHECKED)
    target_link_libraries(${library} PUBLIC sepconv_checked_runtime)
  endif()
endfunction()
