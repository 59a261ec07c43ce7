#!/usr/bin/env bash
# tune LAYERS.json ... --target TARGET [--trials N] [--time 10m] [--transfer] ...
#   schedule parameters found by measurement, into generators/tuning/ (arguments of sepconv tune; docs/tuning.md); the
#   same command goes on where it was stopped
# tune report [-o FILE]
#   what was found: one HTML page
# shellcheck source=../common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

preset=release
split "$@"
need "${compiler[@]}" "${libraries[@]}"
python_packages requirements.txt
python_packages requirements-tune.txt .venv-tune
if [[ " ${rest[*]} " == *" arm_neon "* || " ${rest[*]} " == *"=arm_neon "* ]]; then
  need aarch64-linux-gnu-g++ libgtest-dev
  preset=aarch64-linux
  host_tools
fi
configure "$preset" "${defines[@]}"
if [ "$preset" = release ]; then build "$preset" separable_conv_generator sepconv_space sepconv_variant_table; fi
build "$preset" sepconv_runner sepconv_runtime
arguments=(--storage "$root/build/tune.db") # what is given comes after, and counts
if [ "${rest[0]-}" = report ]; then
  arguments=(report "${arguments[@]}")
  rest=("${rest[@]:1}")
else
  arguments+=(--tools "$root/build/$preset" --database "$root/generators/tuning")
fi
cd "$caller"
PYTHONPATH=$root/python exec "$root/.venv-tune/bin/python" -m sepconv_tune "${arguments[@]}" "${rest[@]}"
