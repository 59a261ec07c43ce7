// What the taps read, channels_last: the staged input of one chunk (zero-padded, dense, with the input activation
// applied), or the input itself. Part of pipeline.h.
#ifndef SEPCONV_GENERATORS_STAGING_H
#define SEPCONV_GENERATORS_STAGING_H

#include <string>

#include "pipeline.h"

namespace sepconv {

// Defines block->staged. The block's tap domain is there already.
void make_staged(const Stages& stages, const PipelineInputs& inputs, const std::string& suffix, Halide::Type type,
                 BlockStages* block);

// With guarded_taps: what a tap of the output at x = `out_x` reads. Narrows `tap` to the taps that read the image.
Halide::Expr guarded_sample(const Stages& stages, const PipelineInputs& inputs, const Halide::Expr& out_x,
                            Halide::RDom* tap);

// The depthwise weights as the taps read them: in packed order, of the computed type. Defines block->kernel where they
// are loaded before.
Halide::Func depthwise_weights(const Stages& stages, const PipelineInputs& inputs, const std::string& suffix,
                               BlockStages* block);

// What tap `tap` of the output at x = `out` (and the outer axes' outputs and taps) reads.
Halide::Expr staged_sample(const Stages& stages, const PipelineInputs& inputs, const BlockStages& block,
                           const Halide::Expr& out_x);

}  // namespace sepconv

#endif
