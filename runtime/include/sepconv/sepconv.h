/// @file
/// sepconv: separable convolution (a depthwise convolution followed by a pointwise one), compiled ahead of time.
///
/// The operation, channels last, two spatial axes (X outside the image reads as 0):
///
///     D[n,i,j, c*M+m] = mid_act(mid_bias[c*M+m] + sum over p<KH, q<KW of
///                               X[n, i*sH - padT + p*dH, j*sW - padL + q*dW, c] * DW[p,q,c,m])
///     Y[n,i,j, f]     = out_act(out_bias[f] + sum over k<C*M of D[n,i,j,k] * PW[k,f])
///
/// Life cycle: register the libraries of variants, describe a problem, create a plan, pack the weights once, run as
/// often as you like. The functions below stand in this order. GPUs (device.h), streams (stream.h) and batch
/// normalisations (batch_norm.h) have headers of their own, which this one includes.
///
/// Conventions of this header
///   * Extents and pitches are int64, in elements, outermost axis first (depth, height, width; rank 1 uses index 0).
///   * Every struct begins with struct_size and only ever grows at its end. `*_init(ptr, sizeof *ptr)` fills the
///     defaults.
///   * Functions return a status; sepconv_last_error() then holds one sentence that names the argument and its value.
///   * Everything is validated before the first write. The library never aborts, prints, or starts a thread.
///   * Using a field for something that is not implemented yet gives SEPCONV_UNSUPPORTED.
///   * Enumerations end in a _COUNT, the number of values of this version; later versions add values before it.
#ifndef SEPCONV_SEPCONV_H
#define SEPCONV_SEPCONV_H

#include <stddef.h>
#include <stdint.h>

#define SEPCONV_VERSION_MAJOR 0
#define SEPCONV_VERSION_MINOR 1
#define SEPCONV_VERSION_PATCH 0

#if defined(SEPCONV_SHARED) && (defined(__GNUC__) || defined(__clang__))
#define SEPCONV_API __attribute__((visibility("default")))
#else
#define SEPCONV_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/// The largest number of spatial axes a problem can have.
#define SEPCONV_MAX_SPATIAL_RANK 3

/// The largest number of workers of one run.
#define SEPCONV_MAX_THREADS 1024

typedef enum sepconv_status {
  SEPCONV_OK = 0,
  SEPCONV_INVALID_ARGUMENT = 1,  ///< an argument breaks a rule of the operation; nothing was written
  SEPCONV_UNSUPPORTED = 2,       ///< legal, but not implemented yet, or no registered variant can run it here
  SEPCONV_OUT_OF_MEMORY = 3,     ///< an allocation failed; nothing was written
  SEPCONV_BAD_PACKED = 4,        ///< packed weights are of another plan, another version, or damaged
  SEPCONV_TASK_FAILED = 5,       ///< the caller's parallel_for failed, or broke its rules; the output is not complete
  SEPCONV_NO_DEVICE = 6,         ///< this machine has no such device (options.device), or no driver for it
  SEPCONV_DEVICE_FAILED = 7,     ///< the device's driver reported an error
  SEPCONV_BAD_STATE = 8,         ///< a saved state is of another plan, another version, or damaged; nothing was changed
  SEPCONV_STATUS_COUNT
} sepconv_status;

typedef enum sepconv_layout {
  SEPCONV_LAYOUT_CHANNELS_LAST = 0,   ///< (batch, spatial..., channels)
  SEPCONV_LAYOUT_CHANNELS_FIRST = 1,  ///< (batch, channels, spatial...)
  SEPCONV_LAYOUT_COUNT
} sepconv_layout;

typedef enum sepconv_padding {
  SEPCONV_PADDING_VALID = 0,     ///< no padding: out = floor((n - ((k-1)*d+1)) / s) + 1
  SEPCONV_PADDING_SAME = 1,      ///< out = ceil(n / s); the odd zero goes at the end, as in Keras
  SEPCONV_PADDING_CAUSAL = 2,    ///< rank 1: d*(k-1) zeros before the time axis
  SEPCONV_PADDING_EXPLICIT = 3,  ///< pad_before and pad_after, per axis
  SEPCONV_PADDING_COUNT
} sepconv_padding;

