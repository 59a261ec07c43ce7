// What a push demands of its arguments.
#include <inttypes.h>

#include "error.h"
#include "ranges.h"
#include "stream.h"

namespace sepconv::internal {
namespace {

constexpr sepconv_status invalid = SEPCONV_INVALID_ARGUMENT;

}  // namespace

sepconv_status check_whole(const sepconv_stream& s) {
  return s.broken ? fail(invalid, "stream has failed in an earlier call: reset it, or restore a state") : SEPCONV_OK;
}

sepconv_status check_frames(const sepconv_stream& s, int64_t frames) {
  if (sepconv_status status = check_whole(s)) return status;
  if (frames < 0) return fail(invalid, "frames is %" PRId64 ": it must not be negative", frames);
  if (!counts_so_far(s, frames)) {
    return fail(invalid, "frames is %" PRId64 ": after the %" PRId64 " frames so far they are too many to count",
                frames, s.end);
  }
  return SEPCONV_OK;
}

sepconv_status check_tensors(const sepconv_stream& s, const void* input, int64_t frames, const void* residual,
                             const void* output, int64_t output_frames, int64_t outputs) {
  const sepconv_problem& p = s.plan.geometry.problem;
  const int64_t element = dtype_size(p.output_dtype);
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

}  // namespace sepconv::internal
