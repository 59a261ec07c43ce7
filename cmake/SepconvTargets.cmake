# The machines that variants are compiled for. One line a target: its name (the end of a variant's full name), the Halide target, and
# the schedule family in generators/schedules/. runtime/src/target.cpp says which CPU may run which target.
include_guard(GLOBAL)

# sepconv_target(<name> [HALIDE <feature>...] SCHEDULE <name>): the features are appended to the Halide target of the machine that the
# configure step targets.
function(sepconv_target name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "SCHEDULE" "HALIDE")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "sepconv_target(${name}): unknown argument ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    set(arch x86-64)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    set(arch arm-64)
  else()
    message(FATAL_ERROR "sepconv: processor ${CMAKE_SYSTEM_PROCESSOR} has no Halide target yet")
  endif()
  string(TOLOWER "${CMAKE_SYSTEM_NAME}" os)
  string(JOIN "-" halide_target ${arch} ${os} ${arg_HALIDE})
  set_property(GLOBAL PROPERTY SEPCONV_TARGET_${name}_HALIDE "${halide_target}")
  set_property(GLOBAL PROPERTY SEPCONV_TARGET_${name}_SCHEDULE "${arg_SCHEDULE}")
  set_property(GLOBAL APPEND PROPERTY SEPCONV_TARGETS ${name})
endfunction()

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  sepconv_target(
    x86_avx2
    HALIDE avx avx2 f16c fma sse41
    SCHEDULE x86
  )
  sepconv_target(
    x86_avx512
    HALIDE avx avx2 avx512 avx512_skylake f16c fma sse41
    SCHEDULE x86
  )
endif()
sepconv_target(portable SCHEDULE portable)
