#!/usr/bin/env bash
# tune-check [TARGET]
#   hours: the tuner against random search and Halide's autoschedulers, and killed at random moments
# shellcheck source=../common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

# Three layers of MobileNetV1: 60 trials against the best of 400 random points, the autoschedulers, and searches that are killed, with
# records and trials of its own in build/tune_check. What is finished is not done again.
target=${1:-x86_avx2} layers=$root/bench/layers/mobilenet_v1.json folder=$root/build/tune_check
arguments=("$layers" --target "$target" --database "$folder" --storage "$folder/tune.db")
three=("${arguments[@]}" --filter 'dw(1|7-11|13)$')
mkdir -p "$folder"
run_command tune "${three[@]}" --trials 60
run_command tune "${three[@]}" --trials 400 --baseline random
run_command tune "${three[@]}" --recheck
run_command tune "${three[@]}" --recheck --baseline random
for baseline in adams2019 li2018 mullapudi2016; do
  run_command tune "${arguments[@]}" --baseline "$baseline"
done
.venv-tune/bin/python python/tests/tune/check_killed.py "$layers" --filter dw12 --target "$target" --tools build/release
