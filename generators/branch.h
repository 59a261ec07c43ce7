#ifndef SEPCONV_GENERATORS_BRANCH_H
#define SEPCONV_GENERATORS_BRANCH_H

#include "Halide.h"

namespace sepconv {

// `yes` or `no`, whichever the condition, a scalar, asks for: only that one is computed, where a select computes both.
inline Halide::Expr branch(const Halide::Expr& condition, const Halide::Expr& yes, const Halide::Expr& no) {
  using Halide::Internal::Call;
  return Call::make(yes.type(), Call::if_then_else, {condition, yes, no}, Call::PureIntrinsic);
}

}  // namespace sepconv

#endif
