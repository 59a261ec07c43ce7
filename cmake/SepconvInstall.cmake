# Install rules: the libraries with a CMake package and pkg-config files, and (component "generator") what sepconv_add_library needs:
# the generator with its own copy of libHalide, which is used at build time only.
include(CMakePackageConfigHelpers)
include(SepconvHostTools)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/sepconv")

install(EXPORT sepconv FILE sepconvTargets.cmake NAMESPACE sepconv:: DESTINATION "${package_dir}")
configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/package/sepconvConfig.cmake.in"
  "${CMAKE_CURRENT_BINARY_DIR}/sepconvConfig.cmake"
  INSTALL_DESTINATION "${package_dir}"
)
write_basic_package_version_file(
  "${CMAKE_CURRENT_BINARY_DIR}/sepconvConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion
)
install(
  FILES "${CMAKE_CURRENT_BINARY_DIR}/sepconvConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/sepconvConfigVersion.cmake"
  DESTINATION "${package_dir}"
)

file(RELATIVE_PATH SEPCONV_PC_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
foreach(name sepconv sepconv_default)
  configure_file("${CMAKE_CURRENT_LIST_DIR}/package/${name}.pc.in" "${CMAKE_CURRENT_BINARY_DIR}/${name}.pc" @ONLY)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/${name}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endforeach()

# The tools of this machine, in a prefix for another machine, too: projects that cross-compile need nothing but that prefix.
set(generator_dir "${CMAKE_INSTALL_LIBEXECDIR}/sepconv")
if(CMAKE_CROSSCOMPILING)
  install(
    PROGRAMS
      "$<TARGET_FILE:sepconv::separable_conv_generator>"
      "$<TARGET_FILE:sepconv::variant_table>"
      "$<TARGET_FILE:sepconv::space>"
      "$<TARGET_FILE:sepconv::symbols>"
    DESTINATION "${generator_dir}"
    COMPONENT generator
  )
  set(halide_library "${SEPCONV_HALIDE_LIBRARY}")
else()
  set_target_properties(separable_conv_generator sepconv_variant_table sepconv_space PROPERTIES INSTALL_RPATH "$ORIGIN")
  install(
    TARGETS separable_conv_generator sepconv_variant_table sepconv_space sepconv_symbols
    RUNTIME DESTINATION "${generator_dir}" COMPONENT generator
  )
  set(halide_library "$<TARGET_FILE:Halide::Halide>")
endif()
if(NOT SKBUILD) # a Python wheel is small: sepconv/_compile.py finds libHalide in the package halide
  install(FILES "${halide_library}" DESTINATION "${generator_dir}" COMPONENT generator)
endif()
file(RELATIVE_PATH to_generator "/${package_dir}" "/${generator_dir}")
string(PREPEND to_generator "\${CMAKE_CURRENT_LIST_DIR}/")
_sepconv_write_host_tools(
  "${CMAKE_CURRENT_BINARY_DIR}/installed/sepconvGenerator.cmake"
  "${to_generator}/separable_conv_generator"
  "${to_generator}/sepconv_variant_table"
  "${to_generator}/sepconv_space"
  "${to_generator}/sepconv_symbols"
  "${to_generator}/$<PATH:GET_FILENAME,${halide_library}>"
  ""
)
install(
  FILES "${CMAKE_CURRENT_BINARY_DIR}/installed/sepconvGenerator.cmake"
  DESTINATION "${package_dir}"
  COMPONENT generator
)
install(
  FILES
    "${CMAKE_CURRENT_LIST_DIR}/SepconvCompile.cmake"
    "${CMAKE_CURRENT_LIST_DIR}/SepconvHostTools.cmake"
    "${CMAKE_CURRENT_LIST_DIR}/SepconvLayerNames.cmake"
    "${CMAKE_CURRENT_LIST_DIR}/SepconvLayers.cmake"
    "${CMAKE_CURRENT_LIST_DIR}/SepconvNames.cmake"
    "${CMAKE_CURRENT_LIST_DIR}/SepconvSchema.cmake"
    "${CMAKE_CURRENT_LIST_DIR}/SepconvTargets.cmake"
    "${CMAKE_CURRENT_LIST_DIR}/SepconvTuning.cmake"
    "${CMAKE_CURRENT_LIST_DIR}/SepconvVariants.cmake"
    "${PROJECT_SOURCE_DIR}/generators/variant_name.inc"
    "${PROJECT_SOURCE_DIR}/runtime/include/sepconv/words.inc"
    "${PROJECT_SOURCE_DIR}/schema/layers.schema.json"
  DESTINATION "${package_dir}"
  COMPONENT generator
)
# What the tuner needs beside them: the runner, and where everything lies.
if(TARGET sepconv_runner)
  foreach(dir IN ITEMS LIBDIR INCLUDEDIR)
    file(RELATIVE_PATH to_${dir} "/${generator_dir}" "/${CMAKE_INSTALL_${dir}}")
  endforeach()
  file(RELATIVE_PATH to_package "/${generator_dir}" "/${package_dir}")
  set(gpu "")
  set(device_runner "")
  if(TARGET sepconv_device_runner)
    set(device_runner "$<TARGET_FILE:sepconv_device_runner>")
    set(gpu libsepconv_device_runner.a "${to_LIBDIR}/$<TARGET_FILE_NAME:sepconv_gpu>")
  endif()
  _sepconv_write_tools(
    "${CMAKE_CURRENT_BINARY_DIR}/installed/targets.json"
    separable_conv_generator
    sepconv_variant_table
    sepconv_space
    "$<PATH:GET_FILENAME,${halide_library}>"
    libsepconv_runner.a
    "${to_LIBDIR}/$<TARGET_FILE_NAME:sepconv_runtime>"
    "${to_INCLUDEDIR}"
    "."
    "${to_package}/SepconvLayerNames.cmake"
    ${gpu}
  )
  install(
    FILES
      "$<TARGET_FILE:sepconv_runner>"
      ${device_runner}
      "${PROJECT_SOURCE_DIR}/tools/runner/candidates.h"
      "${CMAKE_CURRENT_BINARY_DIR}/installed/targets.json"
    DESTINATION "${generator_dir}"
    COMPONENT generator
  )
endif()
install(
  DIRECTORY "${PROJECT_SOURCE_DIR}/generators/tuning" "${PROJECT_SOURCE_DIR}/cmake/toolchains"
  DESTINATION "${package_dir}"
  COMPONENT generator
)
# For the command `sepconv compile`, which compiles the runtime itself when it compiles layers for another machine.
install(DIRECTORY "${PROJECT_SOURCE_DIR}/runtime" DESTINATION "${CMAKE_INSTALL_DATADIR}/sepconv" COMPONENT generator)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/NOTICE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
