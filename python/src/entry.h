/* What sepconv's Python module offers to code that is compiled apart from it: TensorFlow's operation, whose binary
   interface is that of one TensorFlow. sepconv._native.entry() is the address of a sepconv_entry. Plain C. */
#ifndef SEPCONV_PYTHON_ENTRY_H
#define SEPCONV_PYTHON_ENTRY_H

#include <stdint.h>

#define SEPCONV_ENTRY_VERSION 3
#define SEPCONV_ENTRY_MAX_RANK 5

#ifdef __cplusplus
extern "C" {
#endif

/* The types of tensors: SEPCONV_ENTRY_F16 and so on. */
enum {
#define SEPCONV_TENSOR_TYPE(enumerator, ...) SEPCONV_ENTRY_##enumerator,
#include "types.inc"
  SEPCONV_ENTRY_TYPES
};

/* Extents outermost first; the elements are dense, row-major. */
typedef struct sepconv_entry_tensor {
  void* data;
  int32_t type, rank;
  int64_t extent[SEPCONV_ENTRY_MAX_RANK];
} sepconv_entry_tensor;

/* The arguments of sepconv.separable_conv. Lists have `*_count` entries, one a spatial axis or one for all; `pads` are
   those before and after each axis, for the padding "explicit". */
typedef struct sepconv_entry_call {
  sepconv_entry_tensor input, depthwise_kernel, pointwise_kernel; /* rank 0: a depthwise convolution only */
  const int64_t *strides, *dilation_rate, *pads;
  int64_t strides_count, dilation_rate_count, pads_count;
  const char *padding, *data_format;
} sepconv_entry_call;

/* Functions return NULL, or a sentence that is valid until this thread's next call. Data pointers of tensors may be
   NULL where only a shape is asked for. `output` gets its rank and extents from the *_shape functions, where an extent
   of -1 is not known: then nor is the output's; a rank of -1 is not known either. `state` is what a graph holds of a
   layer, for the process that loads it. */
typedef struct sepconv_entry {
  int32_t version;
  const char* (*conv_shape)(const sepconv_entry_call* call, sepconv_entry_tensor* output);
  const char* (*conv_run)(const sepconv_entry_call* call, const sepconv_entry_tensor* output);
  const char* (*layer_restore)(int64_t layer, const void* state, int64_t state_size); /* nothing, if it is there */
  const char* (*layer_shape)(int64_t layer, const sepconv_entry_tensor* input, sepconv_entry_tensor* output);
  const char* (*layer_run)(int64_t layer, const sepconv_entry_tensor* input, const sepconv_entry_tensor* residual,
                           const sepconv_entry_tensor* output); /* residual may be NULL */
} sepconv_entry;

#ifdef __cplusplus
}
#endif

#endif
