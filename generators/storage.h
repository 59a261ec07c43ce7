// What the tensors of a variant hold, beside the type that it computes in: float16 and bfloat16 are numbers of 16 bits
// to the compiled code, which makes float32 of each where it is loaded, and rounds each result once where it is stored.
// So no machine need have arithmetic of that type, nor know it.
#ifndef SEPCONV_GENERATORS_STORAGE_H
#define SEPCONV_GENERATORS_STORAGE_H

#include "Halide.h"

namespace sepconv {

struct Storage {
  Halide::Type type = Halide::Float(32);  // a float, or int8
  bool converts = false;                  // the machine has instructions for float16, so none need be written out

  bool halves() const { return type.bits() == 16; }

  // Of a tensor's elements, as the compiled code sees them.
  Halide::Type stored() const { return halves() ? Halide::UInt(16) : type; }

  // The tensor in the type that is computed in, element by element.
  Halide::Func widened(const Halide::Func& tensor) const;

  // An element as a float32: exact.
  Halide::Expr widen(const Halide::Expr& element) const;

  // The element nearest to a float32, of two the even one; past the largest an infinity; a NaN stays one.
  Halide::Expr narrow(const Halide::Expr& value) const;
};

// Tensors of `type`, for code of the target.
Storage storage_for(const Halide::Type& type, const Halide::Target& target);

}  // namespace sepconv

#endif
