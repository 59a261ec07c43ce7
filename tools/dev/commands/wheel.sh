#!/usr/bin/env bash
# wheel [aarch64-linux]
#   the Python package as a wheel, in build/wheel/dist; or one for that machine, cross-compiled and tested in an
#   emulator, in build/wheel-aarch64-linux/dist
# shellcheck source=../common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

machine=${1-}
need "${compiler[@]}"
python_packages requirements.txt
case $machine in
  '')
    quietly wheel "Building the wheel" .venv/bin/python -m pip wheel --disable-pip-version-check --no-deps -w build/wheel/dist .
    ls -l build/wheel/dist/*.whl
    ;;
  aarch64-linux)
    need aarch64-linux-gnu-g++ qemu-aarch64
    host_tools
    quietly "wheel_$machine" "Building and testing the wheel ($machine)" python/cross_wheel.sh "build/wheel-$machine"
    tail -n 2 "build/log/wheel_$machine.log"
    ;;
  *) die "a wheel for another machine is one for aarch64-linux; received $machine" ;;
esac
