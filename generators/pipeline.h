// The algorithm: one task of a separable convolution, for any rank and type, with no scheduling call in it.
//
// A task computes a strip (a box of output pixels of one image) for a range of output channels. The index formulas, two
// axes:
//
//   staged(l, x, y, q)     = input(channel(q, l), x, y), 0 outside the image or past the last channel
//   taps(l, i, j, t, y, q) = sum over taps of
//                            staged(l, (x0+t*T+i)*sx + rx*dx - pad_x, ..., q) * depthwise(l, rx, ry, q)
//   flat(k, p, b)          = act(taps + mid_bias) at p = t*T+i + strip_extent_x*y      (k counts inside sum block b)
//   sum(f, p, panel, b)    = sum over k in block b of flat(k, p, b) * pointwise(f, k, panel)
//   partial(f, p, panel)   = sum over all blocks but the last
//   output(f, p)           = act(out_bias + partial + sum of the last block)
//
// The packed channel order (chunks of L channels, q = c/L * M + m) and every argument are described in
// runtime/include/sepconv/variant_table.h.
#ifndef SEPCONV_GENERATORS_PIPELINE_H
#define SEPCONV_GENERATORS_PIPELINE_H

#include <cstdint>
#include <vector>

#include "Halide.h"

namespace sepconv {

// Innermost axis (x) first, as Halide has it.
struct Axis {
  Halide::Expr kernel, stride, dilation, pad_before, strip_min, strip_extent;
};

struct PipelineInputs {
  Halide::Func input, depthwise, mid_bias, pointwise, out_bias;
  Halide::Expr in_channels;                           // C
  std::vector<Halide::Expr> image_min, image_extent;  // per axis: what of the image is there
  std::vector<Axis> axes;
  Halide::Expr multiplier, sum_channels, sum_block;
  Halide::Expr mid_lo, mid_hi, out_lo, out_hi;
  Halide::Expr ahead, ahead_lines;  // address and cache lines of what the next task reads
};

// The shape of the algorithm that a schedule asks for. Every value leaves the result the same.
struct PipelineOptions {
  int vector = 8;          // lanes of the depthwise stage: the granule in which channels past the last are cut off
  int chunk = 16;          // L, channels of one packed chunk
  int panel = 16;          // output channels of one panel
  int depthwise_tile = 4;  // T, pixels along x of one depthwise register tile
  int sum_unroll = 4;      // steps of the channel sum in its inner loop
  bool one_block = false;  // the whole channel sum fits one block: no partial sums
};

// The stages of one sum block; schedules name them.
struct BlockStages {
  Halide::Func staged, taps, flat, sum;
  Halide::RDom tap, scatter, k;
};

struct Stages {
  Halide::Var f{"f"}, p{"p"}, panel{"panel"}, k{"k"}, l{"l"}, q{"q"}, i{"i"}, t{"t"}, b{"b"};
  std::vector<Halide::Var> x;  // spatial coordinates of the staged input
  std::vector<Halide::Var> y;  // strip coordinates of the outer axes (1, 2)
  BlockStages last;            // the block that goes to the output
  BlockStages other;           // the blocks before it; undefined with one_block
  Halide::Func partial;        // undefined with one_block
  Halide::RDom blocks;         // over the blocks before the last
  Halide::Expr block_count;
  Halide::Expr whole_vectors;  // C is a multiple of the vector
  Halide::Expr output;         // a function of f and p
  Halide::Expr ahead, ahead_lines;
};

Stages make_pipeline(const PipelineInputs& inputs, const PipelineOptions& options, int rank, Halide::Type type);

}  // namespace sepconv

#endif
