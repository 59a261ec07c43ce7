#!/usr/bin/env bash
# cross MACHINE [CTEST ARGUMENTS]
#   the tests for another machine, in an emulator, and an installed prefix for it: aarch64-linux, armv7-linux,
#   riscv64-linux or wasm (docs/cross.md)
# shellcheck source=../common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

# As an ordinary user, with package lists of its own; apt-get checks the signatures. The mirror is the one that this system uses.
fetch_qemu() {
  local folder=$root/build/apt mirror status=0
  # shellcheck disable=SC2016 # apt-get's own variable
  mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m 1 '/debian/*$') || {
    echo "this system's package lists name no mirror of Debian"
    return 1
  }
  mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial" build/qemu
  printf 'deb [signed-by=%s] %s bookworm-backports main\n' \
    /usr/share/keyrings/debian-archive-keyring.gpg "$mirror" >"$folder/sources.list"
  printf 'Dir::Etc::sourcelist "%s";\nDir::Etc::sourceparts "-";\nDir::State::lists "%s";\nDir::Cache "%s";\n' \
    "$folder/sources.list" "$folder/lists" "$folder/cache" >"$folder/apt.conf"
  (
    cd "$folder"
    export APT_CONFIG=$folder/apt.conf
    apt-get -q update && apt-get -q download qemu-user && dpkg-deb --fsys-tarfile qemu-user_*.deb |
      tar -x -C ../qemu ./usr/bin/qemu-riscv64
  ) || status=$?
  rm -rf "$folder"
  return "$status"
}

# Debian 12's qemu computes RISC-V's vector instructions wrongly; that of its backports is unpacked into build/qemu.
newer_qemu() {
  install_packages qemu-user-static
  entry qemu-riscv64
  find_program qemu-riscv64 || quietly qemu "Fetching a newer qemu: $why" fetch_qemu || die "$why"
}

machine=${1:?"cross needs a machine: aarch64-linux, armv7-linux, riscv64-linux or wasm"}
shift
case $machine in
  aarch64-linux) need aarch64-linux-gnu-g++ qemu-aarch64 && want llvm-mca ;;
  armv7-linux) need arm-linux-gnueabihf-g++ qemu-arm ;;
  riscv64-linux) need riscv64-linux-gnu-g++ && newer_qemu ;;
  wasm) need em++ node && want chromium ;; # the browser is for examples/web
  *) die "no machine is called $machine: aarch64-linux, armv7-linux, riscv64-linux or wasm" ;;
esac
preset=$machine
split "$@"
need "${compiler[@]}" libgtest-dev pkg-config
python_packages requirements.txt
host_tools
configure "$machine" "${defines[@]}"
build "$machine"
quietly "install_$machine" "Installing ($machine)" cmake --install "build/$machine"
run_ctest "$machine" "${rest[@]}"
echo "installed in $root/build/$machine/prefix"
