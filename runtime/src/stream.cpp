// Streams: a causal plan over a signal that arrives in pieces.
//
// The frames that outputs still need stand in a window, for each signal of the batch:
//
//   absolute frame   origin              need                     end
//   window           |  no longer needed |  needed by next_output  |  room ...  capacity |
//
// A push copies frames behind `end`, computes every output that they complete, a block at a time, as if the window from
// `need` on were a small signal of its own, and moves the window's contents to its front when the room is used up. The
// zeros before frame 0 are never stored: a block that needs them has so much padding. The sums of a frame are those of
// the whole signal, by the same variant, so the results are the same bit by bit.
#include "stream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "integers.h"
#include "ranges.h"
#include "task.h"

namespace sepconv::internal {
namespace {

constexpr sepconv_status invalid = SEPCONV_INVALID_ARGUMENT;

void reset(sepconv_stream* s) { s->origin = s->end = s->next_output = 0; }

sepconv_status create(const sepconv_plan& plan, const void* packed, void* memory, size_t memory_size,
                      sepconv_stream** stream) {
  StreamLayout layout;
  if (sepconv_status status = lay_out_stream(plan, &layout)) return status;
  const size_t size = static_cast<size_t>(layout.size);
  if (packed == nullptr) return fail(invalid, "packed is NULL");
  if (!aligned(packed, packed_alignment)) {
    return fail(invalid, "packed is %p: it must be 64-byte aligned", packed);
  }
  if (sepconv_status status = check_header(plan.packed, packed, "packed")) return status;
  void* own = nullptr;
  if (memory == nullptr) {
    memory = own = aligned_alloc(static_cast<size_t>(stream_alignment), size);
    if (own == nullptr) return fail(SEPCONV_OUT_OF_MEMORY, "no memory for a stream (%zu bytes)", size);
  } else if (!aligned(memory, static_cast<size_t>(stream_alignment))) {
    return fail(invalid, "memory is %p: it must be 64-byte aligned", memory);
  } else if (memory_size < size) {
    return fail(invalid, "memory_size is %zu: the stream needs %zu bytes", memory_size, size);
  } else if (overlap(memory, size, packed, plan.packed.size)) {
    return fail(invalid, "memory overlaps packed");
  }
  char* const bytes = static_cast<char*>(memory);
  sepconv_stream* s = static_cast<sepconv_stream*>(memory);
  s->plan = plan;
  s->plan.cut = layout.cut;
  s->stride = plan.geometry.problem.stride[0];
  s->reach = plan.geometry.reach[0];
  s->block = layout.block;
  s->capacity = layout.capacity;
  s->packed = static_cast<const char*>(packed);
  s->zeros = bytes + layout.zeros;
  s->slice = bytes + layout.slice;
  s->window = bytes + layout.window;
  s->size = size;
  s->own_memory = own;
  memset(s->zeros, 0, static_cast<size_t>(layout.cut.zero_bytes));
  reset(s);
  *stream = s;
  return SEPCONV_OK;
}

// Frame o * stride completes output o.
int64_t outputs_before(const sepconv_stream& s, int64_t end) { return divide_up(end, s.stride); }

// Frames are counted from the stream's start, and the last one may have to be rounded up to a whole step.
bool counts_so_far(const sepconv_stream& s, int64_t frames) { return frames <= too_large - s.stride - s.end; }

// The first frame under the next output; below 0 where it is padding.
int64_t needed(const sepconv_stream& s) { return s.next_output * s.stride - (s.reach - 1); }

// Copies `frames` frames of every signal: `from` and `to` are tensors of `..._extent` frames a signal, of which the
// copied ones begin at `..._frame`.
void copy_frames(const sepconv_problem& p, const char* from, int64_t from_extent, int64_t from_frame, char* to,
                 int64_t to_extent, int64_t to_frame, int64_t frames) {
  const bool channels_last = p.layout == SEPCONV_LAYOUT_CHANNELS_LAST;
  const int64_t lines = channels_last ? p.batch : p.batch * p.in_channels;
  const int64_t frame = dtype_size(p.input_dtype) * (channels_last ? p.in_channels : 1);
  for (int64_t line = 0; line < lines; ++line) {
    memmove(to + (line * to_extent + to_frame) * frame, from + (line * from_extent + from_frame) * frame,
            static_cast<size_t>(frames * frame));
  }
}

// Takes as many frames as there is room for, and returns how many.
int64_t take(sepconv_stream* s, const char* input, int64_t frames, int64_t taken) {
  const sepconv_problem& p = s->plan.geometry.problem;
  const int64_t need = larger<int64_t>(needed(*s), 0), left = frames - taken;
  if (need >= s->end) {  // what the window holds, and perhaps some of the frames to come, is read by nobody
    const int64_t skipped = smaller(need - s->end, left);
    s->origin = s->end = s->end + skipped;
    if (skipped > 0) return skipped;
  } else if (s->origin + s->capacity == s->end) {
    copy_frames(p, s->window, s->capacity, need - s->origin, s->window, s->capacity, 0, s->end - need);
    s->origin = need;
  }
  const int64_t count = smaller(s->origin + s->capacity - s->end, left);
  copy_frames(p, input, frames, taken, s->window, s->capacity, s->end - s->origin, count);
  s->end += count;
  return count;
}

// Computes every output that is complete; `first` is the one at the front of the tensors.
int compute(sepconv_stream* s, const char* residual, char* output, int64_t first) {
  Geometry& g = s->plan.geometry;
  const sepconv_problem& p = g.problem;
  const int64_t until = outputs_before(*s, s->end);
  while (s->next_output < until) {
    const int64_t count = smaller(until - s->next_output, s->block);
    const int64_t need = needed(*s), begin = larger<int64_t>(need, 0);
    const int64_t frames = (s->next_output + count - 1) * s->stride + 1 - begin;
    set_block(frames, count, begin - need, effective_step(s->stride, count, s->plan.variant->stride[0]), s->capacity,
              &g);
    const int64_t in_offset = (begin - s->origin) * g.input_pitch.axis[0] * dtype_size(p.input_dtype);
    const int64_t out_offset = (s->next_output - first) * g.output_pitch.axis[0] * dtype_size(p.output_dtype);
    const TaskBuffers buffers = {s->packed,
                                 s->window + in_offset,
                                 residual == nullptr ? nullptr : residual + out_offset,
                                 s->zeros,
                                 output + out_offset,
                                 1,
                                 nullptr,
                                 0};
    for (int64_t task = 0; task < p.batch * s->plan.cut.tasks; ++task) {
      if (int failure = compute_task(s->plan, buffers, task, s->slice)) return failure;
    }
    s->next_output += count;
  }
  return 0;
}

sepconv_status check_push(const sepconv_stream& s, const void* input, int64_t frames, const void* residual,
                          const void* output, int64_t output_frames) {
  const sepconv_problem& p = s.plan.geometry.problem;
  const int64_t element = dtype_size(p.output_dtype);
  if (frames < 0) return fail(invalid, "frames is %" PRId64 ": it must not be negative", frames);
  if (!counts_so_far(s, frames)) {
    return fail(invalid, "frames is %" PRId64 ": after the %" PRId64 " frames so far they are too many to count",
                frames, s.end);
  }
  const int64_t outputs = outputs_before(s, s.end + frames) - s.next_output;
  if (output_frames < outputs) {
    return fail(invalid, "output_frames is %" PRId64 ": %" PRId64 " frames complete %" PRId64 " output frames",
                output_frames, frames, outputs);
  }
  if (residual != nullptr && p.has_residual == 0) {
    return fail(invalid, "residual is given, but the plan's problem has none (has_residual is 0)");
  }
  if (p.batch == 0) return SEPCONV_OK;
  const int64_t input_size = saturating_multiply(saturating_multiply(frames, p.in_channels), p.batch * element);
  const int64_t output_size =
      saturating_multiply(saturating_multiply(output_frames, p.out_channels), p.batch * element);
  // With channels first, a variant steps over whole channels of the output.
  const int64_t widest = p.layout == SEPCONV_LAYOUT_CHANNELS_FIRST ? p.out_channels : 1;
  if (input_size >= PTRDIFF_MAX) {
    return fail(invalid, "frames is %" PRId64 ": too large, the byte count of input overflows", frames);
  }
  if (output_size >= PTRDIFF_MAX || output_frames > INT32_MAX / widest) {
    return fail(invalid, "output_frames is %" PRId64 ": too large for 32-bit indices", output_frames);
  }
  const struct {
    const char* name;
    const void* data;
    bool wanted;
    int64_t size;
  } tensors[] = {{"output", output, outputs > 0, output_size},
                 {"input", input, frames > 0, input_size},
                 {"residual", residual, outputs > 0 && p.has_residual != 0, output_size}};
  for (const auto& tensor : tensors) {
    if (!tensor.wanted) continue;
    if (tensor.data == nullptr) return fail(invalid, "%s is NULL", tensor.name);
    if (!aligned(tensor.data, static_cast<size_t>(element))) {
      return fail(invalid, "%s is %p: it must be aligned to its elements", tensor.name, tensor.data);
    }
    const auto meets = [&tensor](const void* data, size_t size) {
      return overlap(tensor.data, static_cast<size_t>(tensor.size), data, size);
    };
    if (meets(&s, s.size)) return fail(invalid, "%s overlaps the stream's own memory", tensor.name);
    if (outputs == 0) continue;
    if (&tensor == tensors) {  // the output itself
      if (meets(s.packed, s.plan.packed.size)) return fail(invalid, "output overlaps the packed weights");
    } else if (meets(output, static_cast<size_t>(output_size))) {
      return fail(invalid, "output overlaps %s", tensor.name);
    }
  }
  return SEPCONV_OK;
}

sepconv_status push(sepconv_stream* s, const void* input, int64_t frames, const void* residual, void* output,
                    int64_t output_frames, int64_t* written) {
  if (sepconv_status status = check_push(*s, input, frames, residual, output, output_frames)) return status;
  const int64_t first = s->next_output;
  set_output(output_frames, &s->plan.geometry);
  if (s->plan.geometry.problem.batch == 0) {
    s->origin = s->end = s->end + frames;  // check_push has seen to it that they can be counted
    s->next_output = outputs_before(*s, s->end);
    frames = 0;
  }
  for (int64_t taken = 0; taken < frames;) {
    taken += take(s, static_cast<const char*>(input), frames, taken);
    if (int failure = compute(s, static_cast<const char*>(residual), static_cast<char*>(output), first)) {
      return fail(SEPCONV_TASK_FAILED, "variant %s returned %d", s->plan.variant->name, failure);
    }
  }
  *written = s->next_output - first;
  return SEPCONV_OK;
}

}  // namespace
}  // namespace sepconv::internal

