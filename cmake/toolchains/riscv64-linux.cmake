# 64-bit RISC-V Linux, with Debian's cross compiler; programs run under qemu.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR riscv64)
set(CMAKE_C_COMPILER riscv64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER riscv64-linux-gnu-g++)
# qemu 8 or newer: what 7 makes of some vector instructions is wrong, or ends the program. ./dev leaves one in build/qemu.
find_program(
  SEPCONV_QEMU_RISCV64
  NAMES qemu-riscv64 qemu-riscv64-static
  HINTS "${CMAKE_CURRENT_LIST_DIR}/../../build/qemu/usr/bin"
  NO_CMAKE_FIND_ROOT_PATH
)
if(SEPCONV_QEMU_RISCV64)
  set(
    CMAKE_CROSSCOMPILING_EMULATOR
    ${SEPCONV_QEMU_RISCV64}
    -L
    /usr/riscv64-linux-gnu
    -cpu
    rv64,v=true,vlen=128,vext_spec=v1.0
  )
endif()
set(CMAKE_FIND_ROOT_PATH /usr/riscv64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
