#!/usr/bin/env bash
# demo [PICTURE]
#   MobileNetV1's separable layers on a picture, layer by layer, the picture filter, then a filter for sound that
#   arrives in pieces
# shellcheck source=../common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

preset=release
split "$@"
need "${compiler[@]}" "${libraries[@]}"
python_packages requirements.txt
configure "$preset" "${defines[@]}"
build "$preset" mobilenet_v1 picture_filter stream_filter
cd "$caller"
examples=$root/build/$preset/examples
"$examples/mobilenet_v1/mobilenet_v1" "${rest[@]}"
"$examples/picture_filter/picture_filter" "${rest[@]}" --output "$root/build/filtered.png"
"$examples/stream_filter/stream_filter" --output "$root/build/filtered.wav"
