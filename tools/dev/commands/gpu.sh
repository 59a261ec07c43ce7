#!/usr/bin/env bash
# gpu [ARGUMENTS of bench/gpu/compare_torch.py]
#   on a machine with a CUDA device: the GPU variants' tests there, and the comparison with PyTorch, written to
#   docs/gpu_performance.md (docs/gpu.md)
# shellcheck source=../common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

python=$root/.venv-gpu/bin/python results=$root/build/gpu_performance.json
run_command test --preset gpu
python_packages requirements-torch.txt .venv-gpu
quietly gpu_package "Installing the package with GPU variants" \
  "$python" -m pip install --disable-pip-version-check -C cmake.define.SEPCONV_GPU=ON .
"$python" bench/gpu/compare_torch.py "$@" --json "$results"
"$python" bench/gpu/page.py "$results" docs/gpu_performance.md
