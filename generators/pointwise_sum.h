// The sum over the channels of one block, and what it reads of the pointwise kernel.
#ifndef SEPCONV_GENERATORS_POINTWISE_SUM_H
#define SEPCONV_GENERATORS_POINTWISE_SUM_H

#include <string>
#include <vector>

#include "Halide.h"
#include "pipeline_options.h"

namespace sepconv {

struct PointwiseSum {
  Halide::Func sum;  // (f, p, panel, block)
  // Its loops: over the neighbouring products that one lane of an instruction sums, if it sums several; over the
  // unrolled steps of those; over the rest.
  bool grouped = false;
  Halide::RVar group, unrolled, outer;
  // widened_panels: the weights of a panel, one after the other as they are packed; channels count inside the block.
  Halide::Func panel;
  Halide::Var at{"at"};
};

// What the sum reads.
struct PointwiseOperands {
  Halide::Func flat;           // (k, p, block); k counts inside the block
  Halide::Func weights;        // as they are packed: (lane, group of channels, panel)
  Halide::Expr first, length;  // the block's channels
  Halide::Var f, p, panel;
  std::vector<Halide::Var> block;  // a variable, or none: the last block
};

PointwiseSum make_pointwise_sum(const PointwiseOperands& operands, const PipelineOptions& options,
                                const std::string& name);

}  // namespace sepconv

#endif
