#!/usr/bin/env bash
# models [--files] [NAME ...]
#   what is found in the files of known models, and (not with --files) how fast they are before and after
#   sepconv.keras.optimize on Keras's backends, written to docs/models.md; goes on where it was stopped (build/models)
# shellcheck source=../common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

results=$root/build/models times=1 names=()
for argument in "$@"; do
  case $argument in
    --files) times= ;;
    -*) die "models: unknown argument $argument" ;;
    *) names+=("$argument") ;;
  esac
done
need "${compiler[@]}" "${libraries[@]}" libgtest-dev python3-dev
python_packages requirements.txt
python_packages requirements-models.txt .venv-frameworks
python=$root/.venv-frameworks/bin/python
configure dev -UPython_\* -U_Python_\* -Unanobind_DIR -DPython_EXECUTABLE="$python"
build dev sepconv_python
export PYTHONPATH=$root/build/dev/python/package SEPCONV_CACHE=$root/build/cache TF_CPP_MIN_LOG_LEVEL=2
mkdir -p "$results"
[ -f "$results/about.json" ] || "$python" bench/models/page.py "$results"
zoo() { PYTHONPATH=bench/models "$python" -c "import zoo; print(*zoo.$1)"; }
read -r -a keras <<<"$(zoo KERAS)"
read -r -a backends <<<"$(zoo BACKENDS)"
read -r -a torchvision <<<"$(zoo TORCHVISION)"
[ ${#names[@]} != 0 ] || names=("${keras[@]}" "${torchvision[@]}")
for name in "${names[@]}"; do
  [[ " ${keras[*]} ${torchvision[*]} " = *" $name "* ]] || die "models: no model $name"
  if [ ! -f "$results/files-$name.json" ]; then
    KERAS_BACKEND=tensorflow quietly "models_$name" "The files of $name" "$python" bench/models/files.py "$name" "$results"
  fi
  if [ -z "$times" ] || [[ " ${keras[*]} " != *" $name "* ]]; then continue; fi
  for backend in "${backends[@]}"; do
    if [ -f "$results/times-$backend-$name.json" ]; then continue; fi
    KERAS_BACKEND=$backend quietly "models_${backend}_$name" "$name on $backend" \
      taskset -c "$((jobs - 1))" "$python" bench/models/times.py "$name" "$results"
  done
done
"$python" bench/models/page.py "$results" docs
