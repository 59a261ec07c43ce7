/// @file
/// sepconv: separable convolution (a depthwise convolution followed by a pointwise one), compiled ahead of time.
///
/// The operation, channels last, two spatial axes (X outside the image reads as 0):
///
///     D[n,i,j, c*M+m] = mid_act(mid_bias[c*M+m] + sum over p<KH, q<KW of
///                               X[n, i*sH - padT + p*dH, j*sW - padL + q*dW, c] * DW[p,q,c,m])
///     Y[n,i,j, f]     = out_act(out_bias[f] + sum over k<C*M of D[n,i,j,k] * PW[k,f])
///
/// Life cycle: describe a problem, create a plan, pack the weights once, run as often as you like.
///
/// Conventions of this header
///   * Extents and pitches are int64, in elements, outermost axis first (depth, height, width; rank 1 uses index 0).
///   * Every struct begins with struct_size and only ever grows at its end. `*_init(ptr, sizeof *ptr)` fills the
///     defaults.
///   * Functions return a status; sepconv_last_error() then holds one sentence that names the argument and its value.
///   * Everything is validated before the first write. The library never aborts, prints, or starts a thread.
///   * A field for something that is not built yet gives SEPCONV_UNSUPPORTED.
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

typedef enum sepconv_status {
  SEPCONV_OK = 0,
  SEPCONV_INVALID_ARGUMENT = 1,  ///< an argument breaks a rule of the operation; nothing was written
  SEPCONV_UNSUPPORTED = 2,       ///< legal, but not built yet, or no registered variant may run it on this machine
  SEPCONV_OUT_OF_MEMORY = 3,     ///< an allocation failed; nothing was written
  SEPCONV_BAD_PACKED = 4,        ///< packed weights are of another plan, another version, or damaged
  SEPCONV_TASK_FAILED = 5,       ///< the caller's parallel_for reported failure; the output is not complete
  SEPCONV_NO_DEVICE = 6,         ///< options.device asks for a device that this machine, or its driver, has not
  SEPCONV_DEVICE_FAILED = 7,     ///< the device's driver reported an error
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

/// Which of the two stages a problem has. Networks that put something between them that is not an activation (squeeze
/// and excite, a layer norm) call one stage at a time.
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
typedef struct sepconv_stream sepconv_stream;                ///< one signal's state; one thread at a time
typedef struct sepconv_variant_table sepconv_variant_table;  ///< sepconv/variant_table.h; generated by the build
typedef struct sepconv_quantization sepconv_quantization;    ///< not built yet

/// Comma-separated target names ("x86_avx2,portable"); NULL or "" means no restriction. The environment variable
/// SEPCONV_TARGETS restricts further: its names allow, names with a leading '-' forbid ("-x86_avx512").
typedef struct sepconv_targets {
  const char* allow;
  const char* forbid;
} sepconv_targets;

/// How to compute it. sepconv_options_init sets: CPU, any target, any variant, one thread, a packing of its own.
typedef struct sepconv_options {
  size_t struct_size;
  sepconv_device device;
  sepconv_targets targets;
  const char* variant;             ///< full name of the variant to use, or NULL to choose
  int32_t max_threads;             ///< at most this many workers in one run, >= 1
  const sepconv_plan* packing_of;  ///< stay inside this plan's packing, so that its packed weights serve both
} sepconv_options;

/// Weights in Keras's layouts, dense, weight_dtype; kernel layouts do not change with the problem's layout.
typedef struct sepconv_weights {
  size_t struct_size;
  const void* depthwise_kernel;              ///< (kernel_extent..., C, M); NULL without a depthwise stage
  const void* pointwise_kernel;              ///< (1..., C*M, F): a row-major (C*M) x F matrix; NULL without that stage
  const void* mid_bias;                      ///< (C*M), NULL where the problem has none
  const void* out_bias;                      ///< (F), NULL where the problem has none
  const sepconv_quantization* quantization;  ///< NULL for floats
} sepconv_weights;

/// Runs task(data, index, worker) for every index in [0, tasks), in any order, on any threads, and returns when all are
/// done. `worker` is in [0, max_threads) and no two tasks run at once with the same worker. A nonzero result of a task
/// or of the function means failure.
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
  /// asked for while this run computes. Only time depends on it; it is prefetched, never read. NULL for nothing.
  const void* next;
  size_t next_size;                ///< bytes
  sepconv_memory residual_memory;  ///< GPUs
} sepconv_arguments;

