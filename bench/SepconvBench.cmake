include_guard(GLOBAL)

# sepconv_add_bench(<name> LIBRARY <library> [LAYERS <file.json>])
#
# Adds sepconv_bench as the program <name> with the variants of <library>, made by sepconv_add_library, ranking before the shipped
# ones. LAYERS is the layer file that it reads when the command line names none.
function(sepconv_add_bench name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LIBRARY;LAYERS" "")
  if(NOT arg_LIBRARY OR arg_UNPARSED_ARGUMENTS OR arg_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "sepconv_add_bench(${ARGV}): want <name> LIBRARY <library> [LAYERS <file.json>]")
  endif()
  set(SEPCONV_BENCH_LIBRARY "${arg_LIBRARY}")
  set(SEPCONV_BENCH_LAYERS "")
  if(arg_LAYERS)
    get_filename_component(SEPCONV_BENCH_LAYERS "${arg_LAYERS}" ABSOLUTE)
  endif()
  set(source "${CMAKE_CURRENT_BINARY_DIR}/${name}_own_variants.cpp")
  configure_file("${CMAKE_CURRENT_FUNCTION_LIST_DIR}/own_variants.cpp.in" "${source}" @ONLY)
  add_executable(${name} "${source}" "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/main.cpp")
  target_link_libraries(${name} PRIVATE sepconv_bench_parts ${arg_LIBRARY})
endfunction()
