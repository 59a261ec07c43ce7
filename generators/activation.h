// Activations as expressions. Clamps cost two instructions and are written into the stages; the others share one
// formula, so that a single vectorised pass computes whichever is asked for at run time.
#ifndef SEPCONV_GENERATORS_ACTIVATION_H
#define SEPCONV_GENERATORS_ACTIVATION_H

#include "Halide.h"

namespace sepconv {

// The arguments of one activation. `kind` is a sepconv_activation_kind: SEPCONV_ACTIVATION_CLAMP for everything that is
// a clamp. lo and hi are of the tensor's type; infinities where the kind is none of the clamps.
struct Activation {
  Halide::Expr kind, lo, hi;
};

// clamp(value, lo, hi), written so that a NaN passes through.
Halide::Expr clamp_activation(const Halide::Expr& value, const Activation& activation);

// Swish, hard swish, sigmoid, tanh or GELU of a float32 or float64, by activation.kind; no libm. Finite inputs give
// finite results, infinite ones the limits except where the formula in sepconv.h has none.
Halide::Expr general_activation(const Halide::Expr& value, const Activation& activation);

// `clamped`, or general_activation of it if the activation is none of the clamps: a branch, so that clamps do not pay.
Halide::Expr any_activation(const Halide::Expr& clamped, const Activation& activation);

// 1 if the activation is one of those, 0 if it is a clamp: the extent of a pass that only they need.
Halide::Expr general_passes(const Activation& activation);

// `value` as the right side of an update that is done once for each element of `pass`.
Halide::Expr in_pass(const Halide::RDom& pass, const Halide::Expr& value);

}  // namespace sepconv

#endif
