// Taps far apart: where the outputs of a row read few of the samples between the first and the last, because of a
// stride or a dilation in the thousands, a task first copies those that they read side by side. The variant then
// computes on the copy, in which the taps of an output are neighbours and outputs follow each other: stride k, dilation
// 1 along x.
#ifndef SEPCONV_SRC_GATHER_H
#define SEPCONV_SRC_GATHER_H

#include <stdint.h>

#include "halide_bridge.h"
#include "problem.h"
#include "strip.h"

namespace sepconv::internal {

// Whether a variant can compute on such a copy: it takes any kernel, stride and dilation along x.
bool can_gather(const Geometry& geometry, const sepconv_variant& variant);

// The problem as it is on the copy, for what is asked of a strip's size.
Geometry gathered_geometry(const Geometry& geometry);

// Bytes of the copy for a strip of `outputs` pixels of one row.
int64_t gathered_bytes(const Geometry& geometry, const sepconv_variant& variant, int64_t outputs);

// Pixels of a strip, counted from its first, whose taps in the image are the same: none where taps.length is 0.
struct GatheredRun {
  Part pixels, taps;
};

// The run that begins with a pixel of the strip.
GatheredRun run_from(const Geometry& geometry, const Strip& strip, int64_t pixel);

// Copies what a run reads, and points the call at the copy. `input` is at the strip's slice, but at the image's first
// sample along x. `strip` has the slices of the axes outside.
void gather(const Geometry& geometry, const Strip& strip, const GatheredRun& run, const char* input, char* copy,
            LeafCall* call);

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_GATHER_H
