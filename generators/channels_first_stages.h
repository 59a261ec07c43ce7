// What only the algorithm with channels first has, beside pipeline.h. There vectors run along the pixels: the depthwise
// stage stages one channel at a time, and writes tiles that move back to end with the strip.
//
//   taps(l, i, t, y, m, g)    begins with mid_bias; x0 and y are those of such tiles
//   staged(x, h, y, l, g)     where the stride is not known to be 1 the samples are cut into its phases, so that
//                             neighbouring outputs read neighbouring samples: h is the phase, the sample that at
//                             x*sx + h - pad_x
#ifndef SEPCONV_GENERATORS_CHANNELS_FIRST_STAGES_H
#define SEPCONV_GENERATORS_CHANNELS_FIRST_STAGES_H

#include <vector>

#include "Halide.h"
#include "pointwise_sum.h"

namespace sepconv {

// How the staged samples of one block come to be; schedules name them.
struct ChannelsFirstBlock {
  Halide::Func row;                  // the samples before they are cut into phases, if they are; else `staged`
  Halide::RDom zeros;                // of the padding in `row`, its first update; x: the lane
  Halide::Func zeros_due;            // whether a channel writes them; undefined: each does
  std::vector<Halide::RDom> copies;  // of the copies to `row`, one after the other; x: the lane
  Halide::Expr row_pitch;            // elements of a row of `row`
  Halide::Type type;
  Halide::Func tap_shift, tap_phase;  // where along x a tap reads, if the phases are not known
};

// The pixels of the output in register tiles of one width, and the sum there; x of `pixels` runs inside a tile. The
// last tile moves back to end with the strip.
struct PixelTiles {
  Halide::RDom pixels;
  Halide::Expr pixel, output;  // functions of f
  PointwiseSum pointwise;
};

struct ChannelsFirstStages {
  PixelTiles main, tail;  // whole tiles, and one vector where that is enough for the last pixels; not with panel_lanes
};

}  // namespace sepconv

#endif
