# Writes targets.json: for each target its Halide target, schedule and shipped variants, and where the programs and libraries are
# that compile a variant, link it and time it. The tuner and tools/inspect read it. Paths are absolute, or relative to the file's folder.
include_guard(GLOBAL)

# Behind its named arguments come, where there are GPU variants, the runner for them and their driver library.
function(
  _sepconv_write_tools
  file
  generator
  variant_table
  space
  halide
  runner
  runtime
  include
  runner_include
  layer_names
)
  set(json "{}")
  get_property(targets GLOBAL PROPERTY SEPCONV_TARGETS)
  get_property(manifest GLOBAL PROPERTY SEPCONV_MANIFEST)
  get_property(gpu_manifest GLOBAL PROPERTY SEPCONV_GPU_MANIFEST)
  foreach(target IN LISTS targets)
    get_property(halide_target GLOBAL PROPERTY SEPCONV_TARGET_${target}_HALIDE)
    get_property(schedule GLOBAL PROPERTY SEPCONV_TARGET_${target}_SCHEDULE)
    set(variants ${manifest} ${gpu_manifest})
    list(FILTER variants INCLUDE REGEX " ${target}$")
    list(TRANSFORM variants REPLACE "(.*) .*" "\"\\1\"")
    list(JOIN variants ", " variants)
    string(
      JSON json
      SET "${json}"
      ${target}
      "{\"halide_target\": \"${halide_target}\", \"schedule\": \"${schedule}\", \"variants\": [${variants}]}"
    )
  endforeach()
  string(JOIN "\", \"" leaf_features ${_SEPCONV_LEAF_FEATURES})
  string(JOIN "\", \"" renamed ${_SEPCONV_RENAMED})
  string(JOIN "\", \"" renamed_gpu ${_SEPCONV_RENAMED_GPU})
  set(gpu "")
  if(ARGC GREATER 10)
    set(gpu "\"device_runner\": \"${ARGV10}\",\n\"gpu\": \"${ARGV11}\",\n")
  endif()
  file(
    GENERATE OUTPUT "${file}"
    CONTENT
      "{
\"targets\": ${json},
\"leaf_features\": [\"${leaf_features}\"],
\"renamed\": [\"${renamed}\"],
\"renamed_gpu\": [\"${renamed_gpu}\"],
\"halide\": \"${SEPCONV_HALIDE_VERSION}\",
\"cmake\": \"${CMAKE_COMMAND}\",
\"compiler\": \"${CMAKE_C_COMPILER}\",
\"linker\": \"${CMAKE_CXX_COMPILER}\",
\"objcopy\": \"${CMAKE_OBJCOPY}\",
\"objdump\": \"${CMAKE_OBJDUMP}\",
\"generator\": \"${generator}\",
\"variant_table\": \"${variant_table}\",
\"space\": \"${space}\",
\"halide_library\": \"${halide}\",
\"layer_names\": \"${layer_names}\",
\"runner\": \"${runner}\",
\"runtime\": \"${runtime}\",
${gpu}\"include\": [\"${include}\", \"${runner_include}\"]
}
"
  )
endfunction()
