# The same program on other processors, as qemu models them: no instruction that they lack, the variants that are theirs, right
# answers.

if(CMAKE_CROSSCOMPILING_EMULATOR)
  set(qemu ${CMAKE_CROSSCOMPILING_EMULATOR})
elseif(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  set(qemu "${SEPCONV_PROGRAM}" run qemu-x86_64) # looked up when the test runs, and skipped where there is none
endif()

# sepconv_emulate(<cpu of qemu> <variant chosen for a 3x3 layer> <target>...)
function(sepconv_emulate cpu variant)
  if(NOT qemu OR SEPCONV_CHECKED OR "${CMAKE_C_FLAGS}" MATCHES "-fsanitize")
    return()
  endif()
  string(REGEX REPLACE ",.*" "" name "emulated_${cpu}")
  # The executable's path and not its target: it has this emulator, or none, and not the one that runs the other tests.
  add_test(
    NAME ${name}
    COMMAND ${CMAKE_COMMAND} -E env ${qemu} -cpu ${cpu} $<TARGET_FILE:sepconv_machine_test>
  )
  set_tests_properties(
    ${name}
    PROPERTIES
      LABELS emulated
      TIMEOUT ${SEPCONV_TEST_TIMEOUT}
      SKIP_RETURN_CODE 77
      # qemu 7 reads the lanes that AVX's masked loads leave out.
      ENVIRONMENT
        "SEPCONV_TEST_READABLE_GUARDS=1;SEPCONV_TARGETS=;SEPCONV_EXPECT_TARGETS=${ARGN};SEPCONV_EXPECT_VARIANT=2d_f32_nhwc_${variant}"
  )
endfunction()

if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  sepconv_emulate(Conroe any_portable "portable") # SSSE3
  sepconv_emulate(Penryn any_x86_sse41 "portable x86_sse41") # SSE4.1
  sepconv_emulate(SandyBridge any_x86_sse41 "portable x86_sse41") # AVX
  sepconv_emulate(Haswell k3s1d1m1_x86_avx2 "portable x86_sse41 x86_avx2")
elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
  sepconv_emulate(cortex-a53 k3s1d1m1_arm_neon "portable arm_neon")
  sepconv_emulate(neoverse-n1 k3s1d1m1_arm_neon "portable arm_neon arm_neon_fp16dot")
elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "armv7")
  sepconv_emulate(cortex-a9 any_arm32_neon "portable arm32_neon")
  sepconv_emulate(cortex-a15 any_arm32_neon "portable arm32_neon")
elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "riscv64")
  set(v256 rv64,v=true,vlen=256,vext_spec=v1.0)
  sepconv_emulate(${v256} any_riscv_v256 "riscv_v256")
  if(qemu)
    add_test(
      NAME emulated_variants_v256
      COMMAND ${CMAKE_COMMAND} -E env ${qemu} -cpu ${v256} $<TARGET_FILE:sepconv_variants_test>
    )
    set_tests_properties(
      emulated_variants_v256
      PROPERTIES LABELS emulated TIMEOUT ${SEPCONV_TEST_TIMEOUT} ENVIRONMENT SEPCONV_TEST_EFFORT=0.1
    )
  endif()
endif()