typedef enum sepconv_dtype {
  SEPCONV_DTYPE_F32 = 0,
  SEPCONV_DTYPE_F64 = 1,
  SEPCONV_DTYPE_F16 = 2,
  SEPCONV_DTYPE_BF16 = 3,
  SEPCONV_DTYPE_I8 = 4,
  SEPCONV_DTYPE_U8 = 5,
  SEPCONV_DTYPE_I32 = 6,
  SEPCONV_DTYPE_COUNT
} sepconv_dtype;

typedef enum sepconv_activation_kind {
  SEPCONV_ACTIVATION_NONE = 0,
  SEPCONV_ACTIVATION_RELU = 1,        ///< max(x, 0)
  SEPCONV_ACTIVATION_RELU6 = 2,       ///< min(max(x, 0), 6)
  SEPCONV_ACTIVATION_CLAMP = 3,       ///< min(max(x, lo), hi), lo <= hi
  SEPCONV_ACTIVATION_SWISH = 4,       ///< x * sigmoid(x), also known as SiLU
  SEPCONV_ACTIVATION_HARD_SWISH = 5,  ///< x * min(max(x + 3, 0), 6) / 6
  SEPCONV_ACTIVATION_SIGMOID = 6,     ///< 1 / (1 + exp(-x))
  SEPCONV_ACTIVATION_TANH = 7,
  SEPCONV_ACTIVATION_GELU = 8,  ///< x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3)))
  SEPCONV_ACTIVATION_COUNT
} sepconv_activation_kind;

/// Which of the two stages a problem has. Networks that put more than an activation between them (squeeze and excite, a
/// layer norm) call one stage at a time.
typedef enum sepconv_stages {
  SEPCONV_STAGES_BOTH = 0,
  SEPCONV_STAGES_DEPTHWISE = 1,  ///< Y = mid_act(mid_bias + taps): out_channels is C*M (or 0, which means that); no
                                 ///< pointwise kernel, output bias, output activation or residual
  SEPCONV_STAGES_POINTWISE = 2,  ///< D = in_act(X): kernel_extent and dilation are 1 (or 0, which means that),
                                 ///< depth_multiplier 1; no depthwise kernel, mid bias or mid activation
  SEPCONV_STAGES_COUNT
} sepconv_stages;

typedef enum sepconv_device {
  SEPCONV_DEVICE_CPU = 0,
  SEPCONV_DEVICE_CUDA = 1,
  SEPCONV_DEVICE_OPENCL = 2,
  SEPCONV_DEVICE_COUNT
} sepconv_device;

typedef enum sepconv_memory_kind {
  SEPCONV_MEMORY_HOST = 0,
  SEPCONV_MEMORY_CUDA = 1,
  SEPCONV_MEMORY_OPENCL = 2,
  SEPCONV_MEMORY_COUNT
} sepconv_memory_kind;

/// How the sums of int8 become int8 again.
typedef enum sepconv_rounding {
  SEPCONV_ROUNDING_FLOAT =
      0,  ///< as XNNPACK, and so LiteRT: float32(sum) * scale, to the nearest integer, of two the even one
  SEPCONV_ROUNDING_EXACT = 1,  ///< as TFLite's reference kernels: in integers, rounded twice (gemmlowp's fixed point)
  SEPCONV_ROUNDING_COUNT
} sepconv_rounding;

/// An activation; lo and hi are read for SEPCONV_ACTIVATION_CLAMP only.
typedef struct sepconv_activation {
  sepconv_activation_kind kind;
  float lo, hi;
} sepconv_activation;

