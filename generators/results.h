// What the sums of the two stages become: with a bias and an activation, or requantised. Part of pipeline.h.
#ifndef SEPCONV_GENERATORS_RESULTS_H
#define SEPCONV_GENERATORS_RESULTS_H

#include "pipeline.h"

namespace sepconv {

// What the sums of the depthwise stage begin with, channels first: the bias. That of integers is added later, as the
// sums are float32, in which it may not be exact.
Halide::Expr start_of_taps(const PipelineInputs& inputs, const PipelineOptions& options, const Halide::Expr& channel);

// The intermediate from the sum of the taps of `channel`, in packed order.
Halide::Expr middle_value(const PipelineInputs& inputs, const PipelineOptions& options, const Halide::Expr& taps,
                          const Halide::Expr& channel);

// The output from its channel's sum, bias included.
Halide::Expr output_value(const PipelineInputs& inputs, const PipelineOptions& options, const Halide::Expr& sum,
                          const Halide::Expr& channel, const Halide::Expr& residual);

}  // namespace sepconv

#endif
