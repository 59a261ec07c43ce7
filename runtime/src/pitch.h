// Tensors that are slices of larger ones: where their elements lie, and whether two of them share any.
#ifndef SEPCONV_SRC_PITCH_H
#define SEPCONV_SRC_PITCH_H

#include <stdint.h>

#include "sepconv/sepconv.h"

namespace sepconv::internal {

// Elements from one image, channel or sample to the next. Axes are outermost first; entries past the rank are 0.
struct TensorPitch {
  int64_t image, channel, axis[SEPCONV_MAX_SPATIAL_RANK];
};

// A tensor as levels, innermost first: `count` things, `step` bytes apart; step is 0 where there is one thing.
struct TensorShape {
  static constexpr int most_levels = SEPCONV_MAX_SPATIAL_RANK + 2;
  struct Level {
    int64_t count, step;
  } level[most_levels];
  int levels;
  int64_t element;  // bytes of one element
};

// Fills in the pitches that the caller left 0 (`given` and `given_channel` are the problem's, `tensor` is "input" or
// "output") and counts the elements from the tensor's first to its last: 0 for an empty batch, too_large if they
// overflow. Errors: SEPCONV_INVALID_ARGUMENT for a pitch that does not reach over what lies inside it.
sepconv_status resolve_pitches(const sepconv_problem& problem, const char* tensor, const int64_t* extent,
                               int64_t channels, const int64_t* given, int64_t given_channel, TensorPitch* pitch,
                               int64_t* span);

TensorShape shape_of(const sepconv_problem& problem, const int64_t* extent, int64_t channels, const TensorPitch& pitch,
                     int64_t element);

// Bytes from the first element's first to the last element's last; 0 for an empty tensor.
int64_t span_of(const TensorShape& shape);

// Whether two tensors are known to share no byte: they lie one behind the other, or they interleave as two slices of
// one larger tensor do (the same steps from some level on, and disjoint inside one step).
bool apart(const TensorShape& a, const void* a_data, const TensorShape& b, const void* b_data);

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_PITCH_H
