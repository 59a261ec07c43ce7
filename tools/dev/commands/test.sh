#!/usr/bin/env bash
# test [--preset NAME] [CTEST ARGUMENTS]
#   build and run the tests; --preset asan or --preset checked choose another build, --preset gpu that of the GPU variants
#   (docs/gpu.md)
# shellcheck source=../common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

preset=dev
split "$@"
need "${compiler[@]}" "${libraries[@]}" libgtest-dev python3-dev
want qemu-x86_64 llvm-mca llvm-objcopy
python_packages requirements.txt
python_packages requirements-python.txt
python_packages requirements-tune.txt .venv-tune
if [ "$preset" = gpu ]; then
  need ocl-icd-opencl-dev pocl
  python_packages requirements-gpu.txt
fi
configure "$preset" "${defines[@]}"
build "$preset"
run_ctest "$preset" "${rest[@]}"
