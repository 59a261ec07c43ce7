#!/usr/bin/env bash
# nightly [MINUTES]
#   every sanitizer, more random problems, all tests on every machine that can be emulated, and MINUTES (5) of each fuzzer
# shellcheck source=../common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

# What takes too long for every change. SEPCONV_TEST_COUNT is the number of random problems a test tries.
minutes=${1:-5}
run_command test --preset asan
run_command test --preset checked
run_command test --preset gpu
SEPCONV_TEST_COUNT=20000 run_command test -L 'runtime|variants|property'
SEPCONV_TARGETS=portable SEPCONV_TEST_COUNT=20000 run_command test -L property
run_command test-python --frameworks
run_command wheel aarch64-linux
for machine in aarch64-linux armv7-linux riscv64-linux wasm; do run_command cross "$machine"; done
run_command fuzz "$minutes"
python3 bench/compare/page_age.py --insist
