#!/usr/bin/env bash
# tables
#   write the tables of the documents that state facts of the tree; lint says when one is stale
# shellcheck source=../common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

need ca-certificates python3
python_packages requirements.txt
.venv/bin/python tools/dev/tables.py