SEPCONV_API void sepconv_problem_init(sepconv_problem* problem, size_t struct_size);
SEPCONV_API void sepconv_options_init(sepconv_options* options, size_t struct_size);
SEPCONV_API void sepconv_weights_init(sepconv_weights* weights, size_t struct_size);
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

/// Writes a text for people: the variants considered, and why this one. Always ends the text with a NUL inside `size`
/// bytes and cuts what does not fit.
SEPCONV_API sepconv_status sepconv_plan_explain(const sepconv_plan* plan, char* text, size_t size);

/// Bytes of the packed weights, and of the workspace of one run with options.max_threads workers.
SEPCONV_API size_t sepconv_plan_packed_size(const sepconv_plan* plan);
SEPCONV_API size_t sepconv_plan_workspace_size(const sepconv_plan* plan);

/// Rearranges the weights into the order the variant reads. `packed` must be 64-byte aligned; the result is
/// position-independent (it can be saved, mapped, and used by any plan with the same packing) and begins with a 64-byte
/// header that runs check. Errors: SEPCONV_INVALID_ARGUMENT.
SEPCONV_API sepconv_status sepconv_plan_pack(const sepconv_plan* plan, const sepconv_weights* weights, void* packed,
                                             size_t packed_size);

/// Computes the output. Allocates nothing when a workspace is given.
/// Errors: SEPCONV_INVALID_ARGUMENT, SEPCONV_BAD_PACKED, SEPCONV_OUT_OF_MEMORY (output untouched); SEPCONV_TASK_FAILED.
SEPCONV_API sepconv_status sepconv_plan_run(const sepconv_plan* plan, const sepconv_arguments* arguments);

/// GPUs: with options.device, every tensor is in that device's memory, the workspace included (there is none of its
/// own), and sepconv_plan_run only puts work on arguments.stream: it does not wait, copy or allocate, and can be
/// captured in a CUDA graph. CUDA's context is the one that is current on the calling thread; OpenCL's is that of the
/// queue. Packed weights are packed in host memory and copied by the caller; their header is not checked then.
///
/// Loads the plan's code for that context, which takes a driver long, so that the first run does not. Does nothing for
/// the CPU. Errors: SEPCONV_INVALID_ARGUMENT, SEPCONV_NO_DEVICE, SEPCONV_DEVICE_FAILED.
SEPCONV_API sepconv_status sepconv_plan_warm_up(const sepconv_plan* plan, void* stream);

/// Forgets the code that plans have loaded for a context (a CUcontext, which must be current, or a cl_context). Call it
/// before the context is destroyed, with no run in progress. Errors: SEPCONV_INVALID_ARGUMENT, SEPCONV_UNSUPPORTED (no
/// registered library has variants for the device).
SEPCONV_API sepconv_status sepconv_device_release(sepconv_device device, void* context);

/// Runs a GPU plan on tensors in host memory, for programs that have nothing on the device: `arguments` are those of a
/// run on the CPU, without a workspace; `stream` is a stream or queue of the device. Allocates device memory, copies
/// the packed weights, the input and the residual there (and the output, if its pitches leave gaps), runs, copies the
/// output back, waits for it, and frees the memory, in every call.
/// Errors: those of sepconv_plan_run; SEPCONV_OUT_OF_MEMORY, SEPCONV_DEVICE_FAILED.
SEPCONV_API sepconv_status sepconv_plan_run_host(const sepconv_plan* plan, const sepconv_arguments* arguments,
                                                 void* stream);

