// The state of a stream: what it holds, and where in its memory; see stream.cpp for how it moves.
#ifndef SEPCONV_SRC_STREAM_H
#define SEPCONV_SRC_STREAM_H

#include <stdint.h>

#include "integers.h"
#include "plan.h"

struct sepconv_stream {
  sepconv_plan plan;              // a copy; its geometry becomes that of one block after the other
  int64_t stride, reach;          // of the problem
  int64_t pad_before, pad_after;  // of the problem
  int64_t delay;                  // frames behind o * stride that output o waits for: reach - 1 - pad_before
  int64_t block;                  // outputs computed at once, at most
  int64_t capacity;               // frames of the window
  int64_t origin, end;            // absolute frames: the window's first, and behind its last
  int64_t next_output;
  bool broken;  // a task has failed: what the window holds is no longer what `end` says
  const char* packed;
  char *zeros, *slice, *window;
  int64_t* starts;   // absolute frames, one a signal: its first. Those before it are padding.
  size_t size;       // bytes of the stream's memory, which begins with this struct
  void* own_memory;  // NULL where the memory is the caller's
};

namespace sepconv::internal {

inline constexpr int64_t stream_alignment = 64;

// How the memory of a stream is laid out, in bytes; every part begins at a multiple of 64.
struct StreamLayout {
  int64_t block, capacity, delay;  // as in the stream
  Cut cut;
  int64_t zeros, slice, starts, window, size;
};

// The geometry of `outputs` outputs over `frames` frames of a window with `capacity` frames.
void set_block(int64_t frames, int64_t outputs, int64_t pad_before, int64_t stride, int64_t capacity, Geometry* g);

// Where the outputs go: dense tensors of `frames` output frames.
void set_output(int64_t frames, Geometry* g);

// Errors: SEPCONV_INVALID_ARGUMENT for a plan that has more axes than one, SEPCONV_UNSUPPORTED for one that cannot be
// streamed.
sepconv_status lay_out_stream(const sepconv_plan& plan, StreamLayout* layout);

// Output o is complete with frame o * stride + delay: how many are, of the first `end` frames.
inline int64_t outputs_before(const sepconv_stream& s, int64_t end) {
  return end <= s.delay ? 0 : divide_up(end - s.delay, s.stride);
}

// How many more the end of the signal would complete: those that read the zeros behind it. A signal that has not begun
// has none.
inline int64_t last_outputs(const sepconv_stream& s) {
  return s.end == 0 ? 0 : outputs_before(s, saturating_add(s.end, s.pad_after)) - s.next_output;
}

// Frames are counted from the stream's start, and the last one may have to be rounded up to a whole step.
inline bool counts_so_far(const sepconv_stream& s, int64_t frames) { return frames <= too_large - s.stride - s.end; }

// The first frame under the next output; below 0 where it is padding.
inline int64_t needed(const sepconv_stream& s) { return s.next_output * s.stride - s.pad_before; }

// All signals back to frame 0.
void reset(sepconv_stream* stream);

// Takes as many frames into the window as there is room for, from the `taken`-th of `input` on, and returns how many.
int64_t take(sepconv_stream* stream, const char* input, int64_t frames, int64_t taken);

// Moves the window, whose frames stay, so that it begins at `origin`, an earlier frame.
void widen_window(sepconv_stream* stream, int64_t origin);

// Copies frames [begin, end) of a signal, which the window holds or gets, to or from the end of `history`: a dense
// tensor of reach - 1 frames in the plan's layout.
void read_window(const sepconv_stream& stream, int64_t signal, int64_t begin, char* history);
void write_window(sepconv_stream* stream, int64_t signal, int64_t begin, const char* history);
int64_t history_bytes(const sepconv_stream& stream);

// What a push, or the end of the signal, demands of its arguments; `outputs` of them will be written.
sepconv_status check_whole(const sepconv_stream& stream);  // that no task of it has failed
sepconv_status check_frames(const sepconv_stream& stream, int64_t frames);
sepconv_status check_tensors(const sepconv_stream& stream, const void* input, int64_t frames, const void* residual,
                             const void* output, int64_t output_frames, int64_t outputs);

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_STREAM_H
