#!/usr/bin/env bash
# on_device.sh FOLDER RESULTS [STEP...]: on a machine with a GPU, with what carry.sh has put into FOLDER: the tests of the device, the
# sanitizer over a selection, the comparison with PyTorch, and the sweep where there are candidates. Results are written to RESULTS as
# they come; a step that fails does not stop the others. Without steps: suite memcheck racecheck compare sweep.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
folder=$(realpath "$1") results=$(realpath -m "$2")
shift 2
steps=${*:-suite memcheck racecheck compare sweep}
export PYTHONPATH=$folder/site PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$results"
begin=$SECONDS
say() { echo "[$((SECONDS - begin)) s] $*"; }
tar -xJf "$folder/work.tar.xz" -C "$scratch"
jobs=$(($(nproc) - 2 > 1 ? $(nproc) - 2 : 1))

# In so many processes, each a part of the work: what they compile, drivers and PyTorch keep for the one that measures.
in_parts() {
  local i pids=()
  for ((i = 0; i < jobs; i++)); do
    "$@" "$i" "$jobs" >"$scratch/part.$i" 2>&1 &
    pids+=($!)
  done
  wait "${pids[@]}"
  cat "$scratch"/part.* | grep -i error | head -n 5
}

test_program() { (cd "$scratch" && "$@"); }

step_suite() {
  test_program ./sepconv_cuda_device_test >"$results/suite.txt" 2>&1 && ! grep -q "PASSED.* 0 tests" "$results/suite.txt"
}
step_memcheck() {
  SEPCONV_TEST_COUNT=1 test_program timeout 60 compute-sanitizer --tool memcheck --error-exitcode 1 ./sepconv_cuda_device_test \
    --gtest_filter='*Golden*:*EachVariant*' >"$results/memcheck.txt" 2>&1
}
step_racecheck() {
  SEPCONV_TEST_COUNT=1 test_program timeout 60 compute-sanitizer --tool racecheck --error-exitcode 1 ./sepconv_cuda_device_test \
    --gtest_filter='*Golden*:*EachVariant*' >"$results/racecheck.txt" 2>&1
}
step_compare() {
  local program=(python3 bench/gpu/compare_torch.py --library "$scratch/shipped.so" --no-tf32 --no-autotune)
  in_parts "${program[@]}" --compile-only
  "${program[@]}" --seconds 0.04 --commit "$(cat "$folder/commit")" --json "$results/compare.json" >"$results/compare.txt" 2>&1
}
step_sweep() {
  local program=(python3 bench/gpu/sweep.py "$scratch/points.so" "$scratch/points.json" "$results/sweep.jsonl")
  [[ -e $scratch/points.so ]] || return 0
  in_parts "${program[@]}" --warm-up
  "${program[@]}" --seconds 90 >"$results/sweep.txt" 2>&1
}

for step in $steps; do
  if "step_$step"; then say "$step: done"; else say "$step: FAILED"; fi
  tail -n 3 "$results/$step.txt" 2>/dev/null
done
