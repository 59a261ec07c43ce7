#!/bin/sh
# check_reproducible.sh CMAKE GENERATOR PREFIX LAYERS: a library of one's own layers, built twice in different folders from
# different folders, is the same byte for byte.
set -eu
cmake=$1 generator=$2 prefix=$3 layers=$4
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for place in one another/and/deeper; do
  mkdir -p "$dir/$place"
  cp "$layers" "$dir/$place/layers.json"
  cat >"$dir/$place/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.28)
project(reproducible C CXX)
find_package(sepconv REQUIRED)
sepconv_add_library(own LAYERS layers.json)
END
  "$cmake" -G "$generator" -S "$dir/$place" -B "$dir/$place/build" "-DCMAKE_PREFIX_PATH=$prefix" >/dev/null
  "$cmake" --build "$dir/$place/build" >/dev/null
done
first=$(find "$dir/one" -name 'libown.a') second=$(find "$dir/another" -name 'libown.a')
test -s "$first" && cmp "$first" "$second"
