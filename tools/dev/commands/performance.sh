#!/usr/bin/env bash
# performance [LAYERS.json ...] | --from FOLDER
#   bench --compare for four networks, written to docs/performance.md; or the page alone, from a folder of results
#   (build/performance)
# shellcheck source=../common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

results=$root/build/performance networks=()
if [ "${1-}" = --from ]; then
  results=$(cd "$caller" && realpath "${2:?"--from needs a folder"}")
  need "${compiler[@]}"
  python_packages requirements-peers.txt .venv-peers
else
  mkdir -p "$results"
  if [[ " $*" != *.json* ]]; then
    networks=("$root"/bench/layers/{mobilenet_v1,mobilenet_v2,xception,efficientnet_lite0}.json)
  fi
  run_command bench --compare "${networks[@]}" "$@" --json "$results/results.json" --json-once "$results/once.json"
fi
.venv-peers/bin/python bench/compare/page.py "$results" docs
