# A user's program over the C++ headers, with the warnings that users of each compiler turn on, and without what some of
# them turn off.
set(
  common
  -Wall
  -Wextra
  -pedantic
  -Wconversion
  -Wsign-conversion
  -Wshadow
  -Wold-style-cast
  -Wcast-qual
  -Wnon-virtual-dtor
  -Woverloaded-virtual
  -Wdouble-promotion
  -Wformat=2
  -Wzero-as-null-pointer-constant
  -Wundef
)
if(CMAKE_CROSSCOMPILING)
  list(APPEND common -static)
endif()
list(JOIN common " " common)
set(
  folders
  "${PROJECT_SOURCE_DIR}/runtime/include $<TARGET_PROPERTY:sepconv_default,BINARY_DIR>/sepconv_default/include"
)
set(archives "$<TARGET_FILE:sepconv_default> $<TARGET_FILE:sepconv_threads> $<TARGET_FILE:sepconv_runtime>")
set(check_strict sh "${CMAKE_CURRENT_SOURCE_DIR}/check_strict.sh")
set(turned_off_nothing "")
set(turned_off_exceptions -fno-exceptions)
set(turned_off_exceptions_and_rtti "-fno-exceptions -fno-rtti")
foreach(without nothing exceptions exceptions_and_rtti)
  set(options "${common} ${turned_off_${without}}")
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    sepconv_add_package_test(
      strict_gcc_without_${without}
      COMMAND ${check_strict} "${options} -Weffc++ -Wuseless-cast" "${folders}" "${archives}" "${CMAKE_CXX_COMPILER}"
    )
  endif()
  if(NOT CMAKE_CROSSCOMPILING)
    sepconv_add_package_test(
      strict_clang_without_${without}
      COMMAND
        "${SEPCONV_PROGRAM}"
        with
        clang++
        ${check_strict}
        "${options} -Wcomma -Wshadow-all -Wextra-semi -Wdocumentation"
        "${folders}"
        "${archives}"
    )
    set_tests_properties(package_strict_clang_without_${without} PROPERTIES SKIP_RETURN_CODE 77)
  endif()
endforeach()
