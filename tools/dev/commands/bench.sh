#!/usr/bin/env bash
# bench LAYERS.json ...
#   verify and time layers (arguments of sepconv_bench)
# bench --compare LAYERS.json ... | --random N [--seed S]
#   the same layers, or shapes drawn at random, in other libraries too, in turns (arguments of bench/compare/compare.py)
# bench --cliffs [--channels-first]
#   sizes that take much longer than their neighbours, and a picture of all (arguments of bench/cliffs/cliffs.py)
# bench --plan LAYERS.json ...
#   what planning these layers costs (arguments of sepconv_plan_time)
# shellcheck source=../common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

peers=$root/.venv-peers/bin/python

# prepare ARGUMENT...: splits them, and installs what every benchmark needs.
prepare() {
  split "$@"
  need "${compiler[@]}" "${libraries[@]}"
  python_packages requirements.txt
}

# program NAME ARGUMENT...: a program of bench/
program() {
  local name=$1
  shift
  preset=release
  prepare "$@"
  configure "$preset" "${defines[@]}"
  build "$preset" "$name"
  cd "$caller"
  "$root/build/$preset/bench/$name" "${rest[@]}"
}

cliffs() {
  preset=release
  prepare "$@"
  python_packages requirements-peers.txt .venv-peers
  configure "$preset" "${defines[@]}"
  build "$preset" sepconv_bench
  cd "$caller"
  "$peers" "$root/bench/cliffs/cliffs.py" "$root/build/$preset/bench/sepconv_bench" --picture "$root/build/cliffs.png" "${rest[@]}"
}

compare() {
  local layers compare=$root/bench/compare/compare.py
  preset=compare
  prepare "$@"
  python_packages requirements-peers.txt .venv-peers
  if [[ "${rest[*]}" == *torch* ]]; then python_packages requirements-torch.txt .venv-peers; fi
  layers=$(cd "$caller" && "$peers" "$compare" "${rest[@]}" --prepare)
  if [ ! -f "$layers" ]; then # --help
    printf '%s\n' "$layers"
    return
  fi
  configure "$preset" -DSEPCONV_COMPARE_LAYERS="$layers" "${defines[@]}"
  build "$preset" sepconv_compare first_result first_result_empty
  cd "$caller"
  "$peers" "$compare" "${rest[@]}" --layer-file "$layers" --command "$called_as" \
    --library "$root/build/$preset/bench/compare/libsepconv_compare.so"
}

case ${1-} in
  --compare) shift && compare "$@" ;;
  --cliffs) shift && cliffs "$@" ;;
  --plan) shift && program sepconv_plan_time "$@" ;;
  *) program sepconv_bench "$@" ;;
esac
