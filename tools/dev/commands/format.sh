#!/usr/bin/env bash
# format
#   put the formatting right
# shellcheck source=../common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

need ca-certificates python3
python_packages requirements-lint.txt
.ci/lint --fix
