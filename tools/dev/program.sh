#!/usr/bin/env bash
# Finds a program of programs.txt that is new enough.
#
#   program.sh NAME                      prints its path
#   program.sh run NAME ARGUMENT...      runs it
#   program.sh with NAME COMMAND...      runs the command, with the path as its last argument
#
# Where there is none, a sentence says so and the status is 77, which ctest shows as "skipped".
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
missing=77

# entry NAME: sets `programs`, `least`, `package` and `otherwise` to the fields of its line in programs.txt, or fails.
entry() {
  local name use
  # shellcheck disable=SC2034 # the fields that people read
  while IFS='|' read -r name programs least package use otherwise; do
    read -r name <<<"$name"
    if [ "$name" != "$1" ]; then continue; fi
    read -r least <<<"$least"
    read -r package <<<"$package"
    return 0
  done <"$here/programs.txt"
  return 1
}

# version_of: the first number with a dot in what it reads.
version_of() { grep -m 1 -oE '[0-9]+(\.[0-9]+)+' | head -n 1; }

# at_least VERSION LEAST
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# find_program NAME, after `entry NAME`: sets `path`, empty for a library, or fails with a sentence in `why`.
find_program() {
  local candidate version
  path='' why="$1 $least or newer is missing (Debian's package: $package)"
  for candidate in $programs; do
    if [ "$candidate" = - ]; then
      # shellcheck disable=SC2016 # dpkg-query's own variable
      version=$(dpkg-query -W -f '${Version}' "$package" 2>/dev/null | sed 's/^[0-9]*://' | version_of) || continue
    else
      case $candidate in build/*) candidate=$here/../../$candidate ;; esac
      path=$(command -v "$candidate") || continue
      version=$("$path" --version 2>/dev/null | version_of) || version=0
    fi
    if at_least "$version" "$least"; then return 0; fi
    why="$1 $least or newer is needed; ${path:-the package $package} is $version"
  done
  return 1
}

main() {
  local mode=print
  case ${1-} in run | with) mode=$1 && shift ;; esac
  entry "${1:?"program.sh needs the name of a program"}" || {
    echo "program.sh: programs.txt has no line for $1" >&2
    exit 1
  }
  if ! find_program "$1"; then
    echo "skipped: $why" >&2
    exit "$missing"
  fi
  shift
  case $mode in
    print) printf '%s\n' "$path" ;;
    run) exec "$path" "$@" ;;
    with) exec "$@" "$path" ;;
  esac
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then main "$@"; fi
