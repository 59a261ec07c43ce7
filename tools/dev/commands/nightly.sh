#!/usr/bin/env bash
# nightly [MINUTES]
#   every sanitizer, coverage, more random problems, all tests on every machine that can be emulated, and MINUTES (5) of
#   each fuzzer; goes on after a failure, fails in the end, and writes what it found into docs/testing.md
# shellcheck source=../common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

minutes=${1:-5} failed=0 rows=build/nightly.md
mkdir -p build
printf '| step | minutes | result |\n|---|---:|---|\n' >"$rows"

# step NAME COMMAND...: one line of the summary.
step() {
  local name=$1 start=$SECONDS result=passed
  shift
  "$@" || result=FAILED failed=1
  # shellcheck disable=SC2016 # Markdown's quotes
  printf '| `%s` | %d | %s |\n' "$name" $(((SECONDS - start + 30) / 60)) "$result" >>"$rows"
}

# What takes too long for every change. SEPCONV_TEST_COUNT is the number of random problems a test tries.
for preset in asan tsan checked gpu; do step "test --preset $preset" run_command test --preset "$preset"; done
step coverage run_command coverage
# shellcheck disable=SC2317 # step calls it
many_problems() { SEPCONV_TEST_COUNT=20000 run_command test "$@"; }
step "test -L 'runtime|variants|property'" many_problems -L 'runtime|variants|property'
# shellcheck disable=SC2317 # step calls it
portable_only() { SEPCONV_TARGETS=portable many_problems -L property; }
step 'test -L property, portable' portable_only
step 'test-python --frameworks' run_command test-python --frameworks
step 'wheel aarch64-linux' run_command wheel aarch64-linux
for machine in aarch64-linux armv7-linux riscv64-linux wasm; do step "cross $machine" run_command cross "$machine"; done
step "fuzz $minutes" run_command fuzz "$minutes"
step 'age of docs/performance.md' python3 bench/compare/page_age.py --insist
python3 tools/dev/nightly_summary.py "$rows" docs/testing.md
cat "$rows"
exit $failed
