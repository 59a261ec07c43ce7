# What the commands of ./dev share: messages, installing what a command depends on, and driving the CMake presets. A command's file
# sources it first. It leaves the caller's folder in `caller` and works in the root of the project, which is `root`.
# shellcheck shell=bash disable=SC2034 # the commands use what is set here
set -euo pipefail
# shellcheck source=program.sh
. "$(dirname "${BASH_SOURCE[0]}")/program.sh"
caller=$PWD
cd "$here/../.."
root=$PWD
jobs=$(nproc)
export PATH=$root/.venv/bin:$PATH # cmake, ninja and the lint tools of requirements*.txt come before the system's
called_as=${DEV_CALLED_AS:-./dev $(basename "$0" .sh)${*:+ $*}}

# What every build needs: programs of programs.txt, and Debian packages.
compiler=(ca-certificates g++ binutils python3)
libraries=(libcli11-dev libfmt-dev libstb-dev pkg-config)

# ---------------------------------------------------------------------------------------------------------------- messages

say() { printf 'dev: %s\n' "$*" >&2; }

die() {
  say "$@"
  exit 1
}

# run_command NAME ARGUMENT...: another command of ./dev, as part of this one.
run_command() {
  local name=$1
  shift
  (cd "$caller" && DEV_CALLED_AS=$called_as "$here/commands/$name.sh" "$@")
}

watcher=
stop_watcher() {
  if [ -n "$watcher" ]; then kill "$watcher" 2>/dev/null || true; fi
  watcher=
}
trap stop_watcher EXIT

# quietly NAME TITLE COMMAND...: the output goes to build/log/NAME.log and is shown when the command fails.
quietly() {
  local log=build/log/$1.log title=$2 start=$SECONDS status=0
  shift 2
  mkdir -p build/log
  printf '==> %s' "$title" >&2
  if [ -t 2 ]; then # a terminal sees the log's last line, such as ninja's [12/80], once a second
    while sleep 1; do
      printf '\r\033[K==> %s  \033[2m%s\033[0m' "$title" "$(tail -n 1 "$log" | tr -d '\r\033' | cut -c 1-60)" >&2
    done &
    watcher=$!
  fi
  "$@" >"$log" 2>&1 || status=$?
  stop_watcher
  if [ -t 2 ]; then printf '\r\033[K==> %s' "$title" >&2; fi
  if [ "$status" = 0 ]; then
    printf ' (%d s)\n' $((SECONDS - start)) >&2
  else
    printf ': FAILED (status %d)\n' "$status" >&2
    tail -n 200 "$log" >&2
    printf 'The whole output is in %s\n' "$log" >&2
  fi
  return "$status"
}

# ------------------------------------------------------------------------------------------------- what a command depends on

# need NAME...: programs of programs.txt, and Debian packages. Installs what is missing, and refuses a program that is too old.
need() {
  local name packages=()
  for name in "$@"; do
    if ! entry "$name"; then
      packages+=("$name")
    elif ! find_program "$name"; then
      # shellcheck disable=SC2206 # words
      packages+=($package)
    fi
  done
  install_packages "${packages[@]}"
  for name in "$@"; do
    if entry "$name" && ! find_program "$name"; then die "$why"; fi
  done
}

# want NAME...: programs of programs.txt whose tests are skipped without them. Installs those that the system's package lists have,
# and says which are missing all the same.
want() {
  local name
  for name in "$@"; do
    entry "$name"
    if find_program "$name"; then continue; fi
    # shellcheck disable=SC2086 # words
    if command -v apt-cache >/dev/null && apt-cache show $package >/dev/null 2>&1; then (install_packages $package) || true; fi
    find_program "$name" || say "$why; without it: ${otherwise#"${otherwise%%[! ]*}"}"
  done
}

