# WebAssembly with SIMD, with Emscripten; programs run in Node.
set(emscripten "$ENV{EMSCRIPTEN}")
if(NOT emscripten)
  set(emscripten /usr/share/emscripten) # Debian's
endif()
find_program(node NAMES node nodejs REQUIRED)
# Node's own fetch cannot read files, and Emscripten's older releases prefer it.
set(CMAKE_CROSSCOMPILING_EMULATOR "${node};--no-experimental-fetch" CACHE STRING "")
include("${emscripten}/cmake/Modules/Platform/Emscripten.cmake")
# The variants are compiled with SIMD; what is linked with them may say so, too.
string(APPEND CMAKE_C_FLAGS_INIT " -msimd128")
string(APPEND CMAKE_CXX_FLAGS_INIT " -msimd128")
# Emscripten looks for packages in its own folder only.
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)