/// What to compute. sepconv_problem_init sets: rank 2, channels_last, VALID, batch 1, depth_multiplier 1, strides and
/// dilations 1, all dtypes F32, no activations, no biases, dense pitches. The extents and channel counts have no
/// default.
typedef struct sepconv_problem {
  size_t struct_size;
  int32_t spatial_rank;  ///< 1, 2 or 3
  sepconv_layout layout;
  sepconv_padding padding;
  int64_t batch;             ///< N >= 0; 0 is legal and computes nothing
  int64_t in_channels;       ///< C > 0
  int64_t depth_multiplier;  ///< M > 0; the intermediate has C*M channels, channel c*M+m
  int64_t out_channels;      ///< F > 0 (or 0 with SEPCONV_STAGES_DEPTHWISE)
  int64_t in_extent[SEPCONV_MAX_SPATIAL_RANK];
  int64_t kernel_extent[SEPCONV_MAX_SPATIAL_RANK];
  int64_t stride[SEPCONV_MAX_SPATIAL_RANK];
  int64_t dilation[SEPCONV_MAX_SPATIAL_RANK];
  int64_t pad_before[SEPCONV_MAX_SPATIAL_RANK];  ///< SEPCONV_PADDING_EXPLICIT only
  int64_t pad_after[SEPCONV_MAX_SPATIAL_RANK];   ///< SEPCONV_PADDING_EXPLICIT only
  sepconv_dtype input_dtype, weight_dtype, mid_dtype, output_dtype;
  sepconv_activation input_activation;  ///< on the samples of the input, not on the zeros around them
  sepconv_activation mid_activation;    ///< between the two stages, after the mid bias
  sepconv_activation out_activation;    ///< after the output bias (and the residual)
  int32_t has_mid_bias, has_out_bias, has_residual;
  /// Distance in elements from one image (index 0) or from one sample of each spatial axis (1 to rank) to the next, so
  /// that a tensor may be a slice of a larger one; 0 = dense, given what lies inside. The residual has the output's.
  /// channels_last: the channels of a pixel are adjacent, so the last pitch is at least C (or F).
  /// channels_first: the samples of the innermost axis are adjacent, so the last pitch is 0 or 1.
  int64_t input_pitch[SEPCONV_MAX_SPATIAL_RANK + 1];
  int64_t output_pitch[SEPCONV_MAX_SPATIAL_RANK + 1];
  sepconv_stages stages;
  /// channels_first: distance in elements from one channel to the next; 0 = dense. channels_last: 0 or 1.
  int64_t input_channel_pitch, output_channel_pitch;
} sepconv_problem;

typedef struct sepconv_plan sepconv_plan;                    ///< immutable; threads may share one
typedef struct sepconv_variant_table sepconv_variant_table;  ///< sepconv/variant_table.h; generated by the build

/// Comma-separated target names ("x86_avx2,portable"); NULL or "" means no restriction. The environment variable
/// SEPCONV_TARGETS restricts further: its names allow, names with a leading '-' forbid ("-x86_avx512"). An unknown
/// name in any of them is SEPCONV_INVALID_ARGUMENT of sepconv_plan_create.
typedef struct sepconv_targets {
  const char* allow;
  const char* forbid;
} sepconv_targets;

/// How to compute it. sepconv_options_init sets: CPU, any target, any variant, one thread, no other plan's packing.
typedef struct sepconv_options {
  size_t struct_size;
  sepconv_device device;
  sepconv_targets targets;
  const char* variant;             ///< full name of the variant to use, or NULL to choose
  int32_t max_threads;             ///< at most this many workers in one run, from 1 to SEPCONV_MAX_THREADS
  const sepconv_plan* packing_of;  ///< stay inside this plan's packing, so that its packed weights serve both
  /// Not 0: while a task runs, its thread takes subnormal numbers (below 1.2e-38 in float32) for 0 and makes none, as
  /// most x86 processors compute with them a hundred times slower than with others; the thread's mode is then restored.
  /// Signals that fade to silence want it. x86 and ARM; no effect on processors that have no such mode. Not for GPUs.
  int32_t flush_denormals;
} sepconv_options;

/// What the integers of a layer of int8 or uint8 stand for: real = scale * (integer - zero_point), as in TFLite.
/// Weights are int8 with zero points of 0 and a scale for each channel of their kernel, or one for all. Biases are
/// int32, with the scale of the sums that they are added to (input_scale times depthwise_scale, mid_scale times
/// pointwise_scale) and no zero point. Without a pointwise stage the depthwise one gives the output; without a
/// depthwise stage the pointwise one reads the input; the mid fields are not read then.
typedef struct sepconv_quantization {
  size_t struct_size;
  sepconv_rounding rounding;
  float input_scale, mid_scale, output_scale;                   ///< positive normal numbers
  int32_t input_zero_point, mid_zero_point, output_zero_point;  ///< from -128 to 127, of uint8 from 0 to 255
  const float* depthwise_scale;   ///< depthwise_scale_count of them; NULL without that stage
  const float* pointwise_scale;   ///< pointwise_scale_count of them; NULL without that stage
  int64_t depthwise_scale_count;  ///< C*M, or 1
  int64_t pointwise_scale_count;  ///< F, or 1
} sepconv_quantization;

