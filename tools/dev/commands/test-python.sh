#!/usr/bin/env bash
# test-python [--frameworks | --keras CHECKOUT]
#   the Python package with NumPy (part of test, too); with PyTorch, JAX, TensorFlow and Keras on all of them, which are
#   several GB; or Keras's own tests of the operation, from a checkout
# shellcheck source=../common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

case ${1-} in
  '') run_command test -L python && exit ;;
  --frameworks) ;;
  --keras) checkout=$(cd "$caller" && realpath "${2:?"--keras needs a checkout of Keras"}") ;;
  *) die "test-python: unknown argument $1" ;;
esac
prefix=$root/build/dev/python/prefix python=$root/.venv-frameworks/bin/python
need "${compiler[@]}" "${libraries[@]}" libgtest-dev python3-dev aarch64-linux-gnu-g++ qemu-aarch64
python_packages requirements.txt
python_packages requirements-frameworks.txt .venv-frameworks
# This Python has jaxlib's headers; what CMake found for another is forgotten.
configure dev -UPython_\* -U_Python_\* -Unanobind_DIR -DPython_EXECUTABLE="$python"
build dev
export PYTHONPATH=$root/build/dev/python/package SEPCONV_CACHE=$root/build/cache SEPCONV_PREFIX=$prefix
if [ "$1" = --keras ]; then
  "$python" python/tests/run_keras_tests.py "$checkout"
  exit
fi
cmake --install build/dev --prefix "$prefix" >/dev/null
cmake --install build/dev --prefix "$prefix" --component generator >/dev/null
"$python" -m pytest -q -rs python/tests/test_{ops,arrays,errors,layer,chain,stream,dask,any_arguments,process,thread_settings,cli,compile,frameworks,transforms,saved_graphs,layer_files,layers_cmake,structure}.py
KERAS_BACKEND=tensorflow "$python" -m pytest -q python/tests/test_extract{,_onnx,_tflite}.py
for backend in numpy jax torch tensorflow; do
  KERAS_BACKEND=$backend "$python" -m pytest -q python/tests/test_{keras,keras_chains,optimize,optimize_exact,report,extract_keras,doctor,words,docs}.py
done
