/// @file
/// The table of compiled variants that the build generates and sepconv_register takes. Programs only pass it on.
#ifndef SEPCONV_VARIANT_TABLE_H
#define SEPCONV_VARIANT_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "sepconv/sepconv.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Raised whenever sepconv_variant, its meaning, or the arguments of its entry change.
#define SEPCONV_VARIANT_ABI 10

/// What a variant's entry computes, and how it is called
///
/// A CPU variant is a leaf: serial, no global state, two outside symbols (the runtime's scratch allocator). One call
/// computes one task: a strip (a box of output pixels of one image) for a range of output channels. It takes an array
/// of pointers, one an argument, in Halide's argv convention (buffers as halide_buffer_t*, scalars as pointers to the
/// value). leaf_arguments.inc lists them.
///
/// Of input, residual and output the innermost dimension is dense (stride 1), the other pitches are free. The output is
/// out_act(out_bias + sum + residual). The input's activation applies to the samples of the image, not to the zeros
/// around them.
///
/// Variants of SEPCONV_STAGES_DEPTHWISE read neither pointwise, out_bias and residual nor the output's activation.
/// The other variants compute a problem without a depthwise stage, too, from a packed kernel of one tap that is 1.
///
/// Packed channel order. With chunks of L = chunk_channels input channels, q = (c / L) * M + m numbers the chunks of
/// the intermediate, and k = q * L + c % L. Channels past C are zeros in every packed array and are not read from the
/// input.
/// The output's extent in p is at least tile_pixels; pixels past the strip's last hold unspecified values.
/// Variants with a fixed in_extent and a rank above 1 are called with strips of the output's full width only.
/// A strip of one row of pixels may be shown only the rows its taps read, with dilation 1 along that axis: variants
/// that fix a dilation above 1 must read the argument all the same (variants that fix 1 need not). Variants that fix
/// neither stride nor dilation nor in_extent may be shown every n-th sample of an axis, with a stride and a dilation
/// smaller by n. Every variant with a
/// fixed in_extent gets the input whole along x. Images too large for 32-bit coordinates are shown to the other
/// variants strip by strip, as if each strip's slice were a small image of its own: strip_min 0, the min of the slice
/// 0, and the pad_before that follows.

/// GPU variants
///
/// One call computes a whole problem, all images and all channels, in one kernel (fused) or two (split). It only
/// enqueues: no allocation, no copy, no waiting. Tensors are flat arrays with pitches, so that one code serves slices,
/// both layouts and memory objects with an offset. Pixels are numbered over the whole batch, x fastest.
/// device_arguments.inc lists the arguments.
/// panel_channels and tile_pixels are those of a block of threads; depthwise_rows is the pixels of a window.

/// What a GPU variant is called through; sepconv/gpu.h declares them. A call returns a status and, if that
/// is not SEPCONV_OK, a sentence.
typedef struct sepconv_driver sepconv_driver;

