// How much scratch a task takes.
#ifndef SEPCONV_SRC_SCRATCH_BYTES_H
#define SEPCONV_SRC_SCRATCH_BYTES_H

#include <stdint.h>

#include "pack.h"
#include "problem.h"
#include "sepconv/variant_table.h"

namespace sepconv::internal {

// Bytes of scratch that a variant may ask of the arena to compute one strip of the given extents for `panels` panels.
// This formula is the contract between the schedules and the planner; see the body for its terms.
int64_t scratch_bytes(const Geometry& geometry, const sepconv_variant& variant, const PackedLayout& packed,
                      const int64_t extent[SEPCONV_MAX_SPATIAL_RANK], int64_t panels);

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_SCRATCH_BYTES_H
