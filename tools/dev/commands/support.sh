#!/usr/bin/env bash
# support
#   record in docs/tested.json what the tests of these build folders ran on, and write the README's table of processors
# shellcheck source=../common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

need ca-certificates python3
python_packages requirements.txt
.venv/bin/python tools/dev/record_tests.py
run_command tables
