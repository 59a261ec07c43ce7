#!/usr/bin/env bash
# fresh SYSTEM [COMMAND ...]
#   ./dev test, or another command such as .ci/run, in a clone of this commit and in a system that has nothing: debian12,
#   debian12-llvm14 (with LLVM 14's tools and Debian's own CMake first on the PATH) or ubuntu24.04; needs root
# shellcheck source=../common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

# mirror_of NAME: where this system's own apt gets packages of debian or ubuntu from.
mirror_of() {
  # shellcheck disable=SC2016 # apt-get's own variable
  apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m 1 "/$1/*\$" ||
    die "this system's apt sources name no mirror of $1, so $system cannot be made here"
}

# make_system SUITE COMPONENTS MIRROR: the smallest system that the distribution knows, in `folder`, with its updates.
make_system() {
  local options=(--variant=minbase "--components=$2") suite
  if [ "$1" = noble ]; then # Debian's debootstrap may lack the keys of Ubuntu
    need ubuntu-keyring
    options+=(--keyring=/usr/share/keyrings/ubuntu-archive-keyring.gpg)
  fi
  debootstrap "${options[@]}" "$1" "$folder" "$3" || return
  for suite in "$1" "$1-updates"; do
    printf 'deb %s %s %s\n' "$3" "$suite" "${2//,/ }"
  done >"$folder/etc/apt/sources.list"
  # How this system reaches the network.
  cp /etc/resolv.conf /etc/hosts "$folder/etc/"
  if [ -f /etc/pip.conf ]; then cp /etc/pip.conf "$folder/etc/"; fi
  mkdir -p "$folder/usr/local/share/ca-certificates"
  cp -R /usr/local/share/ca-certificates/. "$folder/usr/local/share/ca-certificates/"
}

# inside COMMAND...: in the system, which sees nothing of this one; its mounts end with it.
inside() {
  # shellcheck disable=SC2016 # the inner shell's own variables
  unshare --mount --pid --fork --kill-child sh -euc '
    mount -t proc proc "$1/proc"
    mount --rbind /dev "$1/dev"
    folder=$1 search=$2
    shift 2
    exec chroot "$folder" /usr/bin/env -i HOME=/root LANG=C.UTF-8 PATH="$search" CI="${CI-}" \
      http_proxy="${http_proxy-}" https_proxy="${https_proxy-}" no_proxy="${no_proxy-}" "$@"
  ' sh "$folder" "$search" "$@"
}

system=${1:?"fresh needs a system: debian12, debian12-llvm14 or ubuntu24.04"}
shift
folder=$root/build/fresh/$system
search=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
case $system in
  debian12 | debian12-llvm14) suite=bookworm components=main distribution=debian ;;
  ubuntu24.04) suite=noble components=main,universe distribution=ubuntu ;;
  *) die "no system is called $system: debian12, debian12-llvm14 or ubuntu24.04" ;;
esac
[ "$(id -u)" = 0 ] || die "fresh makes a system and enters it, which only root may do"
need debootstrap git
mirror=$(mirror_of $distribution)
rm -rf "$folder"
mkdir -p "$folder"
quietly "fresh_$system" "Making $system" make_system $suite $components "$mirror"
if [ "$system" = debian12-llvm14 ]; then
  search=/usr/lib/llvm-14/bin:$search
  inside apt-get -q update >>build/log/fresh_llvm14.log
  quietly fresh_llvm14 "Installing LLVM 14 and CMake in it" inside apt-get -q install -y llvm-14 clang-14 cmake
fi
git clone -q --no-hardlinks . "$folder/root/sepconv"
if [ $# = 0 ]; then set -- ./dev test; fi
say "$* in $system, at $(git rev-parse --short HEAD)"
inside sh -c 'cd /root/sepconv && exec "$@"' sh "$@"
