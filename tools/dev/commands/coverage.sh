#!/usr/bin/env bash
# coverage
#   which branches of runtime/src its tests take, file by file; build/coverage/branches.html shows the lines. Fails below
#   the share that docs/testing.md promises
# shellcheck source=../common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

promised=$(sed -n 's/^.*at least \([0-9]*\)% of the branches.*$/\1/p' docs/testing.md)
need "${compiler[@]}" "${libraries[@]}" libgtest-dev ocl-icd-opencl-dev pocl
python_packages requirements.txt
python_packages requirements-coverage.txt
configure coverage
build coverage
find build/coverage -name '*.gcda' -delete # of an earlier run
run_ctest coverage
# A throw of the C++ library is not a branch of ours.
gcovr --root . --object-directory build/coverage/runtime build/coverage/runtime --filter runtime/src/ \
  --exclude-throw-branches --txt-metric branch --txt - --html-details build/coverage/branches.html \
  --fail-under-branch "${promised:?}"
