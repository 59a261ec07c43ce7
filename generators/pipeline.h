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
// q*L + l; runtime/include/sepconv/variant_table.h describes it, and leaf_arguments.inc every argument.
//
// channels_first_stages.h says what differs with channels first.
//
// Variants that compute the depthwise stage alone end at flat, a chunk of input channels at a time: output(m, c, p) =
// flat(m*L + c%L, p, c/L).
#ifndef SEPCONV_GENERATORS_PIPELINE_H
#define SEPCONV_GENERATORS_PIPELINE_H

#include <cstdint>
#include <vector>

#include "Halide.h"
#include "activation.h"
#include "channels_first_stages.h"
#include "pipeline_options.h"
#include "requantise.h"

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
  Requantiser mid_requantiser, out_requantiser;  // of 8-bit integers; their clamps stand for mid_act and out_act
};

// The domain over which `flat` is written, one variable for each coordinate of what is stored there.
struct Scatter {
  Halide::RVar pixel, tile, lane, multiplier, group;  // i, t, l, m, g
  Halide::RVar row;                                   // channels_first: of a tile of rows
  std::vector<Halide::RVar> outer;                    // y...; channels_first: tiles of y, z
};

// The stages of one sum block; schedules name them.
struct BlockStages {
  Halide::Func staged, taps, flat;
  PointwiseSum pointwise;
  Halide::Func kernel;                // loads_kernel: the depthwise weights, in packed order
  Halide::RDom input_pass, mid_pass;  // all_activations: the passes of the input's and of the middle activation
  Halide::RDom tap;
  Scatter scatter;
  ChannelsFirstBlock nchw;
};

struct Stages {
  Halide::Var f{"f"}, p{"p"}, panel{"panel"}, k{"k"}, l{"l"}, m{"m"}, g{"g"}, h{"h"}, i{"i"}, t{"t"}, b{"b"}, c{"c"};
  std::vector<Halide::Var> x;  // spatial coordinates of the staged input
  std::vector<Halide::Var> y;  // strip coordinates of the outer axes (1, 2)
  PipelineOptions options;
  BlockStages last;      // the block that goes to the output
  BlockStages other;     // the blocks before it; undefined with one_block
  Halide::Func partial;  // undefined with one_block
  Halide::RDom blocks;   // over the blocks before the last
  Halide::Expr block_count, multiplier;
  Halide::Expr whole_vectors;  // C is a multiple of the vector
  Halide::Expr width, pad;     // along x, of the strip and before the image
  Halide::RDom out_pass;       // all_activations: the pass of the output's activation
  // The finished sums of a tile, (f, p, panel), where what is made of them takes loops of its own: they are turned
  // (panel_lanes), or requantised in many instructions. Else undefined.
  Halide::Func done;
  Halide::Expr output;  // a function of f and p; with depthwise_only of m, c and p
  Halide::Expr ahead, ahead_lines, output_is_large;
  ChannelsFirstStages nchw;
};

Stages make_pipeline(const PipelineInputs& inputs, const PipelineOptions& options, int rank, Halide::Type type);

}  // namespace sepconv

#endif