/// One variant: a function, the problems it may run, and the numbers the planner needs. A fixed quantity of 0 means
/// "any"; entries of axes past the rank are 0. sepconv_register refuses what makes no sense, field by field.
typedef struct sepconv_variant {
  const char* name;                ///< with the target appended
  const char* target;              ///< "x86_avx2"
  int (*entry)(void** arguments);  ///< Halide's argv entry; runtime/src/halide_bridge.cpp fills the arguments
  int32_t spatial_rank;
  sepconv_layout layout;
  sepconv_dtype input_dtype, weight_dtype, output_dtype;
  sepconv_stages stages;                            ///< SEPCONV_STAGES_DEPTHWISE, or SEPCONV_STAGES_BOTH
  int32_t activations;                              ///< 1: takes every activation kind, 0: clamps only
  int32_t input_activation;                         ///< 1: takes an activation on the input, 0: none
  int64_t kernel_extent[SEPCONV_MAX_SPATIAL_RANK];  ///< outermost first, like sepconv_problem
  int64_t stride[SEPCONV_MAX_SPATIAL_RANK];
  int64_t dilation[SEPCONV_MAX_SPATIAL_RANK];
  int64_t depth_multiplier, in_channels, out_channels;
  int64_t channels_multiple;  ///< in_channels is a multiple of it; 0 or 1 for any
  int64_t max_image_bytes;    ///< chosen, unless asked for, only for images of at most this many bytes; 0 for any
  int32_t max_reads;          ///< the same: for samples that at most this many taps read, all multiples counted
  int64_t
      min_pointwise_bytes;  ///< the same: for pointwise kernels of at least this many bytes; before all other variants
  int64_t in_extent[SEPCONV_MAX_SPATIAL_RANK];
  int32_t chunk_channels;  ///< channels the depthwise stage handles together; the depthwise kernel's inner extent
  int32_t panel_channels;  ///< output channels of one register tile; the packed pointwise kernel's inner extent
  int32_t tile_pixels;     ///< pixels of one register tile
  int32_t depthwise_tile;  ///< pixels along x of one depthwise register tile
  int32_t
      depthwise_rows;    ///< rows of one depthwise register tile; strips of fewer rows are computed as if they had them
  int32_t sum_block;     ///< intermediate channels summed before the depthwise stage runs again, before rounding
  int32_t strip_pixels;  ///< output pixels of one task, aimed at; 0 = the planner's choice
  uint32_t object_size;  ///< bytes of the compiled object
  int32_t dot_group;     ///< int8: neighbouring channels whose products are summed together, 1, 2 or 4; else 0
  int32_t dot_offset;    ///< int8: what the intermediate has added, 0 or 128; else 0
  const sepconv_driver* driver;  ///< of a GPU variant; NULL for variants that the processor runs
  int32_t split;                 ///< 1: a GPU variant that wants a workspace for the depthwise result
  int32_t block_threads;         ///< of a GPU variant; else 0
} sepconv_variant;

/// A tensor of a GPU call: an address (CUDA) or a cl_mem (OpenCL), and where in it the tensor begins.
typedef struct sepconv_device_tensor {
  void* memory;
  int64_t byte_offset;
  int64_t elements;  ///< up to the last one that is used
} sepconv_device_tensor;

/// One axis of a GPU call; entries as the arguments above have them.
typedef struct sepconv_device_axis {
  int32_t kernel, stride, dilation, pad_before, in_extent, out_extent, in_pitch, out_pitch, residual_pitch;
} sepconv_device_axis;

/// One call of a GPU variant, without any type of Halide's.
typedef struct sepconv_device_call {
  sepconv_device_tensor input, packed, residual, workspace, output;
  int32_t mid_bias_at, depthwise_at, pointwise_at, out_bias_at;
  int32_t in_channels, out_channels, depth_multiplier, chunks, pixels, batch;
  int32_t in_channel_pitch, in_image_pitch, out_channel_pitch, out_image_pitch, residual_channel_pitch,
      residual_image_pitch;
  int32_t vectors;
  sepconv_device_axis axis[SEPCONV_MAX_SPATIAL_RANK];  ///< outermost first
  sepconv_activation in, mid, out;
  void* stream;     ///< the caller's CUstream or cl_command_queue
  int32_t warm_up;  ///< 1: load what the call needs, and compute nothing
} sepconv_device_call;

struct sepconv_driver {
  sepconv_device device;
  sepconv_memory_kind memory;
  /// Whether there is a device, and the driver that it needs.
  sepconv_status (*probe)(char* reason, size_t size);
  sepconv_status (*run)(const sepconv_variant* variant, const sepconv_device_call* call, char* reason, size_t size);
  void (*release)(void* context);  ///< forgets what was loaded for it
  /// For runs on host memory. These return the driver's own code, 0 for success, but for the first.
  sepconv_status (*context_of)(void* stream, void** context, char* reason, size_t size);
  int (*allocate)(void* context, size_t bytes, void** memory);
  void (*free)(void* memory);
  int (*write)(void* stream, void* memory, const void* host, size_t bytes);
  int (*read)(void* stream, void* memory, void* host, size_t bytes);
  int (*wait)(void* stream);
};

struct sepconv_variant_table {
  uint32_t abi;           ///< SEPCONV_VARIANT_ABI
  uint32_t variant_size;  ///< sizeof(sepconv_variant)
  const char* name;       ///< of the library
  const sepconv_variant* variants;
  size_t variant_count;
};

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // SEPCONV_VARIANT_TABLE_H
