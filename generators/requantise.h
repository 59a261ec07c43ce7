// What becomes of the sums of a stage in variants of int8: q = zero + round(sum * scale), clamped, as TFLite defines
// it. The scale is a channel's own. Two roundings are defined by others, and chosen at run time:
//
//   float   XNNPACK's: float32(sum) * scale, clamped, then to the nearest integer, of two the even one
//   exact   TFLite's reference, gemmlowp's: with scale = m * 2^(-31 - shift), 2^30 <= m < 2^31, the high half of
//           2 * sum * m, rounded, halves up; then a shift to the right, rounded, halves away from zero
#ifndef SEPCONV_GENERATORS_REQUANTISE_H
#define SEPCONV_GENERATORS_REQUANTISE_H

#include "Halide.h"

namespace sepconv {

struct Requantiser {
  // (channel, row), int32: row 0 is the scale as a float32's bits, or m; row 1 the shift to the right, from -30 to 31.
  Halide::Func scales;
  Halide::Expr rounding;  // sepconv_rounding
  Halide::Expr wide;      // 1: some shift is below 1 or above 22, or a sum may be 2^30 or more
  Halide::Expr zero;      // what stands for 0
  Halide::Expr lo, hi;    // of the clamp, as results
  bool wide_products;     // the target multiplies every other lane into 64 bits: schedules/high_halves.h is to be used
};

// The name of a call that stands for (x*m + 2^31) >> 32 until schedules/high_halves.h replaces it.
inline constexpr const char* rounded_high_half_name = "sepconv_rounded_high_half";

// An int32 from `lo` to `hi`, of the int32 `sum` of `channel`, with `offset` added.
Halide::Expr requantise(const Halide::Expr& sum, const Halide::Expr& channel, const Requantiser& requantiser,
                        int offset);

}  // namespace sepconv

#endif
