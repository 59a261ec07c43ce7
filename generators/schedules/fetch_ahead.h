// Asking for memory before it is needed. A task computes on memory that its predecessor has brought near: while the
// multiply-adds of the pointwise stage keep the core busy and its memory ports idle, the cache lines of the next task's
// input are asked for, a few with each register tile.
#ifndef SEPCONV_GENERATORS_SCHEDULES_FETCH_AHEAD_H
#define SEPCONV_GENERATORS_SCHEDULES_FETCH_AHEAD_H

#include <string>

#include "Halide.h"

namespace sepconv {

// Adds to the pipeline's lowering: each iteration of the loop `inner`, nested in `outer`, prefetches its share of the
// `lines` cache lines at `address`. The loops are named as Halide names them, without a prefix for specializations.
// Halide's own Func::prefetch cannot say this: what is asked for is not what the loop reads, nor a part of any Func.
void fetch_ahead(Halide::Pipeline pipeline, const std::string& outer, const std::string& inner,
                 const Halide::Expr& address, const Halide::Expr& lines);

}  // namespace sepconv

#endif
