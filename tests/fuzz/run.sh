#!/bin/sh
# run.sh PROGRAMS NAME OPTION...: one fuzzer, from its corpus on, with what it takes to get far. What it meets goes to
# the folder PROGRAMS/NAME, what it finds to PROGRAMS/findings.
set -eu
programs=$1 name=$2 here=$(dirname "$0")
shift 2
mkdir -p "$programs/$name" "$programs/findings"
set -- "$@" -len_control=0 -max_len=400 -artifact_prefix="$programs/findings/$name-"
if [ -f "$here/$name.dict" ]; then set -- "$@" -max_len=2000 -dict="$here/$name.dict"; fi
exec "$programs/sepconv_${name}_fuzzer" "$@" "$programs/$name" "$here/corpus/$name"
