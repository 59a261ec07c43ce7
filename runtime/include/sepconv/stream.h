/// @file
/// Streams: a plan of one axis, fed piece by piece. The outputs are those of the whole signal, bit for bit, wherever it
/// is cut. Output frame o comes with the piece that holds input frame o*stride + delay: with SEPCONV_PADDING_CAUSAL
/// delay is 0; with the other paddings an output reads frames to come, as many as sepconv_stream_delay says. The plan's
/// own extent does not matter, its batch does: all signals of a batch move together. A part of sepconv.h.
#ifndef SEPCONV_STREAM_H
#define SEPCONV_STREAM_H

#include "sepconv/sepconv.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sepconv_stream sepconv_stream;  ///< a batch of signals on their way; one thread at a time

/// Stands for all signals of a batch, where a function takes the index of one.
#define SEPCONV_ALL_SIGNALS (-1)

/// Bytes of memory that a stream needs: its state and its workspace. 0, and a sentence, if there is no stream of the
/// plan; see sepconv_stream_create.
SEPCONV_API size_t sepconv_stream_size(const sepconv_plan* plan);

/// Starts a stream at frame 0 in `memory`, 64-byte aligned and of sepconv_stream_size bytes, which is the caller's and
/// must outlive the stream and lie apart from `packed`; then neither this nor a push allocates. With NULL the stream
/// allocates its own here. The plan is copied; `packed` (from sepconv_plan_pack) must outlive the stream. On failure
/// *stream is NULL. Errors: SEPCONV_INVALID_ARGUMENT, SEPCONV_BAD_PACKED, SEPCONV_OUT_OF_MEMORY; SEPCONV_UNSUPPORTED
/// for a variant with a fixed in_extent, or one whose steps are too wide for 32-bit indices; for SEPCONV_PADDING_SAME
/// with a stride, whose zeros the whole length decides; for explicit padding of (kernel-1)*dilation+1 frames or more.
SEPCONV_API sepconv_status sepconv_stream_create(const sepconv_plan* plan, const void* packed, void* memory,
                                                 size_t memory_size, sepconv_stream** stream);

/// How many frames behind input frame o*stride output o waits for; -1 for NULL.
SEPCONV_API int64_t sepconv_stream_delay(const sepconv_stream* stream);

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

/// The number of output frames that sepconv_stream_finish would write now; -1 for NULL. 0 for causal padding.
SEPCONV_API int64_t sepconv_stream_last_frames(const sepconv_stream* stream);

/// Ends the signals: writes the output frames that read the zeros behind them, and starts again at frame 0. Tensors and
/// errors are those of a push; on an error nothing starts again.
SEPCONV_API sepconv_status sepconv_stream_finish(sepconv_stream* stream, const void* residual, void* output,
                                                 int64_t output_frames, int64_t* written);

/// The frames that a signal has taken since its start; -1 for an index that is not of the batch.
SEPCONV_API int64_t sepconv_stream_position(const sepconv_stream* stream, int64_t signal);

/// @name The state
/// What a stream remembers, of one signal or of SEPCONV_ALL_SIGNALS, as bytes that can be kept in a file and restored
/// into this stream, or another of the same layer: with any batch, weights, variant and machine of this byte order.
///
/// One signal of several can be reset or restored only where its outputs are its own from then on. That is not so
/// with a delay or a pad_after (SEPCONV_UNSUPPORTED), nor where it would fall out of step with a stride: the frames
/// that it and the others have taken must leave the same rest (SEPCONV_INVALID_ARGUMENT).
/// @{

/// Bytes of the state; 0, and a sentence, for an index that is not of the batch.
SEPCONV_API size_t sepconv_stream_state_size(const sepconv_stream* stream, int64_t signal);

/// Writes sepconv_stream_state_size bytes to `state`, which needs no alignment. Errors: SEPCONV_INVALID_ARGUMENT.
SEPCONV_API sepconv_status sepconv_stream_save(const sepconv_stream* stream, int64_t signal, void* state,
                                               size_t state_size);

/// The stream, or one signal of it, goes on from a saved state, all of whose state_size bytes are checked first. The
/// state of the whole stream can be restored into one with as many signals, that of one into any place. Errors, with
/// the stream as it was: SEPCONV_BAD_STATE (another plan, size or version, or damaged: found by a checksum, which finds
/// no intent), and those above.
SEPCONV_API sepconv_status sepconv_stream_restore(sepconv_stream* stream, int64_t signal, const void* state,
                                                  size_t state_size);

/// Lets one signal start at frame 0 while the others go on. Errors, with the stream as it was: those above.
SEPCONV_API sepconv_status sepconv_stream_reset_signal(sepconv_stream* stream, int64_t signal);

/// What those two would return, for callers who change several streams or none.
SEPCONV_API sepconv_status sepconv_stream_check_state(const sepconv_stream* stream, int64_t signal, const void* state,
                                                      size_t state_size);
SEPCONV_API sepconv_status sepconv_stream_check_reset(const sepconv_stream* stream, int64_t signal);
/// @}

SEPCONV_API void sepconv_stream_reset(sepconv_stream* stream);    ///< all signals back to frame 0
SEPCONV_API void sepconv_stream_destroy(sepconv_stream* stream);  ///< NULL is fine

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // SEPCONV_STREAM_H
