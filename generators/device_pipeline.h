// The algorithm of a GPU variant: a whole separable convolution, all pixels of all images, with no scheduling call in
// it. The stages and their names are those of pipeline.h; what differs is that nothing is cut into strips, and that
// every tensor is a flat array with an offset and pitches of its own, which serves both layouts.
//
//   origin(p)            = what the output pixel p starts from: its first sample along each axis (x*sx - pad_x, ...),
//                          its image n. p = x + W*(y + H*(z + D*n)); with a window, p counts the windows so, and in
//                          each its pixels along window_axis
//   place(p)             = where it lies in the output and in the residual; -1 past the last row
//   number(p)            = x + W*(y + H*(z + D*n)), its place in the workspace of split variants; -1 past the last row
//   sample(l, g, q, at)  = in_act(input[channel (q/M)*L + l, origin of the window's first pixel + at, image n]), 0
//                          outside the image or past the last channel
//   taps(l, p, q)        = sum over taps of sample(l, p's window, q, p's place in it + tap*dilation)
//                          * kernel(l, q, tap)
//   mid(l, p, q)         = mid_act(taps + mid_bias)
//   flat(l, p, q)        = mid(l, p, q), in shared memory; split variants write it to the workspace and read it back
//   sum(f, p, z, panel)  = sum over q and the z-th share of l of flat(l, p, q) * weight(f, l, q, panel)
//   done(f, p, panel)    = out_act(out_bias + the sum over z + residual)
//   output[f, p]         = done(f, p, panel)           f counts from the panel's first channel
//                          or mid(l, p, q), where there is no pointwise stage
//
// L is the chunk, M the multiplier; q numbers the packed chunks as in runtime/include/sepconv/variant_table.h, which
// also describes every argument.
#ifndef SEPCONV_GENERATORS_DEVICE_PIPELINE_H
#define SEPCONV_GENERATORS_DEVICE_PIPELINE_H

#include <vector>

#include "Halide.h"
#include "activation.h"
#include "storage.h"

namespace sepconv {

// Innermost axis (x) first.
struct DeviceAxis {
  Halide::Expr kernel, stride, dilation, pad_before;
  Halide::Expr in_extent, out_extent, in_pitch, out_pitch, residual_pitch;
};

struct DeviceInputs {
  Storage storage;                       // of the tensors; sums are float32
  Halide::Func input, packed, residual;  // flat arrays
  Halide::Func workspace;                // split: the output that it defines
  Halide::Expr input_extent, packed_extent, residual_extent, workspace_extent;
  Halide::Expr input_offset, output_offset;  // of the first element; residual_offset counts from the output's
  Halide::Expr residual_offset;
  Halide::Expr mid_bias_at, depthwise_at, pointwise_at, out_bias_at;  // of the packed parts, in units of `granule`
  Halide::Expr workspace_at;                                          // likewise, in the workspace
  std::vector<DeviceAxis> axes;
  Halide::Expr in_channels, out_channels, multiplier, chunks, pixels, batch;
  Halide::Expr in_channel_pitch, in_image_pitch, out_channel_pitch, out_image_pitch;
  Halide::Expr residual_channel_pitch, residual_image_pitch;
  Halide::Expr
      vectors;  // channels last, true: channel counts, pitches and offsets are multiples of 4, addresses of 16 bytes
  Activation in_act, mid_act, out_act;
};

struct DeviceOptions {
  static constexpr int lanes = 4;     // channels of one load of 16 bytes
  static constexpr int granule = 16;  // packed parts and the workspace begin at multiples of so many elements
  int chunk = 16;                     // L
  // How the threads of a block share its tile of the output: see schedules/gpu.cpp.
  int threads_x = 16, threads_y = 8, threads_z = 1, thread_pixels = 8, thread_vectors = 1;
  int window = 1;  // pixels along window_axis that a thread convolves at once
  bool channels_first = false;
  bool split = false;
  bool depthwise_only = false;
  bool all_activations = false;  // not the clamps alone

  int threads() const { return threads_x * threads_y * threads_z; }
  int pixel_threads() const { return channels_first ? threads_x : threads_y; }
  int share() const { return chunk / threads_z; }  // of a chunk's channels, for one thread
  // The threads of a kernel that only convolves, and the windows that a block of them takes.
  static constexpr int convolving_threads = 128;
  int convolving_rows() const { return convolving_threads / (chunk / lanes); }
  // Of the kernel that writes the output: in split variants it does not convolve.
  int output_window() const { return split ? 1 : window; }
  int block_pixels() const { return thread_pixels * pixel_threads(); }
  int block_channels() const { return lanes * thread_vectors * (channels_first ? threads_y : threads_x); }
};

// Where a thread writes; Halide would not reorder loops over scattered writes, so the domain has them in their order.
struct DeviceTiles {
  Halide::RVar lane, vec, i, tx, ty, tz, po, outer;  // outer: panel; of the workspace q
};

struct DeviceStages {
  Halide::Var f{"f"}, p{"p"}, g{"g"}, z{"z"}, panel{"panel"}, l{"l"}, q{"q"}, i{"i"};
  std::vector<Halide::Var> tap_at, sample_at;  // of `kernel`; of `sample`, in samples
  int window_axis = 0;                         // counted from the innermost
  DeviceOptions options;
  Halide::Func origin, place, number, sample, kernel, taps, mid, flat, weight, sum, shares, done;
  Halide::RDom tap, k;                           // k: l, q
  Halide::RDom sample_pass, mid_pass, out_pass;  // all_activations
  Halide::Func workspace;                        // split: its definition is an update over `stored`
  DeviceTiles stored;                            // where mid is written; vec: the pixels of a window; no tz
  DeviceTiles at;                                // of the output's update, where there is a pointwise stage
  Halide::Expr output_index, output_value;
  Halide::Expr vectors;
};

DeviceStages make_device_pipeline(const DeviceInputs& inputs, const DeviceOptions& options, int rank);

}  // namespace sepconv

#endif
