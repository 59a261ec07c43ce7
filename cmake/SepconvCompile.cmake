# From a name to an object, by a call of the generator, and from the objects and a generated table to one static archive.
include_guard(GLOBAL)
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

# Compiles one variant for one target, into "${dir}/<variant>_<target>.o". Sets `object` to that file, `line` to the variant's line in
# the list from which sepconv_variant_table makes the table (generators/variant_line.h), and `schedule`.
function(_sepconv_compile_variant variant target prefix dir)
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
  set(object "${object}" PARENT_SCOPE)
  set(line "${line}" PARENT_SCOPE)
  set(schedule "${schedule}" PARENT_SCOPE)
endfunction()

# The header that declares a library's table.
function(_sepconv_write_variant_header library dir)
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
endfunction()

# Fails unless a library may be called so: functions and files are.
function(_sepconv_check_library_name name)
  string(LENGTH "${name}" length)
  if(NOT name MATCHES "^[a-zA-Z][a-zA-Z0-9_]*$" OR length GREATER 100)
    _sepconv_shown("${name}" name)
    message(FATAL_ERROR "sepconv_add_library: name is \"${name}\", not a C identifier of at most 100 characters")
  endif()
endfunction()

# A static library of variants, a list of "<variant> <target>", with its table and its header.
function(_sepconv_add_variant_library library pairs)
  set(dir "${CMAKE_CURRENT_BINARY_DIR}/${library}")
  string(REGEX REPLACE "^sepconv_" "" prefix "${library}")
  set(lines "")
  set(objects "")
  set(uses_gpu FALSE)
  foreach(pair IN LISTS pairs)
    string(REPLACE " " ";" pair "${pair}")
    _sepconv_compile_variant(${pair} ${prefix} "${dir}")
    string(APPEND lines "${line}\n")
    list(APPEND objects "${object}")
    if(schedule STREQUAL "gpu")
      set(uses_gpu TRUE)
    endif()
  endforeach()
  file(MAKE_DIRECTORY "${dir}/include")
  file(GENERATE OUTPUT "${dir}/variants.txt" CONTENT "${lines}")
  _sepconv_write_variant_header(${library} "${dir}")
  add_custom_command(
    OUTPUT "${dir}/${library}.c"
    COMMAND sepconv::variant_table print ${library} "${dir}/variants.txt" "${dir}/${library}.c"
    DEPENDS sepconv::variant_table "${dir}/variants.txt" ${objects}
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
