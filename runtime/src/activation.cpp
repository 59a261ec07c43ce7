// Activations as variants take them: kinds, and the bounds of clamps.
#include <math.h>

#include "problem.h"

namespace sepconv::internal {

sepconv_activation leaf_activation(const sepconv_activation& activation) {
  switch (activation.kind) {
    case SEPCONV_ACTIVATION_RELU:
      return {SEPCONV_ACTIVATION_CLAMP, 0.0f, INFINITY};
    case SEPCONV_ACTIVATION_RELU6:
      return {SEPCONV_ACTIVATION_CLAMP, 0.0f, 6.0f};
    case SEPCONV_ACTIVATION_CLAMP:
      return activation;
    case SEPCONV_ACTIVATION_NONE:
      return {SEPCONV_ACTIVATION_CLAMP, -INFINITY, INFINITY};
    default:
      return {activation.kind, -INFINITY, INFINITY};
  }
}

bool is_clamp(const sepconv_activation& activation) { return activation.kind <= SEPCONV_ACTIVATION_CLAMP; }

}  // namespace sepconv::internal
