#!/usr/bin/env bash
# help [COMMAND]
#   this list, or one command
# shellcheck source=../common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

# header FILE: the comment at its head, without the marks.
header() { awk 'NR == 1 { next } !/^# / || /^# shellcheck/ { exit } { print "  " substr($0, 3) }' "$1"; }

if [ $# -gt 0 ]; then
  [ -f "$here/commands/$1.sh" ] || die "no command is called $1; ./dev help lists them"
  header "$here/commands/$1.sh"
  exit
fi
printf 'Usage: ./dev COMMAND [ARGUMENTS]; begin with ./dev demo and ./dev test\n\n'
for name in $(basename -s .sh "$here"/commands/*.sh | LC_ALL=C sort); do header "$here/commands/$name.sh"; done
cat <<'TEXT'

Each command installs what it lacks: system packages through apt-get, Python packages into .venv. Arguments that begin
with -D go to CMake, for instance  ./dev test -DSEPCONV_VARIANTS='2d_f32_*'
TEXT
