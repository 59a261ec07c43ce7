# Reads layer files (schema/layers.schema.json) at configure time: a layer becomes a variant name that fixes everything.
include_guard(GLOBAL)

set(
  _SEPCONV_LAYER_KEYS
  name
  n
  spatial
  cin
  mult
  cout
  kernel
  strides
  dilation
  padding
  data_format
  dtype
  input_activation
  mid_bias
  mid_activation
  out_bias
  out_activation
  repeat
  residual
  fusable
  between
  source
  CACHE INTERNAL
  ""
)

# Sets `type` to the JSON type of the caller's `key`. Where the key is absent the caller returns with its `default`, or fails
# if it has none. A macro, so that it can return from its caller.
macro(_sepconv_layer_type)
  string(JSON type ERROR_VARIABLE absent TYPE "${layer}" ${key})
  if(absent)
    if(default STREQUAL "")
      message(FATAL_ERROR "${where}: \"${key}\" is missing")
    endif()
    set(${out} ${default} PARENT_SCOPE)
    return()
  endif()
endmacro()

# A positive integer of a layer, or `default`; fails with a sentence that names the file, the layer and the key.
function(
  _sepconv_layer_integer
  where
  layer
  key
  default
  out
)
  _sepconv_layer_type()
  string(JSON value GET "${layer}" ${key})
  if(NOT type STREQUAL "NUMBER" OR NOT value MATCHES "^[1-9][0-9]*$")
    message(FATAL_ERROR "${where}: \"${key}\" is ${value}, not a positive integer")
  endif()
  set(${out} ${value} PARENT_SCOPE)
endfunction()

# The axes of a layer as a name has them: 3 where all are equal, else 3x5.
function(
  _sepconv_layer_axes
  where
  layer
  key
  rank
  default
  out
)
  _sepconv_layer_type()
  string(JSON text GET "${layer}" ${key})
  if(NOT type STREQUAL "ARRAY")
    message(FATAL_ERROR "${where}: \"${key}\" is ${text}, not a list with one entry a spatial axis")
  endif()
  string(JSON length LENGTH "${layer}" ${key})
  if(NOT length EQUAL rank)
    message(FATAL_ERROR "${where}: \"${key}\" has ${length} entries, \"spatial\" has ${rank}")
  endif()
  set(values "")
  math(EXPR last "${rank} - 1")
  foreach(a RANGE ${last})
    string(JSON value GET "${layer}" ${key} ${a})
    if(NOT value MATCHES "^[1-9][0-9]*$")
      message(FATAL_ERROR "${where}: \"${key}\" holds ${value}, not a positive integer")
    endif()
    list(APPEND values ${value})
  endforeach()
  set(different ${values})
  list(REMOVE_DUPLICATES different)
  list(LENGTH different count)
  if(count EQUAL 1)
    set(values ${different})
  endif()
  string(JOIN "x" text ${values})
  set(${out} ${text} PARENT_SCOPE)
endfunction()

function(
  _sepconv_layer_word
  where
  layer
  key
  default
  supported
  out
)
  string(JSON value ERROR_VARIABLE absent GET "${layer}" ${key})
  if(absent)
    set(value "${default}")
  endif()
  if(NOT value IN_LIST supported)
    message(FATAL_ERROR "${where}: \"${key}\" is \"${value}\"; variants exist for ${supported}")
  endif()
  set(${out} "${value}" PARENT_SCOPE)
endfunction()

# "_act" for a layer whose activations need a row that takes every one: a row without it takes clamps, and may take none on the input.
function(_sepconv_layer_family layer out)
  set(family "")
  foreach(key IN ITEMS input_activation mid_activation out_activation)
    string(JSON type ERROR_VARIABLE absent TYPE "${layer}" ${key})
    if(absent)
      continue()
    endif()
    string(JSON value GET "${layer}" ${key})
    if(
      type STREQUAL STRING
      AND NOT value MATCHES "^(none|relu|relu6)$"
      OR key STREQUAL input_activation
      AND NOT value STREQUAL none
    )
      set(family _act)
    endif()
  endforeach()
  set(${out} "${family}" PARENT_SCOPE)
