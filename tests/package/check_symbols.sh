#!/bin/sh
# check_symbols.sh LIBRARY: everything that is visible outside begins with sepconv_ or is the public C++ class. Internals are
# hidden or local.
set -eu
# Columns of readelf: Num Value Size Type Bind Vis Ndx Name.
"${READELF:-readelf}" -sW "$1" | awk -v library="$1" '
  $5 != "GLOBAL" && $5 != "WEAK" || $7 == "UND" || $8 == "" { next }
  { ++defined }
  $8 ~ /^sepconv_/ { next }
  $6 == "HIDDEN" && $8 ~ /^(_Z|DW\.ref\.)/ { next }             # C++ internals: they end at the link
  $8 ~ /^_ZNK?7sepconv10ThreadPool/ { next }                   # the public class
  $5 == "WEAK" && $8 ~ /^_Z[A-Z]*N?K?(St|S[a-z]|9__gnu_cxx)/ { next }  # templates of the C++ library
  { print "not ours: " $0; bad = 1 }
  END {
    print defined + 0 " global symbols in " library
    exit bad || !defined
  }'
