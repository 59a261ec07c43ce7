// Sentences about a size that is too large: they end in a list of the problem's fields that it is made of, and of no
// others, so that whoever reads one knows what to change.
#ifndef SEPCONV_SRC_TERMS_H
#define SEPCONV_SRC_TERMS_H

#include "problem.h"

namespace sepconv::internal {

// A set of fields, by `|`.
enum Terms : unsigned {
  term_batch = 1 << 0,
  term_in_channels = 1 << 1,
  term_multiplier = 1 << 2,
  term_out_channels = 1 << 3,
  term_in_extent = 1 << 4,
  term_kernel = 1 << 5,  // kernel_extent and dilation
  term_taps = 1 << 6,    // kernel_extent alone
  term_stride = 1 << 7,
  term_padding = 1 << 8,
  term_input_pitch = 1 << 9,  // those that were given, the channels' included
  term_output_pitch = 1 << 10,
  // What an output extent is made of.
  term_out_extent = term_in_extent | term_stride | term_padding,
};

// Fails with "<what>: problem.in_channels 4, input_pitch 0x0x8".
[[gnu::cold]] sepconv_status fail_for(sepconv_status status, const Geometry& geometry, unsigned terms,
                                      const char* what);

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_TERMS_H
