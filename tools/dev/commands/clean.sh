#!/usr/bin/env bash
# clean [--all]
#   remove build/; with --all everything that ./dev made: the Python environments and caches, too
# shellcheck source=../common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

case ${1-} in
  '') rm -rf build ;;
  --all)
    rm -rf build .venv .venv-*
    find . -path ./.git -prune -o -type d \( -name __pycache__ -o -name .pytest_cache -o -name .ruff_cache \) -prune -exec rm -rf {} +
    ;;
  *) die "clean: unknown argument $1" ;;
esac
