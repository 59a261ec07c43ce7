// The state of a stream as bytes that can be saved and brought back, into this stream or another of the same layer:
//
//   header     64 bytes     SealedHeader; its form is the number of signals
//   frames     int64        that the oldest signal has taken since its start
//   for each signal:
//     frames   int64        how many it has taken since its start
//     history  [reach - 1, C] or [C, reach - 1]     at its end the frames that outputs to come read; before them zeros
//
// Each history is padded to a multiple of 8 bytes. A state knows nothing of weights, variants and machines.
#include <inttypes.h>
#include <string.h>

#include <initializer_list>

#include "error.h"
#include "ranges.h"
#include "sealed.h"
#include "stream.h"

namespace sepconv::internal {
namespace {

constexpr sepconv_status invalid = SEPCONV_INVALID_ARGUMENT;
constexpr uint64_t state_magic = 0x6d61657274737302u;  // "\2sstream" in a little-endian file
constexpr uint64_t state_version = 1;
constexpr size_t first_signal = sizeof(SealedHeader) + sizeof(int64_t);

constexpr SealedKind stream_state = {
    SEPCONV_BAD_STATE, "the state of a stream",
    "holds another number of signals: all of a batch are restored at once, or one into the place of one",
    "is of another plan (layout, types, channels, kernel, stride, dilation, padding, biases or activations differ)"};

// Of all that makes two problems the same layer on streams: not batch, length or pitches.
uint64_t layer_hash_of(const sepconv_stream& s) {
  const sepconv_problem& p = s.plan.geometry.problem;
  Hash hash;
  hash.add(static_cast<int64_t>(weights_hash_of(s.plan.geometry)));
  for (int64_t word : {int64_t{p.layout}, int64_t{p.input_dtype}, int64_t{p.output_dtype}, s.stride, p.dilation[0],
                       s.pad_before, s.pad_after, int64_t{p.has_residual != 0}}) {
    hash.add(word);
  }
  for (const sepconv_activation& activation : {p.input_activation, p.mid_activation, p.out_activation}) {
    const bool clamp = activation.kind == SEPCONV_ACTIVATION_CLAMP;
    const float bounds[2] = {clamp ? activation.lo : 0, clamp ? activation.hi : 0};
    int64_t bits;
    memcpy(&bits, bounds, sizeof bits);
    hash.add(int64_t{activation.kind});
    hash.add(bits);
  }
  return hash.value;
}

// All signals of the stream, or one.
int64_t count_of(const sepconv_stream& s, int64_t signal) {
  return signal == SEPCONV_ALL_SIGNALS ? s.plan.geometry.problem.batch : 1;
}

int64_t signal_bytes(const sepconv_stream& s) {
  return static_cast<int64_t>(sizeof(int64_t)) + round_up(history_bytes(s), sizeof(int64_t));
}

size_t state_bytes(const sepconv_stream& s, int64_t signal) {
  return first_signal + static_cast<size_t>(count_of(s, signal) * signal_bytes(s));
}

SealedHeader header_for(const sepconv_stream& s, int64_t signal) {
  return {state_magic,
          state_version,
          static_cast<uint64_t>(count_of(s, signal)),
          layer_hash_of(s),
          state_bytes(s, signal),
          0,
          0,
          0};
}

sepconv_status check_signal(const sepconv_stream& s, int64_t signal) {
  const int64_t batch = s.plan.geometry.problem.batch;
  if (signal == SEPCONV_ALL_SIGNALS || (signal >= 0 && signal < batch)) return SEPCONV_OK;
  return fail(invalid, "signal is %" PRId64 ": the batch has %" PRId64 ", the first is 0, and %d stands for all",
              signal, batch, SEPCONV_ALL_SIGNALS);
}

// Whether one signal of several may start again, or be exchanged: what comes out for it must be its own from then on.
sepconv_status check_alone(const sepconv_stream& s, int64_t signal, int64_t frames) {
  if (signal == SEPCONV_ALL_SIGNALS || s.plan.geometry.problem.batch == 1) return SEPCONV_OK;
  if (s.delay != 0 || s.pad_after != 0) {
    return fail(SEPCONV_UNSUPPORTED,
                "signal is %" PRId64
                ": a signal can start alone only where no output reads frames to come; this stream "
                "has a delay of %" PRId64 " frames and a pad_after of %" PRId64,
                signal, s.delay, s.pad_after);
  }
  if ((s.end - frames) % s.stride == 0) return SEPCONV_OK;
  return fail(invalid,
              "signal is %" PRId64 ": after %" PRId64
              " frames it would fall out of step with the others, which have "
              "taken %" PRId64 "; with stride %" PRId64 " both must leave the same rest",
              signal, frames, s.end, s.stride);
}

// The frames that the index-th signal of a state has taken, and where its history is; of the state, the oldest one's.
int64_t frames_of(const char* state) {
  int64_t frames;
  memcpy(&frames, state + sizeof(SealedHeader), sizeof frames);
  return frames;
}
int64_t frames_of(const sepconv_stream& s, const char* state, int64_t index, const char** history) {
  const char* const at = state + first_signal + index * signal_bytes(s);
  int64_t frames;
  memcpy(&frames, at, sizeof frames);
  *history = at + sizeof frames;
  return frames;
}

// A checksum finds damage, not intent: whatever the numbers are, they must make sense together.
sepconv_status check_ages(const sepconv_stream& s, const char* state, int64_t count) {
  const int64_t most = frames_of(state);
  const bool all_alike = count == 1 || s.delay != 0 || s.pad_after != 0;
  bool good = most >= 0 && most <= too_large / 2;
  for (int64_t i = 0; good && i < count; ++i) {
    const char* history;
    const int64_t frames = frames_of(s, state, i, &history);
    good = all_alike ? frames == most : frames >= 0 && frames <= most && (most - frames) % s.stride == 0;
  }
  if (good) return SEPCONV_OK;
  return fail(SEPCONV_BAD_STATE,
              "state says that its signals have taken numbers of frames, the largest of them %" PRId64
              ", to which no stream of this plan comes",
              most);
}

// The memory of a state, which has `wanted` bytes.
sepconv_status check_memory(const sepconv_stream& s, const void* state, size_t wanted) {
  if (state == nullptr) return fail(invalid, "state is NULL");
  if (overlap(state, wanted, &s, s.size)) return fail(invalid, "state overlaps the stream's own memory");
  return SEPCONV_OK;
}

sepconv_status check(const sepconv_stream& s, int64_t signal, const void* state, size_t size) {
  if (sepconv_status status = check_signal(s, signal)) return status;
  const size_t wanted = state_bytes(s, signal);
  if (size != wanted) {
    return fail(SEPCONV_BAD_STATE,
                "state_size is %zu: with signals of this stream, here %" PRId64 ", a state has %zu bytes", size,
                count_of(s, signal), wanted);
  }
  if (sepconv_status status = check_memory(s, state, wanted)) return status;
  if (sepconv_status status = check_sealed(stream_state, header_for(s, signal), state, "state")) return status;
  const char* const bytes = static_cast<const char*>(state);
  if (sepconv_status status = check_ages(s, bytes, count_of(s, signal))) return status;
  return check_alone(s, signal, frames_of(bytes));
}

sepconv_status save(const sepconv_stream& s, int64_t signal, void* state, size_t size) {
  if (sepconv_status status = check_signal(s, signal)) return status;
  if (sepconv_status status = check_whole(s)) return status;
  const size_t wanted = state_bytes(s, signal);
  if (sepconv_status status = check_memory(s, state, wanted)) return status;
  if (size < wanted) return fail(invalid, "state_size is %zu: the state has %zu bytes", size, wanted);
  char* at = static_cast<char*>(state);
  memset(at, 0, wanted);
  at += first_signal;
  int64_t most = count_of(s, signal) == 0 ? s.end : 0;  // a batch of no signals counts, too
  const int64_t first = larger<int64_t>(signal, 0);
  for (int64_t i = first; i < first + count_of(s, signal); ++i, at += signal_bytes(s)) {
    const int64_t frames = s.end - s.starts[i], begin = larger(needed(s), s.starts[i]);
    memcpy(at, &frames, sizeof frames);
    if (begin < s.end) read_window(s, i, begin, at + sizeof frames);
    most = larger(most, frames);
  }
  memcpy(static_cast<char*>(state) + sizeof(SealedHeader), &most, sizeof most);
  seal(header_for(s, signal), state);
  return SEPCONV_OK;
}

void restore(sepconv_stream* s, int64_t signal, const char* state) {
  const int64_t most = frames_of(state);
  const bool alone = signal != SEPCONV_ALL_SIGNALS && s->plan.geometry.problem.batch > 1;
  if (!alone) {
    reset(s);
    s->origin = s->end = most;
  } else if (most > s->end) {  // frames are counted from the oldest signal's start
    const int64_t later = most - s->end;
    s->origin += later;
    s->end += later;
    for (int64_t i = 0; i < s->plan.geometry.problem.batch; ++i) s->starts[i] += later;
  }
  s->next_output = outputs_before(*s, s->end);
  const int64_t first = larger<int64_t>(signal, 0);
  for (int64_t i = 0; i < count_of(*s, signal); ++i) {
    const char* history;
    const int64_t start = s->end - frames_of(*s, state, i, &history), begin = larger(needed(*s), start);
    s->starts[first + i] = start;
    if (begin >= s->end) continue;
    if (begin < s->origin) widen_window(s, begin);
    write_window(s, first + i, begin, history);
  }
}

}  // namespace
}  // namespace sepconv::internal

