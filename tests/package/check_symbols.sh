# check_symbols.sh LIBRARY: everything that is visible outside begins with sepconv_ or lies in the C++ namespace sepconv, and of the
# latter only what is a public class. Internals are hidden or local.
set -eu
# Columns of readelf: Num Value Size Type Bind Vis Ndx Name.
readelf -sW "$1" | awk -v library="$1" '
  $5 != "GLOBAL" && $5 != "WEAK" || $7 == "UND" || $8 == "" { next }
  { ++defined }
  $8 ~ /^sepconv_/ { next }
  $6 == "HIDDEN" && $8 ~ /^_Z[A-Z]*N?K?(7sepconv|St|S[a-z])/ { next }
  $6 == "HIDDEN" && $8 ~ /^(DW.ref|__clang_call_terminate|_Z)/ { next }
  $8 ~ /^_ZNK?7sepconv10ThreadPool/ { next }
  $5 == "WEAK" && $8 ~ /^_Z[A-Z]*N?K?(St|S[a-z]|9__gnu_cxx)/ { next }
  { print "not ours: " $0; bad = 1 }
  END {
    print defined + 0 " global symbols in " library
    exit bad || !defined
  }'
