#include "problem.h"

#include <inttypes.h>
#include <math.h>

#include "error.h"
#include "integers.h"
#include "structs.h"

namespace sepconv::internal {
namespace {

constexpr sepconv_status invalid = SEPCONV_INVALID_ARGUMENT;

sepconv_status check_positive(int64_t value, const char* field) {
  if (value > 0) return SEPCONV_OK;
  return fail(invalid, "problem.%s is %" PRId64 ": it must be positive", field, value);
}

sepconv_status check_positive(const int64_t* values, int rank, const char* field) {
  for (int axis = 0; axis < rank; ++axis) {
    if (values[axis] > 0) continue;
    return fail(invalid, "problem.%s[%d] is %" PRId64 ": it must be positive", field, axis, values[axis]);
  }
  return SEPCONV_OK;
}

template <typename Enum>
sepconv_status check_enum(const Enum& value, int count, const char* field) {
  const int number = raw_value(value);
  if (number >= 0 && number < count) return SEPCONV_OK;
  return fail(invalid, "problem.%s is %d: unknown, the largest known value is %d", field, number, count - 1);
}

sepconv_status check_activation(const sepconv_activation& activation, const char* field) {
  if (sepconv_status status = check_enum(activation.kind, SEPCONV_ACTIVATION_COUNT, field)) return status;
  // Written so that a NaN on either side fails.
  if (activation.kind == SEPCONV_ACTIVATION_CLAMP && !(activation.lo <= activation.hi)) {
    return fail(invalid, "problem.%s clamps to [%g, %g]: lo must not exceed hi, and neither may be NaN", field,
                static_cast<double>(activation.lo), static_cast<double>(activation.hi));
  }
  return SEPCONV_OK;
}

// What the caller stored in enums may be any integer: nothing reads them as enums before this.
sepconv_status check_enums(const sepconv_problem& p) {
  sepconv_status status;
  if ((status = check_enum(p.layout, SEPCONV_LAYOUT_COUNT, "layout"))) return status;
  if ((status = check_enum(p.padding, SEPCONV_PADDING_COUNT, "padding"))) return status;
  if ((status = check_enum(p.stages, SEPCONV_STAGES_COUNT, "stages"))) return status;
  if ((status = check_enum(p.input_dtype, SEPCONV_DTYPE_COUNT, "input_dtype"))) return status;
  if ((status = check_enum(p.weight_dtype, SEPCONV_DTYPE_COUNT, "weight_dtype"))) return status;
  if ((status = check_enum(p.mid_dtype, SEPCONV_DTYPE_COUNT, "mid_dtype"))) return status;
  if ((status = check_enum(p.output_dtype, SEPCONV_DTYPE_COUNT, "output_dtype"))) return status;
  if ((status = check_activation(p.input_activation, "input_activation"))) return status;
  if ((status = check_activation(p.mid_activation, "mid_activation"))) return status;
  return check_activation(p.out_activation, "out_activation");
}

// Writes out what a 0 stands for in a problem of one stage, and refuses what belongs to the other stage.
sepconv_status complete_stages(sepconv_problem* p) {
  const auto refuse = [](const char* field, const char* stage) {
    return fail(invalid, "problem.%s is set, but problem.stages is %s only: it has no such stage", field, stage);
  };
  if (p->stages == SEPCONV_STAGES_DEPTHWISE) {
    const int64_t channels = saturating_multiply(p->in_channels, p->depth_multiplier);
    if (p->out_channels == 0) p->out_channels = channels;
    if (p->out_channels != channels) {
      return fail(invalid,
                  "problem.out_channels is %" PRId64
                  ": a depthwise-only problem has in_channels * depth_multiplier, "
                  "%" PRId64,
                  p->out_channels, channels);
    }
    if (p->has_out_bias != 0) return refuse("has_out_bias", "depthwise");
    if (p->has_residual != 0) return refuse("has_residual", "depthwise");
    if (p->out_activation.kind != SEPCONV_ACTIVATION_NONE) return refuse("out_activation", "depthwise");
  } else if (p->stages == SEPCONV_STAGES_POINTWISE) {
    for (int axis = 0; axis < p->spatial_rank; ++axis) {
      if (p->kernel_extent[axis] == 0) p->kernel_extent[axis] = 1;
      if (p->dilation[axis] == 0) p->dilation[axis] = 1;
      if (p->kernel_extent[axis] == 1 && p->dilation[axis] == 1) continue;
      return fail(invalid,
                  "problem.kernel_extent[%d] is %" PRId64 " and dilation[%d] %" PRId64
                  ": a pointwise-only problem has 1 and 1",
                  axis, p->kernel_extent[axis], axis, p->dilation[axis]);
    }
    if (p->depth_multiplier != 1) {
      return fail(invalid, "problem.depth_multiplier is %" PRId64 ": a pointwise-only problem has 1",
                  p->depth_multiplier);
    }
    if (p->has_mid_bias != 0) return refuse("has_mid_bias", "pointwise");
    if (p->mid_activation.kind != SEPCONV_ACTIVATION_NONE) return refuse("mid_activation", "pointwise");
  }
  return SEPCONV_OK;
}

sepconv_status check_numbers(const sepconv_problem& p) {
  sepconv_status status;
  if (p.batch < 0) return fail(invalid, "problem.batch is %" PRId64 ": it must not be negative", p.batch);
  if ((status = check_positive(p.in_channels, "in_channels"))) return status;
  if ((status = check_positive(p.depth_multiplier, "depth_multiplier"))) return status;
  if ((status = check_positive(p.out_channels, "out_channels"))) return status;
  if ((status = check_positive(p.kernel_extent, p.spatial_rank, "kernel_extent"))) return status;
  if ((status = check_positive(p.stride, p.spatial_rank, "stride"))) return status;
  if ((status = check_positive(p.dilation, p.spatial_rank, "dilation"))) return status;
  if (p.padding == SEPCONV_PADDING_CAUSAL && p.spatial_rank != 1) {
    return fail(invalid, "problem.padding is SEPCONV_PADDING_CAUSAL, which needs spatial_rank 1, not %" PRId32,
                p.spatial_rank);
  }
  return SEPCONV_OK;
}

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
  g->stride[axis] = out == 1 ? 1 : s;
  g->dilation[axis] = k == 1 ? 1 : d;
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
  const struct {
    const char* tensor;
    int64_t bytes;
  } sizes[] = {
      {"one image of the input", bytes(g->in_pixels, p.in_channels, input_size)},
      {"one image of the output", bytes(g->out_pixels, p.out_channels, output_size)},
      {"the input", g->input_bytes},
      {"the output", g->output_bytes},
      {"the depthwise kernel", bytes(g->taps, g->mid_channels, weight_size)},
      {"the pointwise kernel", bytes(g->mid_channels, p.out_channels, weight_size)},
      {"one image between the stages", bytes(g->out_pixels, g->mid_channels, mid_size)},
  };
  for (const auto& size : sizes) {
    if (static_cast<uint64_t>(size.bytes) < static_cast<uint64_t>(PTRDIFF_MAX)) continue;
    return fail(invalid,
                "the byte count of %s overflows: batch %" PRId64 ", in_channels %" PRId64 ", depth_multiplier %" PRId64
                ", out_channels %" PRId64 ", %" PRId64 " input and %" PRId64 " output pixels, %" PRId64 " taps",
                size.tensor, p.batch, p.in_channels, p.depth_multiplier, p.out_channels, g->in_pixels, g->out_pixels,
                g->taps);
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

sepconv_activation leaf_activation(const sepconv_activation& activation) {
  switch (activation.kind) {
    case SEPCONV_ACTIVATION_RELU:
      return {SEPCONV_ACTIVATION_CLAMP, 0.0f, INFINITY};
    case SEPCONV_ACTIVATION_RELU6:
      return {SEPCONV_ACTIVATION_CLAMP, 0.0f, 6.0f};
    case SEPCONV_ACTIVATION_CLAMP:
      return activation;
    case SEPCONV_ACTIVATION_NONE:
      return {SEPCONV_ACTIVATION_CLAMP, -INFINITY, INFINITY};
    default:
      return {activation.kind, -INFINITY, INFINITY};
  }
}

bool is_clamp(const sepconv_activation& activation) { return activation.kind <= SEPCONV_ACTIVATION_CLAMP; }

sepconv_status analyse_problem(const sepconv_problem* problem, Geometry* g) {
  sepconv_status status;
  if ((status = read_struct(problem, &g->problem))) return status;
  const sepconv_problem& p = g->problem;
  if (p.spatial_rank < 1 || p.spatial_rank > SEPCONV_MAX_SPATIAL_RANK) {
    return fail(invalid, "problem.spatial_rank is %" PRId32 ": it must be 1, 2 or 3", p.spatial_rank);
  }
  if ((status = check_enums(p))) return status;
  if ((status = complete_stages(&g->problem))) return status;
  if ((status = check_numbers(p))) return status;
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
  if ((status = measure(p, g))) return status;
  return SEPCONV_OK;
}

sepconv_status check_supported(const Geometry& g, sepconv_device device) {
  const sepconv_problem& p = g.problem;
  const bool half = p.input_dtype == SEPCONV_DTYPE_F16 || p.input_dtype == SEPCONV_DTYPE_BF16;
  constexpr sepconv_status no = SEPCONV_UNSUPPORTED;
  const struct {
    const char* field;
    sepconv_dtype dtype;
  } dtypes[] = {{"input_dtype", p.input_dtype},
                {"weight_dtype", p.weight_dtype},
                {"mid_dtype", p.mid_dtype},
                {"output_dtype", p.output_dtype}};
  for (const auto& entry : dtypes) {
    if (device != SEPCONV_DEVICE_CPU && half) {
      const bool mid = entry.field == dtypes[2].field;
      if (entry.dtype == (mid ? SEPCONV_DTYPE_F32 : p.input_dtype)) continue;
      return fail(no, "problem.%s is %d: with input_dtype %d it must be %d on a GPU", entry.field,
                  static_cast<int>(entry.dtype), static_cast<int>(p.input_dtype),
                  static_cast<int>(mid ? SEPCONV_DTYPE_F32 : p.input_dtype));
    }
    if (entry.dtype == p.input_dtype && entry.dtype <= SEPCONV_DTYPE_F64) continue;
    return fail(no,
                "problem.%s is %d: only all four SEPCONV_DTYPE_F32 (0) or all four SEPCONV_DTYPE_F64 (1) are built yet",
                entry.field, static_cast<int>(entry.dtype));
  }
  return SEPCONV_OK;
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