namespace si = sepconv::internal;

extern "C" int64_t sepconv_stream_position(const sepconv_stream* stream, int64_t signal) {
  if (stream == nullptr || signal < 0 || signal >= stream->plan.geometry.problem.batch) return -1;
  return stream->end - stream->starts[signal];
}

extern "C" size_t sepconv_stream_state_size(const sepconv_stream* stream, int64_t signal) {
  if (stream == nullptr) return si::fail(SEPCONV_INVALID_ARGUMENT, "stream is NULL"), 0;
  return si::check_signal(*stream, signal) == SEPCONV_OK ? si::state_bytes(*stream, signal) : 0;
}

extern "C" sepconv_status sepconv_stream_save(const sepconv_stream* stream, int64_t signal, void* state,
                                              size_t state_size) {
  if (stream == nullptr) return si::fail(SEPCONV_INVALID_ARGUMENT, "stream is NULL");
  return si::save(*stream, signal, state, state_size);
}

extern "C" sepconv_status sepconv_stream_check_state(const sepconv_stream* stream, int64_t signal, const void* state,
                                                     size_t state_size) {
  if (stream == nullptr) return si::fail(SEPCONV_INVALID_ARGUMENT, "stream is NULL");
  return si::check(*stream, signal, state, state_size);
}

extern "C" sepconv_status sepconv_stream_restore(sepconv_stream* stream, int64_t signal, const void* state,
                                                 size_t state_size) {
  if (stream == nullptr) return si::fail(SEPCONV_INVALID_ARGUMENT, "stream is NULL");
  if (sepconv_status status = si::check(*stream, signal, state, state_size)) return status;
  si::restore(stream, signal, static_cast<const char*>(state));
  return SEPCONV_OK;
}

extern "C" sepconv_status sepconv_stream_check_reset(const sepconv_stream* stream, int64_t signal) {
  if (stream == nullptr) return si::fail(SEPCONV_INVALID_ARGUMENT, "stream is NULL");
  if (sepconv_status status = si::check_signal(*stream, signal)) return status;
  return si::check_alone(*stream, signal, 0);
}

extern "C" sepconv_status sepconv_stream_reset_signal(sepconv_stream* stream, int64_t signal) {
  if (sepconv_status status = sepconv_stream_check_reset(stream, signal)) return status;
  if (signal == SEPCONV_ALL_SIGNALS || stream->plan.geometry.problem.batch == 1) {
    si::reset(stream);
  } else {
    stream->starts[signal] = stream->end;
  }
  return SEPCONV_OK;
}
