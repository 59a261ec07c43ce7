// The window of a stream: the frames that outputs to come still read; see stream.cpp.
#include <string.h>

#include "stream.h"

namespace sepconv::internal {
namespace {

// How frames of one signal lie: so many lines, each of them `frames` times `frame` bytes.
struct Lines {
  int64_t of_signal, frame;
  explicit Lines(const sepconv_problem& p) {
    const bool channels_last = p.layout == SEPCONV_LAYOUT_CHANNELS_LAST;
    of_signal = channels_last ? 1 : p.in_channels;
    frame = dtype_size(p.input_dtype) * (channels_last ? p.in_channels : 1);
  }
  int64_t in_batch(const sepconv_problem& p) const { return p.batch * of_signal; }

  // Copies `count` frames of `lines` lines: `from` and `to` have `..._extent` frames a line, of which the copied ones
  // begin at `..._frame`.
  void copy(int64_t lines, const char* from, int64_t from_extent, int64_t from_frame, char* to, int64_t to_extent,
            int64_t to_frame, int64_t count) const {
    for (int64_t line = 0; line < lines; ++line) {
      memmove(to + (line * to_extent + to_frame) * frame, from + (line * from_extent + from_frame) * frame,
              static_cast<size_t>(count * frame));
    }
  }
};

const sepconv_problem& problem_of(const sepconv_stream& s) { return s.plan.geometry.problem; }

char* window_of(const sepconv_stream& s, const Lines& lines, int64_t signal) {
  return s.window + signal * lines.of_signal * s.capacity * lines.frame;
}

}  // namespace

void reset(sepconv_stream* s) {
  s->origin = s->end = s->next_output = 0;
  s->broken = false;
  for (int64_t signal = 0; signal < problem_of(*s).batch; ++signal) s->starts[signal] = 0;
}

int64_t take(sepconv_stream* s, const char* input, int64_t frames, int64_t taken) {
  const Lines lines(problem_of(*s));
  const int64_t all = lines.in_batch(problem_of(*s));
  const int64_t need = larger(needed(*s), s->origin), left = frames - taken;
  if (need >= s->end) {  // what the window holds, and perhaps some of the frames to come, is read by nobody
    const int64_t skipped = smaller(need - s->end, left);
    s->origin = s->end = s->end + skipped;
    if (skipped > 0) return skipped;
  } else if (s->origin + s->capacity == s->end) {
    lines.copy(all, s->window, s->capacity, need - s->origin, s->window, s->capacity, 0, s->end - need);
    s->origin = need;
  }
  const int64_t count = smaller(s->origin + s->capacity - s->end, left);
  lines.copy(all, input, frames, taken, s->window, s->capacity, s->end - s->origin, count);
  s->end += count;
  return count;
}

void widen_window(sepconv_stream* s, int64_t origin) {
  const Lines lines(problem_of(*s));
  lines.copy(lines.in_batch(problem_of(*s)), s->window, s->capacity, 0, s->window, s->capacity, s->origin - origin,
             s->end - s->origin);
  s->origin = origin;
}

int64_t history_bytes(const sepconv_stream& s) {
  const Lines lines(problem_of(s));
  return (s.reach - 1) * lines.of_signal * lines.frame;
}

void read_window(const sepconv_stream& s, int64_t signal, int64_t begin, char* history) {
  const Lines lines(problem_of(s));
  const int64_t count = s.end - begin;
  lines.copy(lines.of_signal, window_of(s, lines, signal), s.capacity, begin - s.origin, history, s.reach - 1,
             s.reach - 1 - count, count);
}

void write_window(sepconv_stream* s, int64_t signal, int64_t begin, const char* history) {
  const Lines lines(problem_of(*s));
  const int64_t count = s->end - begin;
  lines.copy(lines.of_signal, history, s->reach - 1, s->reach - 1 - count, window_of(*s, lines, signal), s->capacity,
             begin - s->origin, count);
}

}  // namespace sepconv::internal
