#!/usr/bin/env bash
# fuzz [MINUTES] [HARNESS ...]
#   each fuzzer of tests/fuzz, or those named, for MINUTES (1): what it ran, how much of that got far, and what it found
#   (build/fuzz/findings); fails with a finding
# shellcheck source=../common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

minutes=1
if [[ ${1-} =~ ^[0-9]+$ ]]; then
  minutes=$1
  shift
fi
all=(tests/fuzz/*_fuzzer.cpp)
all=("${all[@]##*/}")
harnesses=("$@")
if [ $# = 0 ]; then harnesses=("${all[@]%_fuzzer.cpp}"); fi
for name in "${harnesses[@]}"; do
  [ -f "tests/fuzz/${name}_fuzzer.cpp" ] || die "no fuzzer is called $name; there are: ${all[*]%_fuzzer.cpp}"
done
need "${compiler[@]}" "${libraries[@]}" libgtest-dev clang++
python_packages requirements.txt
configure fuzz
targets=("${harnesses[@]/#/sepconv_}")
build fuzz "${targets[@]/%/_fuzzer}"

findings=$root/build/fuzz/findings status=0 lines=()
mkdir -p "$findings"
for name in "${harnesses[@]}"; do
  result=0
  quietly "fuzz_$name" "Fuzzing: $name" tests/fuzz/run.sh build/fuzz/tests/fuzz "$name" "$findings" \
    -max_total_time=$((minutes * 60)) || result=1 status=1
  counts=$(sed -n 's/^fuzz: //p' "build/log/fuzz_$name.log" | tail -n 1)
  found=none
  if [ $result != 0 ]; then found="one, build/log/fuzz_$name.log"; fi
  lines+=("$(printf '%-12s %s; findings: %s' "$name" "${counts:-ended early}" "$found")")
done
printf '%s\n' "${lines[@]}"
exit $status
