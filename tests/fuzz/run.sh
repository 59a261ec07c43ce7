#!/bin/sh
# run.sh PROGRAMS NAME FINDINGS OPTION...: one fuzzer, from its corpus on. What reaches new code is kept in the folder
# PROGRAMS/NAME, for the next time; what breaks a promise goes to the folder FINDINGS.
set -eu
programs=$1 name=$2 findings=$3 here=$(dirname "$0")
shift 3
mkdir -p "$programs/$name" "$findings"
# Long inputs from the start: a problem takes a hundred bytes or so, and what is left out is ordinary.
set -- -len_control=0 -max_len=400 -artifact_prefix="$findings/$name-" "$@"
if [ -f "$here/$name.dict" ]; then set -- -dict="$here/$name.dict" "$@" -max_len=2000; fi
# Freed memory is given out again soon: pages that nobody has touched before take longer than what is computed in them.
ASAN_OPTIONS=quarantine_size_mb=8:malloc_context_size=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}
export ASAN_OPTIONS
exec "$programs/sepconv_${name}_fuzzer" "$@" "$programs/$name" "$here/corpus/$name"
