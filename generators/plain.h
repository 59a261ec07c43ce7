// The algorithm in its plainest form, for Halide's autoschedulers, which are what the tuner is measured against: no
// shape that a schedule of ours asks for, but the arguments, the packed arrays and the tasks of every variant, so that
// the same program runs and checks it.
#ifndef SEPCONV_GENERATORS_PLAIN_H
#define SEPCONV_GENERATORS_PLAIN_H

#include "pipeline.h"

namespace sepconv {

// output(f, p), of variants with channels last and a depth multiplier of 1.
Halide::Expr plain_output(const PipelineInputs& inputs, const PipelineOptions& options, const Halide::Var& f,
                          const Halide::Var& p, Halide::Type type);

}  // namespace sepconv

#endif
