// What the search for a cut asks about a segment of an axis: is it short enough, and how long would the run take.
#ifndef SEPCONV_SRC_CUT_PLANNER_H
#define SEPCONV_SRC_CUT_PLANNER_H

#include <stdint.h>

#include "cut.h"
#include "integers.h"

namespace sepconv::internal {

// Rates of the model, in multiply-adds per intermediate channel, that tests hold plans against, too.
inline constexpr double staging_of_sample = 8;  // loads and stores a sample under a strip, halo and padding included
inline constexpr double handing_out = 10e3;     // of one task, all channels together: the call and its arguments

struct Planner {
  const Geometry& g;  // of what a variant sees: the problem's, or gathered_geometry
  const sepconv_variant& variant;
  const PackedLayout& packed;
  const CutLimits& limits;
  int64_t threads;
  bool gathers;

  bool fixed_input() const {
    for (int axis = 0; axis < g.rank; ++axis) {
      if (variant.in_extent[axis] != 0) return true;
    }
    return false;
  }

  // Variants with a fixed in_extent know the width of a row, so their strips keep it.
  int last_cut_axis() const { return g.rank > 1 && fixed_input() ? g.rank - 2 : g.rank - 1; }

  int64_t images() const { return larger<int64_t>(g.problem.batch, 1); }

  // Output pixels inside one sample of the axis, and samples of the axes outside it.
  int64_t inner_pixels(int cut_axis) const { return product(cut_axis + 1, g.rank); }
  int64_t outer_pixels(int cut_axis) const { return product(0, cut_axis); }

  void box(int cut_axis, int64_t segment, int64_t extent[SEPCONV_MAX_SPATIAL_RANK]) const {
    for (int axis = 0; axis < SEPCONV_MAX_SPATIAL_RANK; ++axis) {
      extent[axis] = axis < cut_axis ? 1 : axis == cut_axis ? segment : g.out_extent[axis];
    }
  }

  // cut_limits.cpp
  //
  // Whether a variant can index everything that a strip touches: the slice of the input (by the addresses it spans),
  // the pixels of the output, coordinates with their padding, and the scratch.
  bool fits(int cut_axis, int64_t segment) const { return misfit(cut_axis, segment).what == nullptr; }
  // What a variant cannot index, in words, and the fields that it is made of; `what` is NULL where there is nothing.
  struct Misfit {
    const char* what;
    unsigned terms;
  };
  Misfit misfit(int cut_axis, int64_t segment) const;
  // Whether a strip also has the wanted size: the variant's wish, or what keeps the scratch inside the cache.
  bool small_enough(int cut_axis, int64_t segment) const;
  // Samples that a variant stages under a segment for each that taps read: more than 1 where strides or dilations leave
  // samples out.
  double staged_for_each_read(int cut_axis, int64_t segment) const;
  // Whether the whole image can be addressed in its own coordinates.
  bool image_fits() const;

  // cut_cost.cpp
  //
  // A model's time of a whole run, in multiply-adds per intermediate channel.
  double run_cost(int cut_axis, int64_t unit, int64_t segments, int64_t groups) const;

 private:
  int64_t product(int first_axis, int end_axis) const {
    int64_t pixels = 1;
    for (int axis = first_axis; axis < end_axis; ++axis) pixels *= g.out_extent[axis];
    return pixels;
  }
  double task_cost(int cut_axis, int64_t segment, int64_t groups) const;
};

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_CUT_PLANNER_H
