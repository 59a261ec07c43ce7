// How a run is cut into tasks: every image into strips (boxes of output pixels, strip.h), and every strip, where that
// helps threads, into groups of output panels. Pure arithmetic. Tasks only share out pixels and output channels, never
// a sum, so results do not depend on how a run was cut.
#ifndef SEPCONV_SRC_CUT_H
#define SEPCONV_SRC_CUT_H

#include <stdint.h>

#include "pack.h"
#include "problem.h"
#include "sepconv/variant_table.h"

namespace sepconv::internal {

struct Strip;

// What a cut has to respect; tests pass their own.
struct CutLimits {
  int64_t indices = INT32_MAX;         // the largest index, in elements, that a variant can form
  int64_t scratch_bytes = 384 * 1024;  // one task's scratch, aimed at: most of a usual L2 cache
};

// The cut of one image. A strip is whole along the axes inside `cut_axis`, one of `segments` parts along it, and a
// single sample along the axes outside it, so its pixels are contiguous in a dense output. A panel group is one of
// `groups` parts of the panels.
struct Cut {
  int cut_axis;
  int64_t unit;            // samples that segments are multiples of, but for the last
  int64_t segments;        // along cut_axis
  int64_t strips;          // of one image: segments * the extents of the axes outside
  int64_t groups;          // of panels
  int64_t tasks;           // of one image: strips * groups
  bool whole_row_input;    // the innermost axis of the input is always passed whole (variants with a fixed in_extent)
  bool local_coordinates;  // coordinates count from the slice: the image is too large for 32-bit ones, or gathered
  bool gathers;            // what a strip reads is copied side by side first (gather.h); strips are parts of one row
  int64_t arena_bytes;     // scratch of the most demanding task: scratch_bytes of its strip
  int64_t tile_bytes;      // output of a strip that a variant cannot write in its place; 0 where there are none
  int64_t residual_bytes;  // the residual of such a strip; 0 where the problem has none
  int64_t gathered_bytes;  // that copy; 0 where there is none
  int64_t worker_bytes;    // all together: one worker's slice of the workspace, a multiple of 64
  int64_t zero_bytes;      // zeros that stand for a residual that is not there, for all workers; 0 where none is needed
};

// Bytes of scratch that a variant may ask of the arena to compute one strip of the given extents for `panels` panels.
// This formula is the contract between the schedules and the planner; see the body for its terms.
int64_t scratch_bytes(const Geometry& geometry, const sepconv_variant& variant, const PackedLayout& packed,
                      const int64_t extent[SEPCONV_MAX_SPATIAL_RANK], int64_t panels);

// Chooses the cut for at most `threads` workers. Errors: SEPCONV_UNSUPPORTED where not even the smallest strip fits the
// limits.
sepconv_status cut_image(const Geometry& geometry, const sepconv_variant& variant, const PackedLayout& packed,
                         int threads, const CutLimits& limits, Cut* cut);

// Fills in the bytes of a cut whose strips are no larger than `largest` and no smaller than `smallest`; the groups are
// there already.
void measure_cut(const Geometry& geometry, const sepconv_variant& variant, const PackedLayout& packed,
                 const Strip& largest, const Strip& smallest, Cut* cut);

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_CUT_H
