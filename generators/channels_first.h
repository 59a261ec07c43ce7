// channels_first's shape of the algorithm: vectors run along the pixels. Part of pipeline.h.
#ifndef SEPCONV_GENERATORS_CHANNELS_FIRST_H
#define SEPCONV_GENERATORS_CHANNELS_FIRST_H

#include <string>
#include <vector>

#include "pipeline.h"

namespace sepconv {

// Defines block->flat, taps and scatter; make_pipeline has the meaning of the arguments.
void make_flat_channels_first(const Stages& stages, const PipelineInputs& inputs, const std::string& suffix,
                              const Halide::Expr& index, const Halide::Expr& length,
                              const std::vector<Halide::Var>& variable, Halide::Type type, BlockStages* block);

// Defines block->staged (and row, zeros, copies...). The block's tap domain is there already.
void make_staged_channels_first(const Stages& stages, const PipelineInputs& inputs, const std::string& suffix,
                                Halide::Type type, BlockStages* block);

// What tap block.tap of the output at x = `out_x` (and the outer axes' outputs) reads.
Halide::Expr staged_sample_channels_first(const Stages& stages, const PipelineInputs& inputs, const BlockStages& block,
                                          const Halide::Expr& out_x);

}  // namespace sepconv

#endif
