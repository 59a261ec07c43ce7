// Strips: the boxes of output pixels that an image is cut into (cut.h), and what of the image and of the kernel a
// variant is shown under one.
#ifndef SEPCONV_SRC_STRIP_H
#define SEPCONV_SRC_STRIP_H

#include <stdint.h>

#include "cut.h"
#include "integers.h"
#include "problem.h"
#include "sepconv/variant_table.h"

namespace sepconv::internal {

// One strip. Axes are outermost first; entries past the rank are {0, 1}.
struct Strip {
  // Output pixels: the first, how many, and their product.
  int64_t min[SEPCONV_MAX_SPATIAL_RANK], extent[SEPCONV_MAX_SPATIAL_RANK], pixels;
  // The slice of the input that the strip reads, always inside the image and never empty: in_extent samples from in_min
  // on, every in_step-th of the image (sample_step).
  int64_t in_min[SEPCONV_MAX_SPATIAL_RANK], in_extent[SEPCONV_MAX_SPATIAL_RANK], in_step[SEPCONV_MAX_SPATIAL_RANK];
  // The strip as an image of its own: the zeros before the slice, below 0 where the first tap lies inside it, and the
  // steps between the samples that are shown.
  int64_t pad_before[SEPCONV_MAX_SPATIAL_RANK], stride[SEPCONV_MAX_SPATIAL_RANK], dilation[SEPCONV_MAX_SPATIAL_RANK];
  // Whether a variant is shown the axis that way, in coordinates that count from the slice: where samples are left out,
  // where all that it sees is padding, and everywhere in an image too large for 32-bit coordinates.
  bool of_its_own[SEPCONV_MAX_SPATIAL_RANK];
  // The taps that are shown, at least one.
  int64_t first_tap[SEPCONV_MAX_SPATIAL_RANK], taps[SEPCONV_MAX_SPATIAL_RANK];
};

// Every how many samples of the image a strip of `extent` outputs of an axis is shown, as if they were neighbours:
// those between are read by no tap. Of one output that is the dilation, of several the factor that stride and dilation
// share. What a variant stages then does not grow with them. 1 for variants that are compiled for other steps, and
// where samples have to be neighbours in memory.
int64_t sample_step(const Geometry& geometry, const sepconv_variant& variant, int axis, int64_t extent);

// The taps between the first and the last that read a sample of the image, for outputs whose first tap reads from
// `begin` to `last`; length 0 where all of them lie in the padding.
Part taps_inside(const Geometry& geometry, int axis, int64_t begin, int64_t last);

// Samples of the input, zeros included, that a variant sees under `outputs` outputs of an axis, in a strip of `extent`.
int64_t seen_samples(const Geometry& geometry, const sepconv_variant& variant, int axis, int64_t extent,
                     int64_t outputs);

// By how many taps a sample is read, on average over what a variant sees of an image, each multiple of the channels
// counted.
double reads_per_sample(const Geometry& geometry, const sepconv_variant& variant);

// Sets the geometry's steps once more, now that a variant is chosen: where it fixes one, it computes with that, whether
// the step has an effect or not.
void adopt_fixed_steps(const sepconv_variant& variant, Geometry* geometry);

// Whether a variant can write a strip where it belongs: it has at least a register tile of pixels, and they are evenly
// spaced, *step elements apart (1 with channels_first).
bool writes_in_place(const Geometry& geometry, const sepconv_variant& variant, const Strip& strip, int64_t* step);

// The strip of an index in [0, cut.strips).
Strip strip_at(const Geometry& geometry, const sepconv_variant& variant, const Cut& cut, int64_t index);

// Samples of the outermost axis that the strip `next` reads and `strip`, an earlier one of the same image, does not;
// length 0 where they are not worth asking for early: scattered in memory, or more than a cache would keep until then.
Part samples_ahead(const Geometry& geometry, const Cut& cut, const Strip& strip, const Strip& next);

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_STRIP_H
