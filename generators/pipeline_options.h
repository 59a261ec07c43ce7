// The shape of the algorithm that a variant or its schedule asks for. What a schedule may choose leaves the result the
// same.
#ifndef SEPCONV_GENERATORS_PIPELINE_OPTIONS_H
#define SEPCONV_GENERATORS_PIPELINE_OPTIONS_H

#include <cstdint>
#include <vector>

#include "parameters.h"

namespace sepconv {

// The products of the pointwise stage. Instructions that sum products of small integers take `group` neighbouring ones
// a lane: so many neighbouring steps of the channel sum are packed together.
struct DotProduct {
  int group = 1;
  Halide::Type data;    // of the intermediate; integers have `offset` added
  Halide::Type weight;  // what a packed weight is made before it is multiplied
  Halide::Type sum;
  int offset = 0;
  bool quantised() const { return data.is_int_or_uint(); }
};

// With channels first only.
struct ChannelsFirstOptions {
  int depthwise_rows = 1;       // rows of one depthwise register tile
  bool phases = false;          // the stride along x is not known to be 1
  bool panel_lanes = false;     // the pointwise stage's vectors run along the output channels
  int64_t known_width = 0;      // samples of the image along x, 0 for any number
  int64_t usual_width = 0;      // outputs along x with the usual padding, 0 for any number
  std::vector<int> usual_pads;  // zeros before the image along x that come with it
};

struct PipelineOptions {
  int vector = 8;                // lanes of the staged copy: the granule in which channels past the last are cut off
  int sum_vector = 8;            // lanes of the pointwise stage
  int chunk = 16;                // L, channels of one packed chunk
  int panel = 16;                // output channels of one panel
  int tile_pixels = 6;           // pixels of one register tile of the pointwise stage
  int depthwise_tile = 4;        // T, pixels along x of one depthwise register tile
  int sum_unroll = 4;            // steps of the channel sum in its inner loop
  bool one_block = false;        // the whole channel sum fits one block: no partial sums
  bool depthwise_only = false;   // no pointwise stage
  bool all_activations = false;  // not the clamps alone
  bool input_activation = true;  // false: the input is taken as it is
  bool guarded_taps = false;     // no staged input: each tap is left out where it reads beside the image
  bool loads_kernel = false;    // depthwise weights are loaded before the taps read them, and widened if they are small
  bool widened_panels = false;  // those of a panel are widened before its sums read them
  bool channels_first = false;  // x is the dense axis of input, residual and output
  DotProduct dot;
  ChannelsFirstOptions nchw;
};

PipelineOptions pipeline_options(const VariantName& name, const ScheduleParameters& parameters,
                                 const Halide::Target& target);

// Samples along x of the images of a variant with channels first, whose rows it gets whole; 0 for any number.
int64_t known_width(const VariantName& name);

}  // namespace sepconv

#endif
