# The machines that variants are compiled for. One line a target: its name (the end of a variant's full name), the Halide target, and
# the schedule family in generators/schedules/. runtime/src/target.cpp says which CPU may run which target.
include_guard(GLOBAL)

# What Halide calls the machine that the configure step targets: <arch>-<bits>-<os>.
function(_sepconv_halide_machine out)
  if(CMAKE_SYSTEM_NAME MATCHES "^(Emscripten|WASI)$")
    set(${out} wasm-32-wasmrt PARENT_SCOPE)
    return()
  endif()
  set(processor "${CMAKE_SYSTEM_PROCESSOR}")
  if(APPLE AND CMAKE_OSX_ARCHITECTURES)
    set(processor "${CMAKE_OSX_ARCHITECTURES}")
  endif()
  if(processor MATCHES "^(x86_64|AMD64|amd64)$")
    set(machine x86-64)
  elseif(processor MATCHES "^(aarch64|arm64|ARM64)$")
    set(machine arm-64)
  elseif(processor MATCHES "^arm")
    set(machine arm-32)
  elseif(processor STREQUAL "riscv64")
    set(machine riscv-64)
  else()
    message(
      FATAL_ERROR
      "sepconv: processor \"${processor}\" has no Halide target; one architecture is compiled at a time"
    )
  endif()
  string(TOLOWER "${CMAKE_SYSTEM_NAME}" os)
  if(os STREQUAL "darwin")
    set(os osx)
  endif()
  set(${out} ${machine}-${os} PARENT_SCOPE)
endfunction()

_sepconv_halide_machine(_sepconv_machine)

# Groups of targets, by what the default library has for them; generators/variants.cmake says which of its variants are for which.
set(
  _SEPCONV_TARGET_GROUPS
  scheduled # the schedule is made for the target: all that is worth having
  direct_taps # of these, those whose taps may read the input itself
  copied_taps # and those whose taps read a copy of it
  short_vectors # of these, those whose vectors have at most 256 bits
  fallback # processors rarely end here, or few programs run there: float32 variants that fix nothing
  portable # nothing is assumed but the architecture: a variant for every legal problem
  gpu # generators/gpu_variants.cmake, in a library of its own
  large_blocks # of these, those whose blocks may have 48 KB of shared memory; OpenCL promises 32
  CACHE INTERNAL
  ""
)

# sepconv_target(<name> [HALIDE <feature>...] SCHEDULE <name> GROUPS <group>...): the features are appended to the Halide target of
# the machine.
function(sepconv_target name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "SCHEDULE" "HALIDE;GROUPS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "sepconv_target(${name}): unknown argument ${arg_UNPARSED_ARGUMENTS}")
  endif()
  string(JOIN "-" halide_target ${_sepconv_machine} ${arg_HALIDE})
  set_property(GLOBAL PROPERTY SEPCONV_TARGET_${name}_HALIDE "${halide_target}")
  set_property(GLOBAL PROPERTY SEPCONV_TARGET_${name}_SCHEDULE "${arg_SCHEDULE}")
  set_property(GLOBAL APPEND PROPERTY SEPCONV_TARGETS ${name})
  foreach(group IN LISTS arg_GROUPS)
    _sepconv_check_group("sepconv_target(${name})" "${group}")
    set_property(GLOBAL APPEND PROPERTY SEPCONV_TARGETS_${group} ${name})
  endforeach()
endfunction()

function(_sepconv_check_group who group)
  if(NOT group IN_LIST _SEPCONV_TARGET_GROUPS)
    message(FATAL_ERROR "${who}: \"${group}\" is none of the groups of targets ${_SEPCONV_TARGET_GROUPS}")
  endif()
endfunction()

if(_sepconv_machine MATCHES "^x86-64")
  sepconv_target(x86_sse41 HALIDE sse41 SCHEDULE portable GROUPS fallback)
  sepconv_target(
    x86_avx2
    HALIDE avx avx2 f16c fma sse41
    SCHEDULE x86
    GROUPS scheduled direct_taps short_vectors
  )
  sepconv_target(
    x86_avx512
    HALIDE avx avx2 avx512 avx512_skylake f16c fma sse41
    SCHEDULE x86
    GROUPS scheduled direct_taps
  )
elseif(_sepconv_machine MATCHES "^arm-64")
  sepconv_target(arm_neon SCHEDULE arm GROUPS scheduled copied_taps short_vectors)
elseif(_sepconv_machine MATCHES "^arm-32")
  sepconv_target(arm32_neon SCHEDULE arm GROUPS fallback)
elseif(_sepconv_machine MATCHES "^wasm")
  sepconv_target(wasm_simd128 HALIDE wasm_simd128 SCHEDULE portable GROUPS fallback)
endif()
if(SEPCONV_GPU)
  # Halide writes PTX for nothing newer than 8.6, and what newer instructions it knows are of no use here; drivers compile the PTX
  # of an older architecture for a newer one.
  sepconv_target(cuda HALIDE cuda cuda_capability_75 SCHEDULE gpu GROUPS gpu large_blocks)
  sepconv_target(opencl HALIDE opencl SCHEDULE gpu GROUPS gpu)
endif()
if(_sepconv_machine MATCHES "^arm-32")
  sepconv_target(portable HALIDE no_neon SCHEDULE portable GROUPS portable)
elseif(_sepconv_machine MATCHES "^riscv-64")
  # Halide compiles for the vector extension only, and for one length of its registers.
  sepconv_target(portable HALIDE rvv vector_bits_128 SCHEDULE riscv GROUPS portable)
  sepconv_target(riscv_v256 HALIDE rvv vector_bits_256 SCHEDULE riscv GROUPS portable)
else()
  sepconv_target(portable SCHEDULE portable GROUPS portable)
endif()
