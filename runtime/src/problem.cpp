#include "problem.h"

#include <inttypes.h>

#include "error.h"
#include "integers.h"
#include "structs.h"
#include "terms.h"

namespace sepconv::internal {
namespace {

constexpr sepconv_status invalid = SEPCONV_INVALID_ARGUMENT;

// Output extent and padding of one axis.
sepconv_status analyse_axis(const sepconv_problem& p, int axis, Geometry* g) {
  const int64_t n = p.in_extent[axis], k = p.kernel_extent[axis], s = p.stride[axis], d = p.dilation[axis];
  if (n <= 0) {
    return fail(invalid, "Computed output size would be zero or negative: problem.in_extent[%d] is %" PRId64, axis, n);
  }
  const int64_t reach = saturating_add(saturating_multiply(k - 1, d), 1);
  int64_t before = 0, after = 0, out = 0;
  switch (p.padding) {
    case SEPCONV_PADDING_VALID:
    case SEPCONV_PADDING_COUNT:  // check_enums has refused it
      break;
    case SEPCONV_PADDING_SAME: {
      out = divide_up(n, s);
      // (out-1)*s <= n-1, so only the sum with a huge reach can overflow, and that is caught below.
      const int64_t total = larger(saturating_add((out - 1) * s - n, reach), int64_t{0});
      before = total / 2;
      after = total - before;
      break;
    }
    case SEPCONV_PADDING_CAUSAL:
      before = reach - 1;
      break;
    case SEPCONV_PADDING_EXPLICIT:
      before = p.pad_before[axis];
      after = p.pad_after[axis];
      if (before < 0)
        return fail(invalid, "problem.pad_before[%d] is %" PRId64 ": it must not be negative", axis, before);
      if (after < 0) return fail(invalid, "problem.pad_after[%d] is %" PRId64 ": it must not be negative", axis, after);
      break;
  }
  const int64_t padded = saturating_add(saturating_add(n, before), after);
  if (reach == too_large || padded == too_large) {
    return fail(invalid,
                "the padded extent of axis %d overflows 64 bits: in_extent %" PRId64 ", kernel_extent %" PRId64
                ", dilation %" PRId64 ", pad_before %" PRId64 ", pad_after %" PRId64,
                axis, n, k, d, before, after);
  }
  if (p.padding != SEPCONV_PADDING_SAME) {
    if (padded < reach) {
      return fail(invalid,
                  "Computed output size would be zero or negative: on axis %d in_extent with padding is %" PRId64
                  ", and kernel_extent %" PRId64 " with dilation %" PRId64 " covers %" PRId64,
                  axis, padded, k, d, reach);
    }
    out = (padded - reach) / s + 1;
  }
  g->in_extent[axis] = n;
  g->out_extent[axis] = out;
  g->pad_before[axis] = before;
  g->pad_after[axis] = after;
  g->reach[axis] = reach;
  g->stride[axis] = effective_step(s, out);
  g->dilation[axis] = effective_step(d, k);
  return SEPCONV_OK;
}

// Bytes of the tensors; all of them must fit the address space.
sepconv_status measure(const sepconv_problem& p, Geometry* g) {
  g->taps = g->in_pixels = g->out_pixels = 1;
  for (int axis = 0; axis < g->rank; ++axis) {
    g->taps = saturating_multiply(g->taps, p.kernel_extent[axis]);
    g->in_pixels = saturating_multiply(g->in_pixels, g->in_extent[axis]);
    g->out_pixels = saturating_multiply(g->out_pixels, g->out_extent[axis]);
  }
  g->mid_channels = saturating_multiply(p.in_channels, p.depth_multiplier);
  int64_t input_span = 0, output_span = 0;
  if (sepconv_status status = resolve_pitches(p, "input", g->in_extent, p.in_channels, p.input_pitch,
                                              p.input_channel_pitch, &g->input_pitch, &input_span)) {
    return status;
  }
  if (sepconv_status status = resolve_pitches(p, "output", g->out_extent, p.out_channels, p.output_pitch,
                                              p.output_channel_pitch, &g->output_pitch, &output_span)) {
    return status;
  }
  const int64_t input_size = dtype_size(p.input_dtype), weight_size = dtype_size(p.weight_dtype),
                mid_size = dtype_size(p.mid_dtype), output_size = dtype_size(p.output_dtype);
  const auto bytes = [](int64_t a, int64_t b, int64_t size) {
    return saturating_multiply(saturating_multiply(a, b), size);
  };
  g->input_bytes = saturating_multiply(input_span, input_size);
  g->output_bytes = saturating_multiply(output_span, output_size);
  constexpr unsigned in = term_in_channels | term_in_extent, out = term_out_channels | term_out_extent;
  const struct {
    const char* overflow;
    int64_t bytes;
    unsigned terms;
  } sizes[] = {
      {"the byte count of one image of the input overflows", bytes(g->in_pixels, p.in_channels, input_size), in},
      {"the byte count of one image of the output overflows", bytes(g->out_pixels, p.out_channels, output_size), out},
      {"the byte count of the input overflows", g->input_bytes, term_batch | in | term_input_pitch},
      {"the byte count of the output overflows", g->output_bytes, term_batch | out | term_output_pitch},
      {"the byte count of the depthwise kernel overflows", bytes(g->taps, g->mid_channels, weight_size),
       term_taps | term_in_channels | term_multiplier},
      {"the byte count of the pointwise kernel overflows", bytes(g->mid_channels, p.out_channels, weight_size),
       term_in_channels | term_multiplier | term_out_channels},
      {"the byte count of one image between the stages overflows", bytes(g->out_pixels, g->mid_channels, mid_size),
       term_in_channels | term_multiplier | term_out_extent},
  };
  for (const auto& size : sizes) {
    if (static_cast<uint64_t>(size.bytes) < static_cast<uint64_t>(PTRDIFF_MAX)) continue;
    return fail_for(invalid, *g, size.terms, size.overflow);
  }
  return SEPCONV_OK;
}

}  // namespace

TensorShape input_shape(const Geometry& g) {
  return shape_of(g.problem, g.in_extent, g.problem.in_channels, g.input_pitch, dtype_size(g.problem.input_dtype));
}

TensorShape output_shape(const Geometry& g) {
  return shape_of(g.problem, g.out_extent, g.problem.out_channels, g.output_pitch, dtype_size(g.problem.output_dtype));
}

sepconv_status analyse_problem(const sepconv_problem* problem, Geometry* g) {
  sepconv_status status;
  if ((status = read_struct(problem, &g->problem))) return status;
  if ((status = complete_and_check(&g->problem))) return status;
  const sepconv_problem& p = g->problem;
  g->rank = p.spatial_rank;
  for (int axis = 0; axis < SEPCONV_MAX_SPATIAL_RANK; ++axis) {
    if (axis < g->rank) {
      if ((status = analyse_axis(p, axis, g))) return status;
    } else {
      g->in_extent[axis] = g->out_extent[axis] = g->reach[axis] = g->stride[axis] = g->dilation[axis] = 1;
      g->pad_before[axis] = g->pad_after[axis] = 0;
      g->problem.in_extent[axis] = g->problem.kernel_extent[axis] = g->problem.stride[axis] =
          g->problem.dilation[axis] = 1;
    }
  }
  return measure(p, g);
}

}  // namespace sepconv::internal

extern "C" sepconv_status sepconv_output_extent(const sepconv_problem* problem,
                                                int64_t out_extent[SEPCONV_MAX_SPATIAL_RANK]) {
  if (out_extent == nullptr) return sepconv::internal::fail(SEPCONV_INVALID_ARGUMENT, "out_extent is NULL");
  sepconv::internal::Geometry geometry;
  if (sepconv_status status = sepconv::internal::analyse_problem(problem, &geometry)) return status;
  for (int axis = 0; axis < SEPCONV_MAX_SPATIAL_RANK; ++axis) out_extent[axis] = geometry.out_extent[axis];
  return SEPCONV_OK;
}