/// Weights in Keras's layouts, dense, weight_dtype; kernel layouts do not change with the problem's layout.
typedef struct sepconv_weights {
  size_t struct_size;
  const void* depthwise_kernel;              ///< (kernel_extent..., C, M); NULL without a depthwise stage
  const void* pointwise_kernel;              ///< (1..., C*M, F): a row-major (C*M) x F matrix; NULL without that stage
  const void* mid_bias;                      ///< (C*M), NULL where the problem has none
  const void* out_bias;                      ///< (F), NULL where the problem has none
  const sepconv_quantization* quantization;  ///< of int8 and uint8; NULL for floats
} sepconv_weights;

/// Runs task(data, index, worker) once for every index in [0, tasks), in any order, on any threads, and returns when
/// all are done. `worker` is in [0, max_threads) and no two tasks run at once with the same worker. A nonzero result of
/// a task or of the function means failure. A run may call the function several times, one call after the other. What
/// it does wrong (a task that is left out or called again, a worker or an index out of range, a worker in two tasks at
/// once) makes the run fail with SEPCONV_TASK_FAILED; such a call of a task computes nothing. The tasks of this library
/// do not throw, and the function must not leave with an exception or a longjmp: what called it is C.
typedef int (*sepconv_parallel_for)(void* context, int tasks, int (*task)(void* data, int index, int worker),
                                    void* data);

/// Where device memory lives; all zero for host memory. SEPCONV_MEMORY_CUDA: the pointer that it belongs to is an
/// address on the device, the handle is NULL. SEPCONV_MEMORY_OPENCL: the handle is the cl_mem, the pointer is NULL.
typedef struct sepconv_memory {
  sepconv_memory_kind kind;
  void* handle;
  int64_t byte_offset;
} sepconv_memory;

/// One run's buffers. sepconv_arguments_init sets everything to NULL or 0.
typedef struct sepconv_arguments {
  size_t struct_size;
  const void* packed;  ///< from sepconv_plan_pack; 64-byte aligned
  const void* input;   ///< input_dtype, in the problem's layout; never read outside its elements
  void* output;        ///< output_dtype, in the problem's layout; must not overlap the input
  const void*
      residual;  ///< output_dtype, laid out as the output, which it must not overlap; NULL where the problem has none
  void* workspace;        ///< 64-byte aligned, or NULL: then the run allocates and frees its own
  size_t workspace_size;  ///< bytes
  sepconv_memory input_memory, output_memory, packed_memory, workspace_memory;
  void* stream;  ///< GPUs: the CUstream (NULL: the default one) or cl_command_queue that the work is put on
  sepconv_parallel_for parallel_for;  ///< NULL: serial, on the calling thread
  void* parallel_context;
  /// Memory that is read after this run, such as the packed weights of the network's next layer: its first megabyte is
  /// prefetched while this run computes, and never read. Results do not depend on it. NULL for nothing.
  const void* next;
  size_t next_size;                ///< bytes
  sepconv_memory residual_memory;  ///< GPUs
} sepconv_arguments;

/// Adds a library's variants; variants of later tables rank before those of earlier ones. The table must live as long
/// as the process. Thread-safe; registering a table again does nothing. Errors: SEPCONV_INVALID_ARGUMENT (NULL, another
/// ABI version, a variant with a field that makes no sense), SEPCONV_OUT_OF_MEMORY (more than 256 tables).
SEPCONV_API sepconv_status sepconv_register(const sepconv_variant_table* table);

/// Fill the defaults of a struct; `struct_size` is its sizeof.
SEPCONV_API void sepconv_problem_init(sepconv_problem* problem, size_t struct_size);
SEPCONV_API void sepconv_options_init(sepconv_options* options, size_t struct_size);
SEPCONV_API void sepconv_weights_init(sepconv_weights* weights, size_t struct_size);
SEPCONV_API void sepconv_quantization_init(sepconv_quantization* quantization, size_t struct_size);
SEPCONV_API void sepconv_arguments_init(sepconv_arguments* arguments, size_t struct_size);

/// Spatial extents of the output, outermost first; entries past the rank become 1.
/// Errors: SEPCONV_INVALID_ARGUMENT for everything that sepconv_plan_create rejects.
SEPCONV_API sepconv_status sepconv_output_extent(const sepconv_problem* problem,
                                                 int64_t out_extent[SEPCONV_MAX_SPATIAL_RANK]);

