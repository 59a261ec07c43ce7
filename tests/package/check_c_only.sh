#!/bin/sh
# check_c_only.sh ARCHIVE: the runtime wants nothing from outside but what libc, libm and the compiler's own library have: no symbol
# of libstdc++, of the exception machinery, or of Halide.
set -eu
"${NM:-nm}" -g --defined-only "$1" | awk 'NF == 3 { print $3 }' | sort -u >"${TMPDIR:-/tmp}/sepconv_defined.$$"
trap 'rm -f "${TMPDIR:-/tmp}/sepconv_defined.$$"' EXIT
wanted=$("${NM:-nm}" -u "$1" | awk '$1 == "U" || $1 == "w" { print $2 }' | sort -u | comm -23 - "${TMPDIR:-/tmp}/sepconv_defined.$$")
echo "wanted from outside: $wanted" | tr "\n" " "
echo
for symbol in $wanted; do
  case $symbol in
    _Z* | __cxa* | __gxx* | _Unwind* | halide* | abort | exit | printf | fprintf | puts | pthread* | __assert*)
      echo "not from libc or libm, or not for us: $symbol"
      exit 1
      ;;
  esac
done
test -n "$wanted"
