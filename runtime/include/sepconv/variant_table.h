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
#define SEPCONV_VARIANT_ABI 4

/// What a variant's entry computes, and how it is called
///
/// A CPU variant is a leaf: serial, no global state, two outside symbols (the runtime's scratch allocator). One call
/// computes one task: a strip (a box of output pixels of one image) for a range of output channels. It takes an array
/// of pointers, one an argument, in Halide's argv convention (buffers as halide_buffer_t*, scalars as pointers to the
/// value), with R the spatial rank:
///
///     user_context      void*                            the task's scratch arena
///     input             T   [c, x, (y, (z))]             one image, absolute coordinates; only rows that the strip
///                                                        reads need be there; channels_first [x, (y, (z)), c]
///     depthwise         T   [lane, tap x, (y, (z)), q]   packed; lane < chunk_channels. Of a kernel that the row does
///                                                        not fix only the taps that read the image: the pitches are
///                                                        those of the whole kernel
///     mid_bias          T   [k]                          packed; zero where the problem has none
///     pointwise         T   [lane, k, panel]             packed; lane < panel_channels
///     out_bias          T   [f]                          padded with zeros to whole panels
///     residual          T   like output                  zeros where the problem has none: a row of them with pitch 0
///                                                        between the rows
///     for each spatial axis, innermost (x) first:
///       stride, dilation, pad_before, strip_min, strip_extent    int32; the strip's in output pixels
///     depth_multiplier  int32
///     sum_channels      int32   K, a multiple of 4: intermediate channels to sum over, in packed order
///     sum_block         int32   how many of them at a time
///     ahead             uint64  address of memory that the worker's next task will read, or the caller
///     ahead_lines       int32   how many cache lines (64 bytes) of it; 0 for nothing. A variant may prefetch them, and
///                               must not read them
///     in_kind, mid_kind, out_kind      int32             sepconv_activation_kind: CLAMP for everything that is a clamp
///     in_lo, in_hi, mid_lo, mid_hi, out_lo, out_hi       float; -inf and inf where there is no clamp
///     output            T   [f, p]                       mins 0; f counts from the task's first output channel, which
///                                                        begins a panel: the runtime passes pointwise, out_bias and
///                                                        residual from that panel on (mins 0 as well); p is the flat
///                                                        pixel in the strip, x fastest: p = x + strip_extent_x * (y +
///                                                        ...); channels_first [p, f]
///
/// Of input, residual and output the innermost dimension is dense (stride 1), the other pitches are free. The output is
/// out_act(out_bias + sum + residual). The input's activation applies to the samples of the image, not to the zeros
/// around them.
///
/// Rows of SEPCONV_STAGES_DEPTHWISE have the output T [m, c, p] (channels_first [p, m, c]) with c of stride M times
/// that of m, where m < M and c < C; they read neither pointwise, out_bias and residual nor the output's activation.
/// The other rows compute a problem without a depthwise stage, too, from a packed kernel of one tap that is 1.
///
/// Packed channel order. With chunks of L = chunk_channels input channels, q = (c / L) * M + m numbers the chunks of
/// the intermediate, and k = q * L + c % L. Channels past C are zeros in every packed array and are not read from the
/// input.
/// The output's extent in p is at least tile_pixels; pixels past the strip's last hold unspecified values.
/// The runtime passes sum_channels = 4 * ceil(C / 4) where M = 1, else the whole packed extent; sum_block is a multiple
/// of chunk_channels * M.
/// Rows with a fixed in_extent and a rank above 1 are called with strips of the output's full width only.
/// A strip of one row may be shown only the rows its taps read, with dilation 1 along that axis: rows that fix a
/// dilation above 1 must read the argument all the same (rows that fix 1 need not). Rows that fix neither stride nor
/// dilation nor in_extent may be shown every n-th sample of an axis, with a stride and a dilation smaller by n.
/// pad_before is below 0 where the first tap shown lies that far inside the image. Every row with a fixed in_extent
/// gets the input whole along x. Images too large for 32-bit coordinates are shown to the other rows strip by strip, as
/// if each strip's slice were a small image of its own: strip_min 0, the min of the slice 0, and the pad_before that
/// follows.

/// One row: a function, the problems it may run, and the numbers the planner needs. A fixed quantity of 0 means "any".
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
} sepconv_variant;

struct sepconv_variant_table {
  uint32_t abi;       ///< SEPCONV_VARIANT_ABI
  uint32_t row_size;  ///< sizeof(sepconv_variant)
  const char* name;   ///< of the library
  const sepconv_variant* rows;
  size_t row_count;
};

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // SEPCONV_VARIANT_TABLE_H
