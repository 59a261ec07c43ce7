// The state of a stream: what it holds, and where in its memory; see stream.cpp for how it moves.
#ifndef SEPCONV_SRC_STREAM_H
#define SEPCONV_SRC_STREAM_H

#include <stdint.h>

#include "plan.h"

struct sepconv_stream {
  sepconv_plan plan;      // a copy; its geometry becomes that of one block after the other
  int64_t stride, reach;  // of the problem
  int64_t block;          // outputs computed at once, at most
  int64_t capacity;       // frames of the window
  int64_t origin, end;    // absolute frames: the window's first, and behind its last
  int64_t next_output;
  const char* packed;
  char *zeros, *slice, *window;
  size_t size;       // bytes of the stream's memory, which begins with this struct
  void* own_memory;  // NULL where the memory is the caller's
};

namespace sepconv::internal {

inline constexpr int64_t stream_alignment = 64;

// How the memory of a stream is laid out, in bytes; every part begins at a multiple of 64.
struct StreamLayout {
  int64_t block, capacity;  // as in the stream
  Cut cut;
  int64_t zeros, slice, window, size;
};

// The geometry of `outputs` outputs over `frames` frames of a window with `capacity` frames.
void set_block(int64_t frames, int64_t outputs, int64_t pad_before, int64_t stride, int64_t capacity, Geometry* g);

// Where the outputs go: dense tensors of `frames` output frames.
void set_output(int64_t frames, Geometry* g);

// Errors: SEPCONV_INVALID_ARGUMENT for a plan that is not causal, SEPCONV_UNSUPPORTED for one that cannot be streamed.
sepconv_status lay_out_stream(const sepconv_plan& plan, StreamLayout* layout);

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_STREAM_H
