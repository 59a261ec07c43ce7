// The rules that a problem's fields keep by themselves, before any arithmetic on them.
#include <inttypes.h>

#include "error.h"
#include "integers.h"
#include "problem.h"
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
  return fail(invalid, "problem.%s is %d: it must be from 0 to %d", field, number, count - 1);
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
    return fail(invalid, "problem.%s is set, but problem.stages is %s only: the problem does not have that stage",
                field, stage);
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

// What is there for floats only.
sepconv_status check_quantised(const sepconv_problem& p) {
  const char* const type = sepconv_dtype_name(p.input_dtype);
  const struct {
    const char* field;
    const sepconv_activation& activation;
  } activations[] = {{"input_activation", p.input_activation},
                     {"mid_activation", p.mid_activation},
                     {"out_activation", p.out_activation}};
  for (const auto& [field, activation] : activations) {
    if (is_clamp(activation)) continue;
    return fail(SEPCONV_UNSUPPORTED, "problem.%s is %s: with input_dtype %s so far only clamps are computed", field,
                sepconv_activation_name(activation.kind), type);
  }
  if (p.has_residual == 0) return SEPCONV_OK;
  return fail(SEPCONV_UNSUPPORTED, "problem.has_residual is set: with input_dtype %s there is none so far", type);
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

}  // namespace

sepconv_status complete_and_check(sepconv_problem* p) {
  sepconv_status status;
  if (p->spatial_rank < 1 || p->spatial_rank > SEPCONV_MAX_SPATIAL_RANK) {
    return fail(invalid, "problem.spatial_rank is %" PRId32 ": it must be 1, 2 or 3", p->spatial_rank);
  }
  if ((status = check_enums(*p))) return status;
  if ((status = complete_stages(p))) return status;
  return check_numbers(*p);
}

sepconv_status check_supported(const Geometry& g) {
  const sepconv_problem& p = g.problem;
  const bool half = is_half(p.input_dtype), quantised = is_quantised(p.input_dtype);
  const struct {
    const char* field;
    sepconv_dtype dtype, wanted;
  } dtypes[] = {{"input_dtype", p.input_dtype, p.input_dtype},
                {"weight_dtype", p.weight_dtype, quantised ? SEPCONV_DTYPE_I8 : p.input_dtype},
                {"mid_dtype", p.mid_dtype, half ? SEPCONV_DTYPE_F32 : p.input_dtype},
                {"output_dtype", p.output_dtype, p.input_dtype}};
  for (const auto& [field, dtype, wanted] : dtypes) {
    const char* const name = sepconv_dtype_name(dtype);
    if (!half && !quantised && dtype != SEPCONV_DTYPE_F32 && dtype != SEPCONV_DTYPE_F64) {
      return fail(SEPCONV_UNSUPPORTED,
                  "problem.%s is %s: so far tensors are float32, float64, float16, bfloat16, int8 or uint8", field,
                  name);
    }
    if (dtype == wanted) continue;
    return fail(SEPCONV_UNSUPPORTED, "problem.%s is %s: with input_dtype %s it must be %s", field, name,
                sepconv_dtype_name(p.input_dtype), sepconv_dtype_name(wanted));
  }
  return quantised ? check_quantised(p) : SEPCONV_OK;
}

}  // namespace sepconv::internal
