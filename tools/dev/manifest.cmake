# Prints the manifest for one machine, "<variant> <target>" a line, without a build:
#
#   cmake -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 [-DSEPCONV_GPU=ON] [-DCHECK="<name>;<name>"] -P manifest.cmake
#
# or, with CHECK, fails with a sentence unless the names follow the grammar.
cmake_minimum_required(VERSION 3.28)
set(SEPCONV_VARIANTS "*")
set(SEPCONV_GPU_VARIANTS "*")
set(root "${CMAKE_CURRENT_LIST_DIR}/../..")
include("${root}/cmake/SepconvVariants.cmake")
if(CHECK)
  foreach(name IN LISTS CHECK)
    _sepconv_check_name("${name}")
  endforeach()
  return()
endif()
include("${root}/generators/variants.cmake")
if(SEPCONV_GPU)
  include("${root}/generators/gpu_variants.cmake")
endif()
foreach(manifest IN ITEMS SEPCONV_MANIFEST SEPCONV_GPU_MANIFEST)
  get_property(lines GLOBAL PROPERTY ${manifest})
  list(JOIN lines "\n" lines)
  if(lines)
    execute_process(COMMAND "${CMAKE_COMMAND}" -E echo "${lines}")
  endif()
endforeach()
