// The algorithm: one task of a separable convolution, for any rank, layout and type, with no scheduling call in it.
//
// A task computes a strip (a box of output pixels of one image) for a range of output channels. The index formulas, two
// axes:
//
//   staged(l, x, y, g)        = in_act(input(g*L + l, x, y)), 0 outside the image or past the last channel
//   taps(l, i, t, y, m, g)    = sum over taps of
//                               staged(l, (x0+t*T+i)*sx + rx*dx - pad_x, ..., g) * depthwise(l, rx, ry, q)
//   flat(k, p, b)             = mid_act(taps + mid_bias) at p = t*T+i + strip_extent_x*y    (k counts inside block b)
//   sum(f, p, panel, b)       = sum over k in block b of flat(k, p, b) * pointwise(f, k, panel)
//   partial(f, p, panel)      = sum over all blocks but the last
//   output(f, p)              = out_act(out_bias + partial + sum of the last block + residual)
//
// In packed channel order g numbers the chunks of L input channels, q = g*M + m those of the intermediate, and k =
// q*L + l; runtime/include/sepconv/variant_table.h describes it, and every argument.
//
// With channels_first taps begins with mid_bias, x0 and y are those of tiles that move back to end with the strip, and,
// where the stride is not known to be 1, the staged samples are cut into its phases, so that neighbouring outputs read
// neighbouring samples: staged(x, h, y, l, g) is the sample at x*sx + h - pad_x.
//
// Rows that compute the depthwise stage alone end at flat, a chunk of input channels at a time: output(m, c, p) =
// flat(m*L + c%L, p, c/L).
#ifndef SEPCONV_GENERATORS_PIPELINE_H
#define SEPCONV_GENERATORS_PIPELINE_H

#include <cstdint>
#include <vector>

#include "Halide.h"
#include "activation.h"

namespace sepconv {

// Innermost axis (x) first, as Halide has it.
struct Axis {
  Halide::Expr kernel, stride, dilation, pad_before, strip_min, strip_extent;
};

struct PipelineInputs {
  // input: c, x, y... (channels first: x, y..., c); residual: f, p (channels first: p, f).
  Halide::Func input, depthwise, mid_bias, pointwise, out_bias, residual;
  Halide::Expr in_channels;                           // C
  std::vector<Halide::Expr> image_min, image_extent;  // per axis: what of the image is there
  std::vector<Axis> axes;
  Halide::Expr multiplier, sum_channels, sum_block;
  Halide::Expr output_pixels;       // extent of p
  Halide::Expr ahead, ahead_lines;  // address and cache lines of what the next task reads
  Halide::Expr output_is_large;     // 1: the output will hardly be in a core's caches
  Activation in_act, mid_act, out_act;
};

// The shape of the algorithm that a row or its schedule asks for. What a schedule may choose leaves the result the
// same.
struct PipelineOptions {
  int vector = 8;                // lanes of the staged copy: the granule in which channels past the last are cut off
  int sum_vector = 8;            // lanes of the pointwise stage
  int chunk = 16;                // L, channels of one packed chunk
  int panel = 16;                // output channels of one panel
  int tile_pixels = 6;           // pixels of one register tile of the pointwise stage
  int depthwise_tile = 4;        // T, pixels along x of one depthwise register tile
  int depthwise_rows = 1;        // channels_first: R, rows of one depthwise register tile
  int sum_unroll = 4;            // steps of the channel sum in its inner loop
  bool one_block = false;        // the whole channel sum fits one block: no partial sums
  bool channels_first = false;   // x is the dense axis of input, residual and output
  bool depthwise_only = false;   // no pointwise stage
  bool phases = false;           // channels_first: the stride along x is not known to be 1
  bool panel_lanes = false;      // channels_first: the pointwise stage's vectors run along the output channels
  int64_t known_width = 0;       // channels_first: samples of the image along x, 0 for any number
  int64_t usual_width = 0;       // channels_first: outputs along x with the usual padding, 0 for any number
  std::vector<int> usual_pads;   // zeros before the image along x that come with it
  bool curves = false;           // activations that are no clamps, too
  bool input_activation = true;  // false: the input is taken as it is
  bool masked_taps = false;      // no staged input: each tap is left out where it reads beside the image
};

// The domain over which `flat` is written, one variable for each coordinate of what is stored there.
struct Scatter {
  Halide::RVar pixel, tile, lane, multiplier, group;  // i, t, l, m, g
  Halide::RVar row;                                   // channels_first: of a tile of rows
  std::vector<Halide::RVar> outer;                    // y...; channels_first: tiles of y, z
};

// channels_first: the pixels of the output in whole register tiles, and half a tile where that is enough for the last
// ones; x runs inside a tile. The last tile of either kind moves back to end with the strip.
struct PixelTiles {
  Halide::RDom main, tail;
};

// The stages of one sum block; schedules name them.
struct BlockStages {
  Halide::Func staged, taps, flat, sum;
  Halide::Func weights;    // masked_taps: those of a tap, in packed order
  Halide::Func row;        // channels_first: the samples before they are cut into phases, if they are; else `staged`
  Halide::RDom zeros;      // channels_first: of the padding in `row`, its first update; x: the lane
  Halide::Func zeros_due;  // channels_first: whether a channel writes them; undefined: each does
  std::vector<Halide::RDom> copies;  // channels_first: of the copies to `row`, one after the other; x: the lane
  Halide::Expr row_pitch;            // channels_first: elements of a row of `row`
  Halide::Type type;
  Halide::RDom curve_pass, mid_pass;  // with curves: the passes of the input's and of the middle activation
  Halide::Func tap_shift, tap_phase;  // with phases: where along x a tap reads
  Halide::RDom tap, k;
  Scatter scatter;
};

struct Stages {
  Halide::Var f{"f"}, p{"p"}, panel{"panel"}, k{"k"}, l{"l"}, m{"m"}, g{"g"}, h{"h"}, i{"i"}, t{"t"}, b{"b"}, c{"c"};
  std::vector<Halide::Var> x;  // spatial coordinates of the staged input
  std::vector<Halide::Var> y;  // strip coordinates of the outer axes (1, 2)
  PipelineOptions options;
  BlockStages last;       // the block that goes to the output
  Halide::Func tail_sum;  // channels_first: the sum of that block for the tail of the pixels
  Halide::RDom tail_k;
  PixelTiles tiles;      // channels_first
  BlockStages other;     // the blocks before it; undefined with one_block
  Halide::Func partial;  // undefined with one_block
  Halide::Func done;     // panel_lanes: the output but for residual and activation, (f, p, panel); else undefined
  Halide::RDom blocks;   // over the blocks before the last
  Halide::Expr block_count, multiplier;
  Halide::Expr whole_vectors;  // C is a multiple of the vector
  Halide::Expr width, pad;     // along x, of the strip and before the image
  Halide::RDom out_pass;       // with curves: the pass of the output's activation
  Halide::Expr output;         // a function of f and p; with depthwise_only of m, c and p
  Halide::Expr ahead, ahead_lines, output_is_large;
  Halide::Expr tile_pixel, tail_pixel;    // channels_first: the pixels of tiles.main and tiles.tail, and
  Halide::Expr tile_output, tail_output;  // the output there, functions of f
};

Stages make_pipeline(const PipelineInputs& inputs, const PipelineOptions& options, int rank, Halide::Type type);

}  // namespace sepconv

#endif
