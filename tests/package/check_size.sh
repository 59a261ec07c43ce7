#!/bin/sh
# check_size.sh CC RUNTIME_INCLUDE LAYER_INCLUDE ARCHIVE...: a statically linked, stripped C program with the runtime and one layer
# is at most 200 KB larger than an empty one, and works (under $SEPCONV_EMULATOR, if
# it is for another machine).
set -eu
cc=$1 runtime_include=$2 layer_include=$3
shift 3
here=$(dirname "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
printf 'int main(void) { return 0; }\n' >"$dir/empty.c"
"$cc" -std=c11 -O2 -static -s -o "$dir/empty" "$dir/empty.c"
"$cc" -std=c11 -O2 -Wall -Wextra -Werror -pedantic -static -s -I "$runtime_include" -I "$layer_include" -o "$dir/one_layer" \
  "$here/one_layer.c" "$@" -lm
# shellcheck disable=SC2086 # words
${SEPCONV_EMULATOR-} "$dir/one_layer"
empty=$(wc -c <"$dir/empty")
whole=$(wc -c <"$dir/one_layer")
echo "$((whole - empty)) bytes more than an empty program ($whole, $empty)"
test $((whole - empty)) -le $((200 * 1024))
