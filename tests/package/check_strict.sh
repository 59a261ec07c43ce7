#!/bin/sh
# check_strict.sh OPTIONS INCLUDES ARCHIVES CXX: a user's program compiles with the options (separated by spaces, as the folders of
# headers and the archives) and no warning, links and works. CXX may be any compiler; warnings that it does not know do not count.
set -eu
options=$1 includes=$2 archives=$3 cxx=$4
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
include_options=
for folder in $includes; do include_options="$include_options -I $folder"; done
# shellcheck disable=SC2086 # words
"$cxx" -std=c++17 -Werror $options $include_options -o "$dir/strict" "$(dirname "$0")/strict.cpp" $archives -lpthread -lm
# shellcheck disable=SC2086 # words
${SEPCONV_EMULATOR-} "$dir/strict"
