#!/usr/bin/env bash
# carry.sh FOLDER [POINTS.json]: what a machine with a GPU needs that has Python, PyTorch and this tree, but no Halide and no network:
# the variants as a shared library, the tests of the device, jsonschema; with POINTS.json also these as candidates for sweep.py. Needs a
# build of the preset gpu. on_device.sh uses the folder there.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(realpath -m "$1") points=${2:-}
mkdir -p "$folder/work"
.venv/bin/python bench/gpu/candidates.py "$folder/work/shipped.so"
if [[ -n $points ]]; then .venv/bin/python bench/gpu/candidates.py "$folder/work/points.so" "$points"; fi
cp build/gpu/tests/sepconv_cuda_device_test "$folder/work/"
strip "$folder/work/sepconv_cuda_device_test"
tar -cJf "$folder/work.tar.xz" -C "$folder/work" .
rm -r "$folder/work"
git rev-parse --short HEAD >"$folder/commit"
# For the other machine's Python; 3.12 unless PYTHON_VERSION says which.
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --upgrade --only-binary=:all: --implementation cp \
  --python-version "${PYTHON_VERSION:-3.12}" --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
  --target "$folder/site" "$(grep ^jsonschema requirements-torch.txt)"
du -sh "$folder"
