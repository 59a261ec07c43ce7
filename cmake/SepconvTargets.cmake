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

# sepconv_target(<name> [HALIDE <feature>...] SCHEDULE <name> [ROWS all|generic|last]): the features are appended to the Halide target
# of the machine. ROWS says what the default library has of the target: every row of the manifest, those of float32 that fix
# nothing, or what portable has, where the two exclude each other.
function(sepconv_target name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "SCHEDULE;ROWS" "HALIDE")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "sepconv_target(${name}): unknown argument ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_ROWS)
    set(arg_ROWS all)
  endif()
  string(JOIN "-" halide_target ${_sepconv_machine} ${arg_HALIDE})
  set_property(GLOBAL PROPERTY SEPCONV_TARGET_${name}_HALIDE "${halide_target}")
  set_property(GLOBAL PROPERTY SEPCONV_TARGET_${name}_SCHEDULE "${arg_SCHEDULE}")
  set_property(GLOBAL APPEND PROPERTY SEPCONV_TARGETS ${name})
  if(NOT name STREQUAL "portable")
    set_property(GLOBAL APPEND PROPERTY SEPCONV_TARGETS_${arg_ROWS} ${name})
  endif()
endfunction()

if(_sepconv_machine MATCHES "^x86-64")
  sepconv_target(x86_sse41 HALIDE sse41 SCHEDULE portable ROWS generic)
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
elseif(_sepconv_machine MATCHES "^arm-64")
  sepconv_target(arm_neon SCHEDULE arm)
elseif(_sepconv_machine MATCHES "^arm-32")
  sepconv_target(arm32_neon SCHEDULE arm ROWS generic)
elseif(_sepconv_machine MATCHES "^wasm")
  sepconv_target(wasm_simd128 HALIDE wasm_simd128 SCHEDULE portable ROWS generic)
endif()
if(_sepconv_machine MATCHES "^arm-32")
  sepconv_target(portable HALIDE no_neon SCHEDULE portable)
elseif(_sepconv_machine MATCHES "^riscv-64")
  # Halide compiles for the vector extension only, and for one length of its registers.
  sepconv_target(portable HALIDE rvv vector_bits_128 SCHEDULE riscv)
  sepconv_target(riscv_v256 HALIDE rvv vector_bits_256 SCHEDULE riscv ROWS last)
else()
  sepconv_target(portable SCHEDULE portable)
endif()
