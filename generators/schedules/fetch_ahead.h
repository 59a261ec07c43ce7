// Asking for memory before it is needed. A task computes on memory that its predecessor has brought near: while the
// multiply-adds of the pointwise stage keep the core busy and its memory ports idle, the cache lines of the next task's
// input are asked for, a few with each register tile, and the lines that the tile itself will write.
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

// Adds to the pipeline's lowering: where `condition` holds, each iteration of `loop` begins with prefetches of the
// cache lines that its stores to `buffer` will touch, so that they are there when the sums are.
void fetch_stores(Halide::Pipeline pipeline, const std::string& loop, const std::string& buffer,
                  const Halide::Expr& condition);

}  // namespace sepconv

#endif