/// Chooses a variant for the problem and fixes everything a run needs. `options` may be NULL (the defaults). On failure
/// *plan is NULL. Errors: SEPCONV_INVALID_ARGUMENT, SEPCONV_UNSUPPORTED, SEPCONV_OUT_OF_MEMORY.
SEPCONV_API sepconv_status sepconv_plan_create(const sepconv_problem* problem, const sepconv_options* options,
                                               sepconv_plan** plan);
SEPCONV_API void sepconv_plan_destroy(sepconv_plan* plan);  ///< NULL is fine

/// The chosen variant's full name, such as "2d_f32_nhwc_k3s1d1m1_x86_avx2". Lives as long as the plan.
SEPCONV_API const char* sepconv_plan_variant(const sepconv_plan* plan);

/// Writes a text for people: which variants were considered, and why this one was chosen. Always ends the text with a
/// NUL inside `size` bytes and cuts what does not fit.
SEPCONV_API sepconv_status sepconv_plan_explain(const sepconv_plan* plan, char* text, size_t size);

/// Bytes of the packed weights, and of the workspace of one run with options.max_threads workers.
SEPCONV_API size_t sepconv_plan_packed_size(const sepconv_plan* plan);
SEPCONV_API size_t sepconv_plan_workspace_size(const sepconv_plan* plan);

/// Rearranges the weights into the order the variant reads. `packed` must be 64-byte aligned; the result is
/// position-independent (it can be saved, mapped, and used by any plan with the same packing) and begins with a 64-byte
/// header, which every run on the CPU and every new stream checks: it is that of packed weights, of this plan's packing
/// and problem. What lies behind the header they trust. Errors: SEPCONV_INVALID_ARGUMENT.
SEPCONV_API sepconv_status sepconv_plan_pack(const sepconv_plan* plan, const sepconv_weights* weights, void* packed,
                                             size_t packed_size);

/// Checks packed weights whole, as after loading them from a file: the header, and behind it every byte, by the
/// checksum that packing has put into the header. It finds damage, not intent. Errors: SEPCONV_INVALID_ARGUMENT;
/// SEPCONV_BAD_PACKED, also where packed_size is too small.
SEPCONV_API sepconv_status sepconv_plan_check_packed(const sepconv_plan* plan, const void* packed, size_t packed_size);

/// Computes the output. Allocates nothing when a workspace is given.
/// Errors: SEPCONV_INVALID_ARGUMENT, SEPCONV_BAD_PACKED, SEPCONV_OUT_OF_MEMORY (output untouched); SEPCONV_TASK_FAILED.
SEPCONV_API sepconv_status sepconv_plan_run(const sepconv_plan* plan, const sepconv_arguments* arguments);

SEPCONV_API const char* sepconv_status_name(sepconv_status status);  ///< "SEPCONV_OK", ...
SEPCONV_API const char* sepconv_last_error(void);                    ///< this thread's, a sentence; "" if none
SEPCONV_API const char* sepconv_version(void);                       ///< "0.1.0"

/// The word of a value in layer files, in Keras and in the commands: "float32", "hard_swish", "channels_last", "same",
/// "depthwise", "cuda". NULL for any other number, so that a loop from 0 finds all values.
SEPCONV_API const char* sepconv_dtype_name(sepconv_dtype dtype);
SEPCONV_API const char* sepconv_activation_name(sepconv_activation_kind kind);
SEPCONV_API const char* sepconv_layout_name(sepconv_layout layout);
SEPCONV_API const char* sepconv_padding_name(sepconv_padding padding);
SEPCONV_API const char* sepconv_stages_name(sepconv_stages stages);
SEPCONV_API const char* sepconv_device_name(sepconv_device device);

/// The registered variants, for listings: the index-th variant's full name and whether this machine may run it
/// (SEPCONV_TARGETS included), in order of rank. NULL past the last.
SEPCONV_API const char* sepconv_variant_name(size_t index, int* runnable);

#ifdef __cplusplus
}  // extern "C"
#endif

#include "sepconv/batch_norm.h"
#include "sepconv/device.h"
#include "sepconv/stream.h"

#endif  // SEPCONV_SEPCONV_H