extern "C" size_t sepconv_stream_size(const sepconv_plan* plan) {
  sepconv::internal::StreamLayout layout;
  if (plan == nullptr) return sepconv::internal::fail(SEPCONV_INVALID_ARGUMENT, "plan is NULL"), 0;
  return sepconv::internal::lay_out_stream(*plan, &layout) == SEPCONV_OK ? static_cast<size_t>(layout.size) : 0;
}

extern "C" sepconv_status sepconv_stream_create(const sepconv_plan* plan, const void* packed, void* memory,
                                                size_t memory_size, sepconv_stream** stream) {
  constexpr sepconv_status invalid = SEPCONV_INVALID_ARGUMENT;
  if (stream == nullptr) return sepconv::internal::fail(invalid, "stream is NULL");
  *stream = nullptr;
  if (plan == nullptr) return sepconv::internal::fail(invalid, "plan is NULL");
  return sepconv::internal::create(*plan, packed, memory, memory_size, stream);
}

extern "C" int64_t sepconv_stream_frames(const sepconv_stream* stream, int64_t frames) {
  if (stream == nullptr || frames < 0 || !sepconv::internal::counts_so_far(*stream, frames)) return -1;
  return sepconv::internal::outputs_before(*stream, stream->end + frames) - stream->next_output;
}

extern "C" sepconv_status sepconv_stream_push(sepconv_stream* stream, const void* input, int64_t frames,
                                              const void* residual, void* output, int64_t output_frames,
                                              int64_t* written) {
  constexpr sepconv_status invalid = SEPCONV_INVALID_ARGUMENT;
  if (stream == nullptr) return sepconv::internal::fail(invalid, "stream is NULL");
  if (written == nullptr) return sepconv::internal::fail(invalid, "written is NULL");
  *written = 0;
  return sepconv::internal::push(stream, input, frames, residual, output, output_frames, written);
}

extern "C" void sepconv_stream_reset(sepconv_stream* stream) {
  if (stream != nullptr) sepconv::internal::reset(stream);
}

extern "C" void sepconv_stream_destroy(sepconv_stream* stream) {
  if (stream != nullptr) free(stream->own_memory);
}
