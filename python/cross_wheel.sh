#!/usr/bin/env bash
# A wheel for 64-bit ARM Linux, cross-compiled here through the preset aarch64-linux and tested in an emulator:
#
#   python/cross_wheel.sh FOLDER      what it makes lies there; the wheel in FOLDER/dist
#
# `./dev wheel aarch64-linux` calls it, with .venv installed and build/host-tools built. The Python that the wheel is for is that of
# .venv, which is the system's: the distribution has the same one for that machine, headers and all.
set -euo pipefail
mkdir -p "${1:?"the folder to work in"}"
folder=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=$PWD/.venv/bin/python
version=$("$python" -c 'import sys; print("{}.{}".format(*sys.version_info))')
sysroot=$folder/sysroot
site=$folder/site

# Python and what it loads, from the distribution's packages, unpacked. apt works in folders of its own here, so the system's packages and
# its list of architectures stay as they are.
unpack_python() {
  local apt=$folder/apt options
  mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$apt/packages"
  : >"$apt/status"
  options=(-q -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o APT::Sandbox::User="$(id -un)"
    -o Dir::State="$apt/state" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache")
  # shellcheck source=/dev/null
  . /etc/os-release
  if [ "$ID" = ubuntu ]; then # which keeps its other architectures on another server
    printf 'deb [signed-by=%s] http://ports.ubuntu.com/ubuntu-ports %s main universe\n' \
      /usr/share/keyrings/ubuntu-archive-keyring.gpg "$VERSION_CODENAME" >"$apt/sources.list"
    options+=(-o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=-)
  fi
  apt-get "${options[@]}" update
  (
    cd "$apt/packages"
    apt-get "${options[@]}" download "python$version-minimal" "libpython$version-minimal" "libpython$version-stdlib" \
      "libpython$version-dev" libc6 libgcc-s1 libstdc++6 zlib1g libexpat1 libffi8
  )
  local package
  for package in "$apt/packages"/*.deb; do dpkg -x "$package" "$sysroot"; done
  # Where /lib is a link to /usr/lib, packages may count on it.
  if [ ! -e "$sysroot/lib" ]; then ln -s usr/lib "$sysroot/lib"; fi
}

# With the build's requirements in a venv of their own: pip would look for those of the other machine. scikit-build-core takes the wheel's
# tag from the first variable, and the module's suffix from the second. Debian's Python.h includes a header by its path in /usr/include.
build_wheel() {
  local requirements
  mapfile -t requirements < <("$python" -c "import tomllib
print(*tomllib.load(open('pyproject.toml', 'rb'))['build-system']['requires'], sep='\n')")
  "$python" -m venv "$folder/venv"
  "$folder/venv/bin/pip" install --disable-pip-version-check "${requirements[@]}"
  rm -rf "$folder/dist"
  env _PYTHON_HOST_PLATFORM=linux-aarch64 \
    SETUPTOOLS_EXT_SUFFIX=".cpython-${version/./}-aarch64-linux-gnu.so" \
    CXXFLAGS="-isystem $sysroot/usr/include" \
    SKBUILD_CMAKE_ARGS="--preset;aarch64-linux;-DPython_INCLUDE_DIR=$sysroot/usr/include/python$version" \
    SKBUILD_BUILD_DIR="$folder/build" \
    SKBUILD_BUILD_TARGETS="sepconv_default;sepconv_python;sepconv_runtime;sepconv_threads" \
    SKBUILD_INSTALL_COMPONENTS="Unspecified;python" \
    "$folder/venv/bin/pip" wheel --disable-pip-version-check --no-build-isolation --no-deps -w "$folder/dist" .
}

# Into a folder, as pip would install it on that machine, with NumPy's wheel for it.
install_wheel() {
  local numpy
  numpy=$(grep '^numpy==' requirements.txt)
  rm -rf "$site"
  "$python" -m pip install --disable-pip-version-check --target "$site" --only-binary=:all: --python-version "$version" \
    --platform linux_aarch64 --platform manylinux2014_aarch64 --platform manylinux_2_27_aarch64 \
    --platform manylinux_2_28_aarch64 "$numpy" "$(grep '^pytest==' requirements-python.txt)" "$folder"/dist/*.whl
}

run_tests() {
  cd python/tests
  qemu-aarch64-static -L "$sysroot" -E PYTHONHOME="$sysroot/usr" -E PYTHONPATH="$site" -E PYTHONDONTWRITEBYTECODE=1 \
    "$sysroot/usr/bin/python$version" -m pytest -q test_ops.py test_arrays.py test_errors.py test_layer.py test_chain.py \
    test_stream.py test_structure.py
}

if [ ! -x "$sysroot/usr/bin/python$version" ]; then unpack_python; fi
build_wheel
install_wheel
run_tests
ls -l "$folder"/dist/*.whl