# install_packages PACKAGE...: the Debian packages that are missing.
install_packages() {
  local package installed missing=()
  if ! command -v dpkg-query >/dev/null; then # another system: whoever runs it has installed the equivalents
    return 0
  fi
  # shellcheck disable=SC2016 # dpkg-query's own variables
  installed=$'\n'$(dpkg-query -W -f '${Package}=${db:Status-Status}\n' "$@" 2>/dev/null || true)$'\n'
  for package in "$@"; do
    if [[ $installed != *$'\n'"$package=installed"$'\n'* ]]; then missing+=("$package"); fi
  done
  if [ ${#missing[@]} = 0 ]; then return 0; fi
  local as_root=(env)
  if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || die "system packages are missing, and installing them needs a password. Run this, then try again:
sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}"
    as_root=(sudo -n env)
  fi
  quietly packages "Installing system packages: ${missing[*]}" apt_install "${as_root[@]}" -- "${missing[@]}"
}

# apt_install AS_ROOT... -- PACKAGE...: the package lists are fetched only when the first attempt shows that they are missing
# or out of date.
apt_install() {
  local as_root=()
  while [ "$1" != -- ]; do
    as_root+=("$1")
    shift
  done
  shift
  local apt=("${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
  "${apt[@]}" install -y --no-install-recommends "$@" ||
    { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "$@"; }
}

# python_packages REQUIREMENTS [VENV]: into .venv or the one named, once for each content of the file (and place of this
# folder: a venv cannot move).
python_packages() {
  local venv=${2:-.venv} wanted
  local stamp=$venv/$1.stamp
  wanted=$root$'\n'$(<"$1")
  if [ -f "$stamp" ] && [ "$(<"$stamp")" = "$wanted" ]; then return 0; fi
  [ "$(uname -sm)" = "Linux x86_64" ] || die "the Halide compiler is installed on Linux x86_64 only; this is $(uname -sm)"
  "$(system_python)" -c 'import ensurepip' 2>/dev/null || install_packages python3-venv # Debian's python3 has come without it
  quietly "${1%.txt}" "Installing Python packages of $1 into $venv" pip_install "$1" "$venv"
  printf '%s\n' "$wanted" >"$stamp"
}

# system_python: the interpreter that virtual environments are made of.
system_python() {
  local python=${PYTHON:-/usr/bin/python3}
  if [ -x "$python" ]; then printf '%s\n' "$python"; else printf 'python3\n'; fi
}

pip_install() {
  local venv=$2
  [ -x "$venv/bin/python" ] && "$venv/bin/pip" --version || "$(system_python)" -m venv --clear "$venv" || return
  "$venv/bin/python" -m pip install --disable-pip-version-check -r "$1" || return
  if [ "$1" = requirements.txt ]; then # where CMakePresets.json looks for Halide's CMake package
    ln -sfn "$(.venv/bin/python -c 'import halide; print(halide.install_dir())')" .venv/halide
  fi
}

# ---------------------------------------------------------------------------------------------------------- CMake's presets

# configure PRESET [-D...]
configure() {
  local preset=$1
  shift
  if [ $# = 0 ] && [ "build/$preset/build.ninja" -nt CMakePresets.json ]; then return 0; fi # ninja watches the rest
  quietly "configure_$preset" "Configuring ($preset)" cmake --preset "$preset" "$@"
}

# build PRESET [TARGET...]
build() {
  local preset=$1
  shift
  quietly "build_$preset" "Building ($preset)" cmake --build --preset "$preset" ${1:+--target "$@"}
}

# host_tools: the programs that compile variants for other machines.
host_tools() {
  configure host-tools
  build host-tools
}

# run_ctest PRESET [CTEST ARGUMENTS]: what was skipped is listed once more, also where a test skips only a part.
run_ctest() {
  local preset=$1 status=0
  shift
  ctest --preset "$preset" -j "$jobs" --output-junit tests.xml "$@" || status=$?
  grep -hE '^(SKIPPED|skipped:) ' "build/$preset/Testing/Temporary/LastTest.log" 2>/dev/null | sort -u || true
  return "$status"
}

# split ARGUMENT...: -D... into `defines`, --preset NAME into `preset`, the rest into `rest`.
split() {
  defines=() rest=()
  while [ $# -gt 0 ]; do
    case $1 in
      -D?*) defines+=("$1") ;;
      --preset) preset=${2:?"--preset needs a name"} && shift ;;
      --preset=*) preset=${1#*=} ;;
      *) rest+=("$1") ;;
    esac
    shift
  done
}
