#!/bin/sh
# check_leaves.sh ARCHIVE: every compiled variant is a leaf. Its object wants the two functions of the scratch allocator and nothing
# else, but for memset of libc, which the compiler calls where a loop fills memory, and what 32-bit ARM has instead of instructions;
# and it exports its entry and nothing else.
set -eu
"${NM:-nm}" -A "$1" | awk '
  { split($1, file, ":"); object = file[2] }
  object !~ /\.o$/ || object ~ /\.c\.o$/ { next }  # the table is not a variant
  { objects[object] = 1 }
  $(NF - 1) == "U" && $NF ~ /^(memset|__aeabi_[a-z0-9]*)$/ { next }
  $(NF - 1) == "U" { undefined[object] = undefined[object] " " $NF }
  $(NF - 1) ~ /^[A-TV-Z]$/ { exported[object] = exported[object] " " $NF }
  END {
    for (object in objects) {
      ++count
      wants = undefined[object]
      if (wants != " sepconv_scratch_free sepconv_scratch_malloc" && wants != " sepconv_scratch_malloc sepconv_scratch_free") {
        print object " wants" wants; bad = 1
      }
      if (exported[object] !~ /^ sepconv_[a-z0-9_]*_argv$/) { print object " exports" exported[object]; bad = 1 }
    }
    print count + 0 " variants"
    exit bad || !count
  }'
