// sepconv_fold_batch_norm.
#include <inttypes.h>
#include <math.h>

#include "error.h"
#include "problem.h"
#include "ranges.h"
#include "structs.h"

namespace sepconv::internal {
namespace {

constexpr sepconv_status invalid = SEPCONV_INVALID_ARGUMENT;

// The kernel and the bias are changed in place, so nothing else may overlap them.
sepconv_status check_arrays(const sepconv_batch_norm& norm, int64_t rows, int64_t channels, int64_t element,
                            const void* kernel, const void* bias) {
  const auto size = static_cast<size_t>(channels * element);
  const struct {
    const char* name;
    const void* data;
    size_t size;
  } arrays[] = {{"kernel", kernel, static_cast<size_t>(rows) * size},
                {"bias", bias, size},
                {"batch_norm.gamma", norm.gamma, size},
                {"batch_norm.beta", norm.beta, size},
                {"batch_norm.mean", norm.mean, size},
                {"batch_norm.variance", norm.variance, size}};
  for (const auto& array : arrays) {
    if (array.data == nullptr) continue;
    if (!aligned(array.data, static_cast<size_t>(element))) {
      return fail(invalid, "%s is %p: it must be aligned to its elements", array.name, array.data);
    }
    for (const auto* changed = arrays; changed < &array && changed < arrays + 2; ++changed) {
      if (!overlap(array.data, array.size, changed->data, changed->size)) continue;
      return fail(invalid, "%s overlaps %s", array.name, changed->name);
    }
  }
  return SEPCONV_OK;
}

// A parameter of one channel; `otherwise` where the caller left it out.
template <typename T>
double parameter(const void* values, int64_t channel, double otherwise) {
  return values == nullptr ? otherwise : static_cast<double>(static_cast<const T*>(values)[channel]);
}

// Both kernels are row-major matrices with one column a channel.
template <typename T>
sepconv_status fold(const sepconv_batch_norm& norm, int64_t rows, int64_t channels, T* kernel, T* bias) {
  for (int64_t c = 0; c < channels; ++c) {
    const double spread = parameter<T>(norm.variance, c, 1) + norm.epsilon;
    if (spread > 0) continue;  // false for a NaN, too
    if (norm.variance == nullptr) return fail(invalid, "batch_norm.epsilon is %g: it must be above -1", norm.epsilon);
    return fail(invalid, "batch_norm.variance[%" PRId64 "] + epsilon is %g: it must be positive", c, spread);
  }
  for (int64_t c = 0; c < channels; ++c) {
    const double spread = parameter<T>(norm.variance, c, 1) + norm.epsilon;
    const double scale = parameter<T>(norm.gamma, c, 1) / sqrt(spread);
    for (int64_t row = 0; row < rows; ++row) {
      T& weight = kernel[row * channels + c];
      weight = static_cast<T>(static_cast<double>(weight) * scale);
    }
    const double centred = static_cast<double>(bias[c]) - parameter<T>(norm.mean, c, 0);
    bias[c] = static_cast<T>(centred * scale + parameter<T>(norm.beta, c, 0));
  }
  return SEPCONV_OK;
}

sepconv_status fold_batch_norm(const sepconv_problem* problem, const sepconv_position& position,
                               const sepconv_batch_norm* given, void* kernel, void* bias) {
  Geometry g;
  sepconv_batch_norm norm;
  sepconv_status status;
  if ((status = analyse_problem(problem, &g))) return status;
  if ((status = read_struct(given, &norm))) return status;
  const int number = raw_value(position);
  if (number != SEPCONV_POSITION_MID && number != SEPCONV_POSITION_OUT) {
    return fail(invalid, "position is %d: it must be SEPCONV_POSITION_MID (0) or SEPCONV_POSITION_OUT (1)", number);
  }
  const bool mid = number == SEPCONV_POSITION_MID;
  if (g.problem.stages == (mid ? SEPCONV_STAGES_POINTWISE : SEPCONV_STAGES_DEPTHWISE)) {
    return fail(invalid, "position is %s, but the problem does not have that stage", mid ? "MID" : "OUT");
  }
  if (kernel == nullptr) return fail(invalid, "kernel is NULL");
  if (bias == nullptr) return fail(invalid, "bias is NULL: pass zeros where the layer had none");
  const int64_t rows = mid ? g.taps : g.mid_channels, channels = mid ? g.mid_channels : g.problem.out_channels;
  if ((status = check_arrays(norm, rows, channels, dtype_size(g.problem.weight_dtype), kernel, bias))) return status;
  switch (g.problem.weight_dtype) {
    case SEPCONV_DTYPE_F32:
      return fold(norm, rows, channels, static_cast<float*>(kernel), static_cast<float*>(bias));
    case SEPCONV_DTYPE_F64:
      return fold(norm, rows, channels, static_cast<double*>(kernel), static_cast<double*>(bias));
    default:
      return fail(SEPCONV_UNSUPPORTED, "problem.weight_dtype is %s: only float32 and float64 can be folded",
                  sepconv_dtype_name(g.problem.weight_dtype));
  }
}

}  // namespace
}  // namespace sepconv::internal

extern "C" sepconv_status sepconv_fold_batch_norm(const sepconv_problem* problem, sepconv_position position,
                                                  const sepconv_batch_norm* norm, void* kernel, void* bias) {
  return sepconv::internal::fold_batch_norm(problem, position, norm, kernel, bias);
}
