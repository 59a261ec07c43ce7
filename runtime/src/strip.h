// How a run is cut into tasks: every image into strips (boxes of output pixels), and every strip, where that helps
// threads, into groups of output panels. Pure arithmetic. Strips only share out pixels and output channels, never a
// sum, so results do not depend on how a run was cut.
#ifndef SEPCONV_SRC_STRIP_H
#define SEPCONV_SRC_STRIP_H

#include <stdint.h>

#include "integers.h"
#include "pack.h"
#include "problem.h"
#include "sepconv/variant_table.h"

namespace sepconv::internal {

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
  int64_t unit;            // segments are multiples of so many samples, but for the last
  int64_t segments;        // along cut_axis
  int64_t strips;          // of one image: segments * the extents of the axes outside
  int64_t groups;          // of panels
  int64_t tasks;           // of one image: strips * groups
  bool whole_row_input;    // the innermost axis of the input is always passed whole (variants with a fixed in_extent)
  bool local_coordinates;  // coordinates count from the slice: the image is too large for 32-bit ones
  int64_t arena_bytes;     // scratch of the most demanding task: scratch_bytes of its strip
  int64_t tile_bytes;      // output of a strip that a variant cannot write in its place; 0 where there are none
  int64_t residual_bytes;  // the residual of such a strip; 0 where the problem has none
  int64_t worker_bytes;    // all together: one worker's slice of the workspace, a multiple of 64
  int64_t zero_bytes;      // zeros that stand for a residual that is not there, for all workers; 0 where none is needed
};

// One strip. Axes are outermost first; entries past the rank are {0, 1}.
struct Strip {
  int64_t min[SEPCONV_MAX_SPATIAL_RANK];     // first output pixel
  int64_t extent[SEPCONV_MAX_SPATIAL_RANK];  // output pixels
  int64_t pixels;                            // their product
  int64_t
      in_min[SEPCONV_MAX_SPATIAL_RANK];  // the slice of the input that it reads: always inside the image, never empty
  int64_t in_extent[SEPCONV_MAX_SPATIAL_RANK];
  int64_t in_step[SEPCONV_MAX_SPATIAL_RANK];    // every how many samples of the image: sample_step
  int64_t before[SEPCONV_MAX_SPATIAL_RANK];     // with in_step above 1: zeros that are seen before the slice
  int64_t first_tap[SEPCONV_MAX_SPATIAL_RANK];  // the taps that it is shown, at least one
  int64_t taps[SEPCONV_MAX_SPATIAL_RANK];
};

// Every how many samples of the image a strip of `extent` outputs of an axis is shown, as if they were neighbours:
// those between are read by no tap. Of one output that is the dilation, of several the factor that stride and dilation
// share. What a variant stages then does not grow with them. 1 for variants that are compiled for other steps, and
// where samples have to be neighbours in memory.
int64_t sample_step(const Geometry& geometry, const sepconv_variant& variant, int axis, int64_t extent);

// Samples of the input, zeros included, that a variant sees under `extent` outputs of an axis.
int64_t seen_samples(const Geometry& geometry, const sepconv_variant& variant, int axis, int64_t extent);

// By how many taps a sample is read, on average over what a variant sees of an image, each multiple of the channels
// counted.
double reads_per_sample(const Geometry& geometry, const sepconv_variant& variant);

// The variant chosen for a problem has its own idea of the steps that have no effect (see Geometry): what it fixes, it
// computes with.
void adopt_fixed_steps(const sepconv_variant& variant, Geometry* geometry);

// Bytes of scratch that a variant may ask of the arena to compute one strip of the given extents for `panels` panels.
// This formula is the contract between the schedules and the planner; see the body for its terms.
int64_t scratch_bytes(const Geometry& geometry, const sepconv_variant& variant, const PackedLayout& packed,
                      const int64_t extent[SEPCONV_MAX_SPATIAL_RANK], int64_t panels);

// Chooses the cut for at most `threads` workers. Errors: SEPCONV_UNSUPPORTED where not even the smallest strip fits the
// limits.
sepconv_status cut_image(const Geometry& geometry, const sepconv_variant& variant, const PackedLayout& packed,
                         int threads, const CutLimits& limits, Cut* cut);

// Whether a variant can write a strip where it belongs: it has at least a register tile of pixels, and they are evenly
// spaced, *step elements apart (1 with channels_first).
bool writes_in_place(const Geometry& geometry, const sepconv_variant& variant, const Strip& strip, int64_t* step);

// Fills in the bytes of a cut whose strips are no larger than `largest` and no smaller than `smallest`; the groups are
// there already.
void measure_cut(const Geometry& geometry, const sepconv_variant& variant, const PackedLayout& packed,
                 const Strip& largest, const Strip& smallest, Cut* cut);

// The strip of an index in [0, cut.strips).
Strip strip_at(const Geometry& geometry, const sepconv_variant& variant, const Cut& cut, int64_t index);

// Samples of the outermost axis that the strip `next` reads and `strip`, an earlier one of the same image, does not;
// length 0 where they are not worth asking for early: scattered in memory, or more than a cache would keep until then.
Part samples_ahead(const Geometry& geometry, const Cut& cut, const Strip& strip, const Strip& next);

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_STRIP_H
