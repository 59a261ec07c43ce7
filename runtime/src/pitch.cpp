#include "pitch.h"

#include <inttypes.h>
#include <stdio.h>

#include "error.h"
#include "integers.h"
#include "ranges.h"

namespace sepconv::internal {
namespace {

// Bytes that one thing of the given level covers.
int64_t span_inside(const TensorShape& shape, int level) {
  int64_t bytes = shape.element;
  for (int i = 0; i < level; ++i) bytes += (shape.level[i].count - 1) * shape.level[i].step;
  return bytes;
}

// Whether all steps from `level` on are multiples of its own; a level of one thing does not step.
bool steps_in_multiples(const TensorShape& shape, int level, int64_t step) {
  for (int i = level; i < shape.levels; ++i) {
    if (shape.level[i].count > 1 && shape.level[i].step % step != 0) return false;
  }
  return true;
}

}  // namespace

sepconv_status resolve_pitches(const sepconv_problem& p, const char* tensor, const int64_t* extent, int64_t channels,
                               const int64_t* given, int64_t given_channel, TensorPitch* pitch, int64_t* span) {
  constexpr sepconv_status invalid = SEPCONV_INVALID_ARGUMENT;
  const int rank = p.spatial_rank;
  *pitch = {};
  int64_t inside = 1, last = 0;  // elements that the next pitch steps over; offset of the last element
  const auto step_over = [&](const char* name, int64_t own, int64_t count, int64_t* resolved) {
    *resolved = own == 0 ? inside : own;
    if (*resolved < inside) {
      return fail(invalid, "problem.%s_%s is %" PRId64 ", smaller than the %" PRId64 " elements that it steps over",
                  tensor, name, own, inside);
    }
    last = saturating_add(last, saturating_multiply(count - 1, *resolved));
    inside = saturating_multiply(*resolved, count);
    return SEPCONV_OK;
  };
  static const char* const names[] = {"pitch[0]", "pitch[1]", "pitch[2]", "pitch[3]"};
  const bool channels_last = p.layout == SEPCONV_LAYOUT_CHANNELS_LAST;
  sepconv_status status;
  if (channels_last) {
    if ((status = step_over("channel_pitch", given_channel, channels, &pitch->channel))) return status;
    if (pitch->channel != 1) {
      return fail(invalid, "problem.%s_channel_pitch is %" PRId64 ": with channels_last the channels are adjacent",
                  tensor, given_channel);
    }
  }
  for (int axis = rank - 1; axis >= 0; --axis) {
    if ((status = step_over(names[axis + 1], given[axis + 1], extent[axis], &pitch->axis[axis]))) return status;
    if (!channels_last && axis == rank - 1 && pitch->axis[axis] != 1) {
      return fail(invalid,
                  "problem.%s_pitch[%d] is %" PRId64
                  ": with channels_first the samples of the innermost axis are adjacent",
                  tensor, rank, given[rank]);
    }
  }
  if (!channels_last && (status = step_over("channel_pitch", given_channel, channels, &pitch->channel))) return status;
  if ((status = step_over(names[0], given[0], larger<int64_t>(p.batch, 1), &pitch->image))) return status;
  *span = p.batch == 0 ? 0 : saturating_add(last, 1);
  return SEPCONV_OK;
}

TensorShape shape_of(const sepconv_problem& p, const int64_t* extent, int64_t channels, const TensorPitch& pitch,
                     int64_t element) {
  TensorShape shape;
  shape.element = element;
  shape.levels = 0;
  const auto add = [&](int64_t count, int64_t step) {
    // The pitch of what there is one of only is any number.
    shape.level[shape.levels++] = {count, count > 1 ? step * element : 0};
  };
  if (p.layout == SEPCONV_LAYOUT_CHANNELS_LAST) add(channels, pitch.channel);
  for (int axis = p.spatial_rank - 1; axis >= 0; --axis) add(extent[axis], pitch.axis[axis]);
  if (p.layout != SEPCONV_LAYOUT_CHANNELS_LAST) add(channels, pitch.channel);
  add(p.batch, pitch.image);
  return shape;
}

int64_t span_of(const TensorShape& shape) {
  for (int i = 0; i < shape.levels; ++i) {
    if (shape.level[i].count == 0) return 0;
  }
  return span_inside(shape, shape.levels);
}

bool apart(const TensorShape& a, const void* a_data, const TensorShape& b, const void* b_data) {
  if (!overlap(a_data, static_cast<size_t>(span_of(a)), b_data, static_cast<size_t>(span_of(b)))) return true;
  const uintptr_t a_begin = reinterpret_cast<uintptr_t>(a_data), b_begin = reinterpret_cast<uintptr_t>(b_data);
  for (int i = 0; i < a.levels; ++i) {
    const int64_t step = a.level[i].step;
    if (step == 0 || step != b.level[i].step || !steps_in_multiples(a, i, step) || !steps_in_multiples(b, i, step))
      continue;
    // All addresses repeat every `step` bytes; b's things begin so far behind a's.
    const uintptr_t period = static_cast<uintptr_t>(step);
    const uintptr_t offset =
        b_begin >= a_begin ? (b_begin - a_begin) % period : (period - (a_begin - b_begin) % period) % period;
    const uintptr_t a_inside = static_cast<uintptr_t>(span_inside(a, i)),
                    b_inside = static_cast<uintptr_t>(span_inside(b, i));
    if (a_inside <= offset && offset + b_inside <= period) return true;
  }
  return false;
}

}  // namespace sepconv::internal