/// Streams: a causal plan (spatial_rank 1, SEPCONV_PADDING_CAUSAL), fed piece by piece. The outputs are those of the
/// whole signal, bit for bit, wherever it is cut: output frame o comes with the piece that holds input frame o*stride.
/// The plan's own extent does not matter, its batch does: all signals of a batch move together.

/// Bytes of memory that a stream needs: its state and its workspace. 0, and a sentence, if there is no stream of the
/// plan; see sepconv_stream_create.
SEPCONV_API size_t sepconv_stream_size(const sepconv_plan* plan);

/// Starts a stream at frame 0 in `memory`, 64-byte aligned and of sepconv_stream_size bytes, which is the caller's and
/// must outlive the stream; then neither this nor a push allocates. With NULL the stream allocates its own here. The
/// plan is copied; `packed` (from sepconv_plan_pack) must outlive the stream. On failure *stream is NULL.
/// Errors: SEPCONV_INVALID_ARGUMENT, SEPCONV_BAD_PACKED, SEPCONV_OUT_OF_MEMORY; SEPCONV_UNSUPPORTED for a variant with
/// a fixed in_extent, or one whose steps are too wide for 32-bit indices.
SEPCONV_API sepconv_status sepconv_stream_create(const sepconv_plan* plan, const void* packed, void* memory,
                                                 size_t memory_size, sepconv_stream** stream);

/// The number of output frames that a push of `frames` input frames would write now; -1 if `frames` is negative.
SEPCONV_API int64_t sepconv_stream_frames(const sepconv_stream* stream, int64_t frames);

/// Takes the next `frames` >= 0 input frames and writes the output frames that they complete, *written of them. Dense
/// tensors in the plan's layout, whatever its pitches: input (N, frames, C) or (N, C, frames); output and residual
/// (N, output_frames, F) or (N, F, output_frames), of which the first *written frames of each signal are written and
/// read. output_frames is at least sepconv_stream_frames; residual is NULL where the problem has none.
/// Errors: SEPCONV_INVALID_ARGUMENT (nothing was taken or written); SEPCONV_TASK_FAILED (reset it before going on).
SEPCONV_API sepconv_status sepconv_stream_push(sepconv_stream* stream, const void* input, int64_t frames,
                                               const void* residual, void* output, int64_t output_frames,
                                               int64_t* written);

SEPCONV_API void sepconv_stream_reset(sepconv_stream* stream);    ///< back to frame 0
SEPCONV_API void sepconv_stream_destroy(sepconv_stream* stream);  ///< NULL is fine

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
/// `kernel` and `bias` are in Keras's layouts and changed in place. The bias always results, so the problem has one
/// then; where the layer had none before, pass zeros.
/// Errors: SEPCONV_INVALID_ARGUMENT (such as a variance + epsilon that is not positive; nothing was written),
/// SEPCONV_UNSUPPORTED (weights other than float32 and float64).
SEPCONV_API sepconv_status sepconv_fold_batch_norm(const sepconv_problem* problem, sepconv_position position,
                                                   const sepconv_batch_norm* norm, void* kernel, void* bias);

/// Adds a library's variants; variants of later tables rank before those of earlier ones. The table must live as long
/// as the process. Thread-safe; registering a table again does nothing. Errors: SEPCONV_INVALID_ARGUMENT (NULL, another
/// ABI version, a variant that makes no sense), SEPCONV_OUT_OF_MEMORY (more than 256 tables).
SEPCONV_API sepconv_status sepconv_register(const sepconv_variant_table* table);

SEPCONV_API const char* sepconv_status_name(sepconv_status status);  ///< "SEPCONV_OK", ...
SEPCONV_API const char* sepconv_last_error(void);                    ///< this thread's, a sentence; "" if none
SEPCONV_API const char* sepconv_version(void);                       ///< "0.1.0"

/// The word of a value in layer files, in Keras and in the commands: "float32", "hard_swish", "channels_last", "same",
/// "depthwise", "cuda". NULL for a number that is no value, so that a loop from 0 meets all of them.
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

#endif  // SEPCONV_SEPCONV_H
