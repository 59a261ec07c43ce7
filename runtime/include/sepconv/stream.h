/// @file
/// Streams: a causal plan (spatial_rank 1, SEPCONV_PADDING_CAUSAL), fed piece by piece. The outputs are those of the
/// whole signal, bit for bit, wherever it is cut: output frame o comes with the piece that holds input frame o*stride.
/// The plan's own extent does not matter, its batch does: all signals of a batch move together.
/// A part of sepconv.h.
#ifndef SEPCONV_STREAM_H
#define SEPCONV_STREAM_H

#include "sepconv/sepconv.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sepconv_stream sepconv_stream;  ///< one signal's state; one thread at a time

/// Bytes of memory that a stream needs: its state and its workspace. 0, and a sentence, if there is no stream of the
/// plan; see sepconv_stream_create.
SEPCONV_API size_t sepconv_stream_size(const sepconv_plan* plan);

/// Starts a stream at frame 0 in `memory`, 64-byte aligned and of sepconv_stream_size bytes, which is the caller's and
/// must outlive the stream and lie apart from `packed`; then neither this nor a push allocates. With NULL the stream
/// allocates its own here. The plan is copied; `packed` (from sepconv_plan_pack) must outlive the stream. On failure
/// *stream is NULL. Errors: SEPCONV_INVALID_ARGUMENT, SEPCONV_BAD_PACKED, SEPCONV_OUT_OF_MEMORY; SEPCONV_UNSUPPORTED
/// for a variant with a fixed in_extent, or one whose steps are too wide for 32-bit indices.
SEPCONV_API sepconv_status sepconv_stream_create(const sepconv_plan* plan, const void* packed, void* memory,
                                                 size_t memory_size, sepconv_stream** stream);

/// The number of output frames that a push of `frames` input frames would write now; -1 if `frames` is negative, or so
/// many that the stream could not count them with those before.
SEPCONV_API int64_t sepconv_stream_frames(const sepconv_stream* stream, int64_t frames);

/// Takes the next `frames` >= 0 input frames and writes the output frames that they complete, *written of them. Dense
/// tensors in the plan's layout, whatever its pitches: input (N, frames, C) or (N, C, frames); output and residual
/// (N, output_frames, F) or (N, F, output_frames), of which the first *written frames of each signal are written and
/// read. output_frames is at least sepconv_stream_frames; residual is NULL where the problem has none. The
/// output overlaps neither of them nor the packed weights, and no tensor lies in the stream's own memory.
/// Errors: SEPCONV_INVALID_ARGUMENT (nothing was taken or written); SEPCONV_TASK_FAILED (reset it before going on).
SEPCONV_API sepconv_status sepconv_stream_push(sepconv_stream* stream, const void* input, int64_t frames,
                                               const void* residual, void* output, int64_t output_frames,
                                               int64_t* written);

SEPCONV_API void sepconv_stream_reset(sepconv_stream* stream);    ///< back to frame 0
SEPCONV_API void sepconv_stream_destroy(sepconv_stream* stream);  ///< NULL is fine

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // SEPCONV_STREAM_H
