#!/usr/bin/env bash
# lint [--fast]
#   formatting, clang-tidy (not with --fast), scripts, JSON files against their schemas, and what the documents say of
#   variants, commands and programs against the tree
# shellcheck source=../common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

# clang-tidy reads the compile commands and the generated headers of the dev build.
need ca-certificates git python3 shellcheck
python_packages requirements-lint.txt
python_packages requirements.txt
if [ "${1-}" != --fast ]; then
  need "${compiler[@]}" "${libraries[@]}" libgtest-dev python3-dev
  python_packages requirements-python.txt
  configure dev
fi
.ci/lint "$@"
