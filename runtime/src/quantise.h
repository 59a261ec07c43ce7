// Layers of int8: what the scales and zero points of a caller come to for a variant. All of it is packed with the
// weights.
#ifndef SEPCONV_SRC_QUANTISE_H
#define SEPCONV_SRC_QUANTISE_H

#include <stdint.h>

#include "pack.h"
#include "problem.h"
#include "sepconv/variant_table.h"

namespace sepconv::internal {

// The numbers of a layer that a variant is told (leaf_arguments.inc), as they lie among the packed weights.
struct QuantisedNumbers {
  int32_t rounding, wide_sums, flip;
  int32_t input_zero_point, mid_zero_point, output_zero_point;  // of int8
  float in_lo, in_hi, mid_lo, mid_hi, out_lo, out_hi;           // clamps; those of the input less its zero point
};

// Checks the scales and zero points of `weights.quantization` for the problem. Errors: SEPCONV_INVALID_ARGUMENT, naming
// the field.
sepconv_status check_quantization(const Geometry& geometry, const sepconv_weights& weights);

// Packs weights of int8, checked before: the kernels, the biases with what zero points add to the sums, the scales and
// the numbers. `packed` is zeroed. Errors: SEPCONV_UNSUPPORTED (sums that float32 does not hold), with nothing written
// but zeros.
sepconv_status pack_quantised(const Geometry& geometry, const sepconv_variant& variant, const PackedLayout& layout,
                              const sepconv_weights& weights, void* packed);

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_QUANTISE_H
