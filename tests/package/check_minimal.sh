#!/bin/sh
# check_minimal.sh EXAMPLE PREFIX LIBDIR: the example, copied elsewhere, builds and answers when one types what its README says.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cp -R "$1/." "$dir"
cd "$dir"
# A block of the README: its language, and its number among those of the language.
block() { awk -v fence="\`\`\`$1" -v wanted="$2" '$0 == fence { on = ++n == wanted; next } /^```/ { on = 0 } on' README.md; }
block text 1 >expected
for number in 1 2; do
  # A README says lib; some systems say lib64 or lib/x86_64-linux-gnu.
  block sh "$number" | sed "s|SEPCONV/lib/|SEPCONV/$3/|" >commands
  test -s commands
  SEPCONV=$2 sh -eu commands >output
  tail -n 1 output | diff expected -
done
