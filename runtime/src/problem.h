// Pure arithmetic on a problem: is it legal, how large is its output, where does the padding go, does any size
// overflow. Nothing here knows variants, memory or machines.
#ifndef SEPCONV_SRC_PROBLEM_H
#define SEPCONV_SRC_PROBLEM_H

#include <stdint.h>

#include "pitch.h"
#include "sepconv/sepconv.h"

namespace sepconv::internal {

// A legal problem and everything that follows from it. Axes are outermost first; entries past the rank are those of an
// axis of extent 1, so loops over all three axes need no special case.
struct Geometry {
  sepconv_problem problem;  // the caller's, defaults filled in
  int32_t rank;             // problem.spatial_rank
  int64_t in_extent[SEPCONV_MAX_SPATIAL_RANK];
  int64_t out_extent[SEPCONV_MAX_SPATIAL_RANK];
  int64_t pad_before[SEPCONV_MAX_SPATIAL_RANK];
  int64_t pad_after[SEPCONV_MAX_SPATIAL_RANK];
  int64_t reach[SEPCONV_MAX_SPATIAL_RANK];  // input samples under one output sample: (k-1)*d + 1
  int64_t stride[SEPCONV_MAX_SPATIAL_RANK], dilation[SEPCONV_MAX_SPATIAL_RANK];  // as effective_step has them
  // Elements from one image, channel or sample to the next; what the caller left 0 is filled in.
  TensorPitch input_pitch, output_pitch;
  int64_t taps;                       // product of the kernel extents
  int64_t mid_channels;               // C * M
  int64_t in_pixels, out_pixels;      // of one image
  int64_t input_bytes, output_bytes;  // of the whole batch, from the first element to the last
};

// The step that counts along an axis: between `count` outputs (stride) or taps (dilation). With one of them it has no
// effect, however large, and is 1, unless a variant is compiled for a certain step, `fixed` (0: any step).
inline int64_t effective_step(int64_t step, int64_t count, int64_t fixed = 0) {
  if (fixed != 0) return fixed;
  return count == 1 ? 1 : step;
}

// Bytes of one element.
int64_t dtype_size(sepconv_dtype dtype);

// Whether elements are floats of 16 bits, which are computed with in float32.
inline bool is_half(sepconv_dtype dtype) { return dtype == SEPCONV_DTYPE_F16 || dtype == SEPCONV_DTYPE_BF16; }

// Whether elements are integers that stand for real numbers by a scale and a zero point.
inline bool is_quantised(sepconv_dtype dtype) { return dtype == SEPCONV_DTYPE_I8 || dtype == SEPCONV_DTYPE_U8; }

// Bytes of one number of a bias, for weights of this type: int32 with int8.
inline int64_t bias_size(sepconv_dtype weights) { return is_quantised(weights) ? 4 : dtype_size(weights); }

// The input and the output as they lie in memory.
TensorShape input_shape(const Geometry& geometry);
TensorShape output_shape(const Geometry& geometry);

// An activation as a variant takes it: everything that is a clamp, or none at all, has kind SEPCONV_ACTIVATION_CLAMP;
// lo and hi are -inf and inf where there is no clamp.
sepconv_activation leaf_activation(const sepconv_activation& activation);

bool is_clamp(const sepconv_activation& activation);  // none is one, too

// Writes out what a 0 stands for in a problem of one stage, and checks every field that needs no arithmetic; a part of
// analyse_problem.
sepconv_status complete_and_check(sepconv_problem* problem);

// Checks every rule of the operation and fills `geometry`. Problems that are legal but not built yet pass.
// Errors: SEPCONV_INVALID_ARGUMENT, in a sentence that names the field and its value; SEPCONV_UNSUPPORTED for fields of
// a newer header.
sepconv_status analyse_problem(const sepconv_problem* problem, Geometry* geometry);

// SEPCONV_UNSUPPORTED, naming the field, for a legal problem that no variant can be written for yet.
sepconv_status check_supported(const Geometry& geometry);

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_PROBLEM_H
