#!/usr/bin/env bash
# docs
#   the C API reference, as HTML
# shellcheck source=../common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

need doxygen
quietly docs "Writing the C API reference" doxygen Doxyfile
echo "$root/build/docs/html/index.html"
