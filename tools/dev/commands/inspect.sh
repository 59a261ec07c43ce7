#!/usr/bin/env bash
# inspect VARIANT [--target x86_avx2 | arm_neon] [--cpu NAME] [--asm] [PARAMETER=VALUE ...]
#   the inner loops of a compiled variant: loads, broadcasts, spills, llvm-mca's cycles
# shellcheck source=../common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

preset=release
split "$@"
need "${compiler[@]}" "${libraries[@]}"
want llvm-mca
python_packages requirements.txt
if [[ " ${rest[*]} " == *" --target arm_"* ]]; then
  need aarch64-linux-gnu-g++ libgtest-dev
  preset=aarch64-linux
  host_tools
  configure "$preset" "${defines[@]}"
else
  configure "$preset" "${defines[@]}"
  build "$preset" separable_conv_generator
fi
cd "$caller"
"$root/.venv/bin/python" "$root/tools/inspect/inspect_variant.py" --build "$root/build/$preset" "${rest[@]}"
