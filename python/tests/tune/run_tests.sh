#!/usr/bin/env bash
# run_tests.sh PYTHON TEST...: the tests, in the tuner's environment, which may be made after the build is configured.
set -euo pipefail
if [ ! -x "$1" ]; then
  echo "skipped: $1 is missing: ./dev test makes it from requirements-tune.txt" >&2
  exit 77
fi
exec "$1" -m pytest -q -rs "${@:2}"
