// Streams: a plan of one axis over a signal that arrives in pieces.
//
// The frames that outputs still need stand in a window, for each signal of the batch:
//
//   absolute frame   origin              need                     end
//   window           |  no longer needed |  needed by next_output  |  room ...  capacity |
//
// A push copies frames behind `end`, computes every output that they complete, a block at a time, as if the window from
// `need` on were a small signal of its own, and moves the window's contents to its front when the room is used up. The
// zeros before a signal's first frame are never stored: a block that needs them has so much padding, and so has the
// last one, for those behind the end. The sums of a frame are those of the whole signal, by the same variant, so the
// results are the same bit by bit.
#include "stream.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "integers.h"
#include "ranges.h"
#include "task.h"

namespace sepconv::internal {
namespace {

constexpr sepconv_status invalid = SEPCONV_INVALID_ARGUMENT;

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
  s->pad_before = plan.geometry.pad_before[0];
  s->pad_after = plan.geometry.pad_after[0];
  s->delay = layout.delay;
  s->block = layout.block;
  s->capacity = layout.capacity;
  s->packed = static_cast<const char*>(packed);
  s->zeros = bytes + layout.zeros;
  s->slice = bytes + layout.slice;
  s->starts = reinterpret_cast<int64_t*>(bytes + layout.starts);
  s->window = bytes + layout.window;
  s->size = size;
  s->own_memory = own;
  memset(s->zeros, 0, static_cast<size_t>(layout.cut.zero_bytes));
  reset(s);
  *stream = s;
  return SEPCONV_OK;
}

sepconv_status failed(sepconv_stream* s, int failure) {
  s->broken = true;
  return fail(SEPCONV_TASK_FAILED, "variant %s returned %d", s->plan.variant->name, failure);
}

// Computes the next `count` outputs of one signal. `offset`: bytes of the output before them.
int compute_block(sepconv_stream* s, int64_t signal, int64_t count, const char* residual, char* output,
                  int64_t offset) {
  Geometry& g = s->plan.geometry;
  const int64_t need = needed(*s), begin = larger(need, s->starts[signal]);
  const int64_t last = (s->next_output + count - 1) * s->stride + s->delay;
  const int64_t frames = smaller(last + 1, s->end) - begin;
  set_block(frames, count, begin - need, effective_step(s->stride, count, s->plan.variant->stride[0]), s->capacity, &g);
  const int64_t in_offset = (begin - s->origin) * g.input_pitch.axis[0] * dtype_size(g.problem.input_dtype);
  const TaskBuffers buffers = {s->packed,
                               s->window + in_offset,
                               residual == nullptr ? nullptr : residual + offset,
                               s->zeros,
                               output + offset,
                               1,
                               nullptr,
                               0};
  for (int64_t task = signal * s->plan.cut.tasks; task < (signal + 1) * s->plan.cut.tasks; ++task) {
    if (int failure = compute_task(s->plan, buffers, task, s->slice)) return failure;
  }
  return 0;
}

// Computes every output before `until`; `first` is the one at the front of the tensors.
int compute(sepconv_stream* s, int64_t until, const char* residual, char* output, int64_t first) {
  const Geometry& g = s->plan.geometry;
  while (s->next_output < until) {
    const int64_t count = smaller(until - s->next_output, s->block);
    const int64_t offset = (s->next_output - first) * g.output_pitch.axis[0] * dtype_size(g.problem.output_dtype);
    for (int64_t signal = 0; signal < g.problem.batch; ++signal) {
      if (int failure = compute_block(s, signal, count, residual, output, offset)) return failure;
    }
    s->next_output += count;
  }
  return 0;
}

// What is written begins at output `first`, at the front of the tensors.
sepconv_status push(sepconv_stream* s, const void* input, int64_t frames, const void* residual, void* output,
                    int64_t output_frames, int64_t* written) {
  if (sepconv_status status = check_frames(*s, frames)) return status;
  const int64_t first = s->next_output, outputs = outputs_before(*s, s->end + frames) - first;
  if (sepconv_status status = check_tensors(*s, input, frames, residual, output, output_frames, outputs)) return status;
  set_output(output_frames, &s->plan.geometry);
  if (s->plan.geometry.problem.batch == 0) {
    s->origin = s->end = s->end + frames;  // check_frames has seen to it that they can be counted
    s->next_output = outputs_before(*s, s->end);
    frames = 0;
  }
  for (int64_t taken = 0; taken < frames;) {
    taken += take(s, static_cast<const char*>(input), frames, taken);
    const int64_t until = outputs_before(*s, s->end);
    if (int failure = compute(s, until, static_cast<const char*>(residual), static_cast<char*>(output), first)) {
      return failed(s, failure);
    }
  }
  *written = s->next_output - first;
  return SEPCONV_OK;
}

sepconv_status finish(sepconv_stream* s, const void* residual, void* output, int64_t output_frames, int64_t* written) {
  if (sepconv_status status = check_whole(*s)) return status;
  const int64_t first = s->next_output, outputs = last_outputs(*s);
  if (sepconv_status status = check_tensors(*s, nullptr, 0, residual, output, output_frames, outputs)) return status;
  set_output(output_frames, &s->plan.geometry);
  if (s->plan.geometry.problem.batch != 0) {
    const char* const added = static_cast<const char*>(residual);
    if (int failure = compute(s, first + outputs, added, static_cast<char*>(output), first)) return failed(s, failure);
  }
  *written = outputs;
  reset(s);
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

extern "C" int64_t sepconv_stream_delay(const sepconv_stream* stream) { return stream == nullptr ? -1 : stream->delay; }

extern "C" int64_t sepconv_stream_frames(const sepconv_stream* stream, int64_t frames) {
  if (stream == nullptr || frames < 0 || !sepconv::internal::counts_so_far(*stream, frames)) return -1;
  return sepconv::internal::outputs_before(*stream, stream->end + frames) - stream->next_output;
}

extern "C" int64_t sepconv_stream_last_frames(const sepconv_stream* stream) {
  return stream == nullptr ? -1 : sepconv::internal::last_outputs(*stream);
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

extern "C" sepconv_status sepconv_stream_finish(sepconv_stream* stream, const void* residual, void* output,
                                                int64_t output_frames, int64_t* written) {
  constexpr sepconv_status invalid = SEPCONV_INVALID_ARGUMENT;
  if (stream == nullptr) return sepconv::internal::fail(invalid, "stream is NULL");
  if (written == nullptr) return sepconv::internal::fail(invalid, "written is NULL");
  *written = 0;
  return sepconv::internal::finish(stream, residual, output, output_frames, written);
}

extern "C" void sepconv_stream_reset(sepconv_stream* stream) {
  if (stream != nullptr) sepconv::internal::reset(stream);
}

extern "C" void sepconv_stream_destroy(sepconv_stream* stream) {
  if (stream != nullptr) free(stream->own_memory);
}
