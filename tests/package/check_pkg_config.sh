#!/bin/sh
# check_pkg_config.sh CC PKGCONFIG_DIR PROGRAM.c: a program builds with the flags that pkg-config knows, and works (under
# $SEPCONV_EMULATOR, if it is for another machine).
set -eu
PKG_CONFIG_PATH=$2
export PKG_CONFIG_PATH
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# The flags are words, on purpose.
# shellcheck disable=SC2046
"$1" -std=c11 -O2 -o "$dir/program" "$3" $(pkg-config --static --cflags --libs sepconv_default)
# shellcheck disable=SC2086
${SEPCONV_EMULATOR-} "$dir/program"
