// The way into a compiled variant: plain pointers and numbers on this side, Halide's argv and halide_buffer_t on the
// other. The only part of the runtime that includes a Halide header; no Halide symbol is linked.
#ifndef SEPCONV_SRC_HALIDE_BRIDGE_H
#define SEPCONV_SRC_HALIDE_BRIDGE_H

#include <stdint.h>

#include "quantise.h"
#include "sepconv/variant_table.h"

namespace sepconv::internal {

// One axis of a task, in the coordinates that the variant sees.
struct LeafAxis {
  int32_t stride, dilation, pad_before;
  int32_t strip_min, strip_extent;  // output pixels
  int32_t input_min, input_extent;  // the slice of the input that is there
  int32_t input_pitch;              // elements from one sample to the next
  int32_t kernel_extent;            // of the packed kernel
  int32_t first_tap, taps;          // what of it is shown
};

// One call of a variant: one strip of one image for a group of panels. See leaf_arguments.inc for the meaning of each
// tensor.
struct LeafCall {
  void* arena;            // ScratchArena
  const void* input;      // at the slice's first element
  const void* depthwise;  // the whole packed kernel
  const void* mid_bias;
  const void* pointwise;                    // at the group's first panel
  const void* out_bias;                     // likewise
  const void* residual;                     // as the output
  void* output;                             // at the strip's first pixel and the group's first channel
  LeafAxis axis[SEPCONV_MAX_SPATIAL_RANK];  // outermost first, like all axes of the runtime
  int32_t in_channels;
  int32_t input_channel_pitch;  // elements from one channel to the next
  int32_t chunks;               // Q
  int32_t packed_channels;      // extent of k
  int32_t panels;               // of the group
  int32_t out_channels;         // of the group
  int32_t output_pixels;        // extent of p, at least the variant's tile_pixels
  int32_t output_pitch;         // elements from one pixel to the next; channels_first: from one channel to the next
  int32_t residual_pitch;       // likewise
  int32_t depth_multiplier, sum_channels, sum_block;
  uint64_t ahead;                   // address of what the next task reads
  int32_t ahead_lines;              // cache lines of it
  int32_t output_is_large;          // 1: the output will hardly be in a core's caches
  sepconv_activation in, mid, out;  // as leaf_activation has them
  // Of int8.
  const void *mid_scale = nullptr, *out_scale = nullptr;  // out_scale at the group's first channel
  int32_t scale_length = 0;                               // of a row of out_scale
  QuantisedNumbers quantised;
};

// Calls the variant's entry. Returns what it returns: 0 for success.
int call_variant(const sepconv_variant& variant, const LeafCall& call);

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_HALIDE_BRIDGE_H
