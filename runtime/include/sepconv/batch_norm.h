/// @file
/// Batch normalisations, folded into the weights in front of them. A part of sepconv.h.
#ifndef SEPCONV_BATCH_NORM_H
#define SEPCONV_BATCH_NORM_H

#include "sepconv/sepconv.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Where a batch normalisation stands: after the depthwise stage (C*M channels), or after the pointwise one (F).
typedef enum sepconv_position {
  SEPCONV_POSITION_MID = 0,
  SEPCONV_POSITION_OUT = 1,
  SEPCONV_POSITION_COUNT
} sepconv_position;

/// The parameters of a batch normalisation, y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, each one number a
/// channel, weight_dtype. NULL means what Keras starts from: gamma 1, beta 0, mean 0, variance 1.
/// sepconv_batch_norm_init sets those, and epsilon 1e-3.
typedef struct sepconv_batch_norm {
  size_t struct_size;
  const void *gamma, *beta, *mean, *variance;
  double epsilon;
} sepconv_batch_norm;

SEPCONV_API void sepconv_batch_norm_init(sepconv_batch_norm* norm, size_t struct_size);

/// Folds a batch normalisation, which stands before the activation of its position, into the weights in front of it.
/// With scale = gamma / sqrt(variance + epsilon), computed in double precision:
///
///     kernel[..., channel] *= scale[channel]         the depthwise kernel at MID, the pointwise one at OUT
///     bias[channel] = (bias[channel] - mean[channel]) * scale[channel] + beta[channel]
///
/// `kernel` and `bias` are in Keras's layouts and changed in place, so neither overlaps anything else that is passed.
/// The bias always results, so the problem has one then; where the layer had none before, pass zeros. Errors:
/// SEPCONV_INVALID_ARGUMENT (such as a variance + epsilon that is not positive; nothing was written),
/// SEPCONV_UNSUPPORTED (weights other than float32 and float64).
SEPCONV_API sepconv_status sepconv_fold_batch_norm(const sepconv_problem* problem, sepconv_position position,
                                                   const sepconv_batch_norm* norm, void* kernel, void* bias);

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // SEPCONV_BATCH_NORM_H