endfunction()

# The variant names of a layer file's layers, each once, in the file's order. Layers marked "fusable": false are left out.
function(_sepconv_layer_variants file out)
  get_filename_component(path "${file}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_SOURCE_DIR}")
  if(NOT EXISTS "${path}")
    message(FATAL_ERROR "sepconv: layer file ${path} does not exist")
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${path}")
  file(READ "${path}" json)
  string(JSON version ERROR_VARIABLE error GET "${json}" version)
  if(error)
    message(FATAL_ERROR "${file}: no layer file: ${error}")
  endif()
  if(NOT version EQUAL 1)
    message(FATAL_ERROR "${file}: \"version\" is ${version}; this release reads version 1")
  endif()
  string(JSON count ERROR_VARIABLE error LENGTH "${json}" layers)
  if(error OR count EQUAL 0)
    message(FATAL_ERROR "${file}: \"layers\" holds no layer")
  endif()
  set(variants "")
  math(EXPR last "${count} - 1")
  foreach(i RANGE ${last})
    string(JSON layer GET "${json}" layers ${i})
    string(JSON name ERROR_VARIABLE absent GET "${layer}" name)
    if(absent)
      message(FATAL_ERROR "${file}: layer ${i}: \"name\" is missing")
    endif()
    set(where "${file}: layer \"${name}\"")
    string(JSON keys LENGTH "${layer}")
    math(EXPR last_key "${keys} - 1")
    foreach(k RANGE ${last_key})
      string(JSON key MEMBER "${layer}" ${k})
      if(NOT key IN_LIST _SEPCONV_LAYER_KEYS)
        message(FATAL_ERROR "${where}: unknown key \"${key}\"")
      endif()
    endforeach()
    string(JSON fusable ERROR_VARIABLE absent GET "${layer}" fusable)
    if(NOT absent AND NOT fusable)
      continue()
    endif()

    string(JSON rank ERROR_VARIABLE absent LENGTH "${layer}" spatial)
    if(absent OR NOT rank MATCHES "^[123]$")
      message(FATAL_ERROR "${where}: \"spatial\" must be a list of one to three extents")
    endif()
    _sepconv_layer_word("${where}" "${layer}" data_format channels_last "channels_last;channels_first" format)
    _sepconv_layer_word("${where}" "${layer}" dtype float32 "float32;float64;float16;bfloat16" dtype)
    _sepconv_layer_axes("${where}" "${layer}" spatial ${rank} "" extent)
    _sepconv_layer_axes("${where}" "${layer}" kernel ${rank} "" kernel)
    _sepconv_layer_axes("${where}" "${layer}" strides ${rank} 1 stride)
    _sepconv_layer_axes("${where}" "${layer}" dilation ${rank} 1 dilation)
    _sepconv_layer_integer("${where}" "${layer}" cin "" in_channels)
    _sepconv_layer_integer("${where}" "${layer}" mult 1 multiplier)
    _sepconv_layer_integer("${where}" "${layer}" cout "" out_channels)
    math(EXPR first_axis "3 - ${rank}")
    string(SUBSTRING dhw ${first_axis} -1 axes)
    if(format STREQUAL channels_first)
      set(layout nc${axes})
    else()
      set(layout n${axes}c)
    endif()
    string(REPLACE float f type ${dtype})
    _sepconv_layer_family("${layer}" family)
    list(
      APPEND variants
      "${rank}d_${type}_${layout}_k${kernel}s${stride}d${dilation}m${multiplier}c${in_channels}o${out_channels}e${extent}${family}"
    )
  endforeach()
  list(REMOVE_DUPLICATES variants)
  set(${out} "${variants}" PARENT_SCOPE)
endfunction()
