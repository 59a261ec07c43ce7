#include "support/quantised.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/tensor.h"

namespace sepconv::test {
namespace {

bool is_unsigned(const sepconv_problem& problem) { return problem.input_dtype == SEPCONV_DTYPE_U8; }

int32_t wrapped(int64_t sum) { return static_cast<int32_t>(static_cast<uint32_t>(sum)); }

// gemmlowp's SaturatingRoundingDoublingHighMul: the high half of 2ab, to the nearest, halves up.
int32_t doubling_high(int32_t a, int32_t b) {
  const int64_t product = int64_t{a} * b;
  const int64_t nudge = product >= 0 ? int64_t{1} << 30 : 1 - (int64_t{1} << 30);
  return static_cast<int32_t>((product + nudge) / (int64_t{1} << 31));
}

// gemmlowp's RoundingDivideByPOT: to the nearest, halves away from zero.
int32_t divide_by_power(int32_t x, int exponent) {
  const int32_t mask = static_cast<int32_t>((int64_t{1} << exponent) - 1), rest = x & mask;
  const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> exponent) + (rest > threshold ? 1 : 0);
}

// TFLite's MultiplyByQuantizedMultiplier after its QuantizeMultiplier.
int32_t multiply_exactly(int32_t sum, double scale) {
  int exponent;
  int64_t numerator = std::llround(std::frexp(scale, &exponent) * static_cast<double>(int64_t{1} << 31));
  if (numerator == int64_t{1} << 31) {
    numerator /= 2;
    ++exponent;
  }
  if (exponent < -31) numerator = exponent = 0;
  if (exponent > 30) {
    exponent = 30;
    numerator = (int64_t{1} << 31) - 1;
  }
  const int32_t shifted = wrapped(int64_t{sum} * (int64_t{1} << std::max(exponent, 0)));
  return divide_by_power(doubling_high(shifted, static_cast<int32_t>(numerator)), std::max(-exponent, 0));
}

struct Bounds {
  int64_t lo, hi;
};

// TFLite's CalculateActivationRangeQuantized, for clamps of any bounds.
Bounds bounds_of(const sepconv_activation& activation, float scale, int32_t zero, bool is_unsigned) {
  const int64_t least = is_unsigned ? 0 : -128, most = least + 255;
  const auto integer = [&](float real) {
    return std::clamp(
        static_cast<int64_t>(zero) + static_cast<int64_t>(std::clamp(std::round(real / scale), -1e6F, 1e6F)), least,
        most);
  };
  switch (activation.kind) {
    case SEPCONV_ACTIVATION_RELU:
      return {integer(0), most};
    case SEPCONV_ACTIVATION_RELU6:
      return {integer(0), integer(6)};
    case SEPCONV_ACTIVATION_CLAMP:
      return {integer(activation.lo), integer(activation.hi)};
    default:
      return {least, most};
  }
}

// One stage's sums to integers of the next tensor.
struct Requantise {
  sepconv_rounding rounding;
  float input, output;
  const std::vector<float>& kernel;
  int32_t zero;
  Bounds bounds;

  int64_t operator()(int64_t wide_sum, int64_t channel) const {
    const int32_t sum = wrapped(wide_sum);
    const float kernel_scale = kernel[kernel.size() == 1 ? 0 : static_cast<size_t>(channel)];
    if (rounding == SEPCONV_ROUNDING_EXACT) {
      const double scale = static_cast<double>(input) * static_cast<double>(kernel_scale) / static_cast<double>(output);
      return std::clamp(int64_t{multiply_exactly(sum, scale)} + zero, bounds.lo, bounds.hi);
    }
    // XNNPACK clamps before it rounds, with the zero point taken off.
    const float scaled = static_cast<float>(sum) * (input * kernel_scale / output);
    const float near =
        std::min(std::max(scaled, static_cast<float>(bounds.lo - zero)), static_cast<float>(bounds.hi - zero));
    return static_cast<int64_t>(std::nearbyint(near)) + zero;
  }
};

float random_scale(Random& random, float least_exponent, float most_exponent) {
  const float part = static_cast<float>(uniform(random, 0, 1 << 20)) * 0x1p-20F;
  return std::exp2(least_exponent + (most_exponent - least_exponent) * part);
}

}  // namespace

sepconv_weights QuantisedLayer::weights() {
  const auto data = [](const auto& values) -> const void* { return values.empty() ? nullptr : values.data(); };
  quantization.depthwise_scale = depthwise_scale.empty() ? nullptr : depthwise_scale.data();
  quantization.pointwise_scale = pointwise_scale.empty() ? nullptr : pointwise_scale.data();
  quantization.depthwise_scale_count = static_cast<int64_t>(depthwise_scale.size());
  quantization.pointwise_scale_count = static_cast<int64_t>(pointwise_scale.size());
  sepconv_weights weights;
  sepconv_weights_init(&weights, sizeof weights);
  weights.depthwise_kernel = data(depthwise);
  weights.pointwise_kernel = data(pointwise);
  weights.mid_bias = data(mid_bias);
  weights.out_bias = data(out_bias);
  weights.quantization = &quantization;
  return weights;
}

QuantisedLayer random_quantised(Random& random, const sepconv_problem& given, sepconv_rounding rounding,
                                Numbers numbers) {
  QuantisedLayer layer;
  layer.problem = given;
  const sepconv_problem problem = completed(given);
  const bool extreme = numbers == Numbers::kExtreme;
  const auto draw = [&](int64_t count) {
    std::vector<int8_t> values(static_cast<size_t>(count));
    // All at one end now and then, so that sums reach theirs.
    const bool at_end = extreme && one_in(random, 2);
    const int8_t end = one_in(random, 2) ? -128 : 127;
    for (int8_t& value : values) value = at_end ? end : static_cast<int8_t>(uniform(random, -128, 127));
    return values;
  };
  const auto biases = [&](int64_t count) {
    std::vector<int32_t> values(static_cast<size_t>(count));
    const int64_t most = extreme ? 1 << 28 : 1 << 12;
    for (int32_t& value : values) value = static_cast<int32_t>(uniform(random, -most, most));
    return values;
  };
  layer.input = draw(input_count(problem));
  layer.depthwise = draw(depthwise_count(problem));
  layer.pointwise = draw(pointwise_count(problem));
  if (problem.has_mid_bias) layer.mid_bias = biases(mid_count(problem));
  if (problem.has_out_bias) layer.out_bias = biases(problem.out_channels);

  sepconv_quantization& q = layer.quantization;
  sepconv_quantization_init(&q, sizeof q);
  q.rounding = rounding;
  const int32_t least = is_unsigned(problem) ? 0 : -128;
  for (int32_t* zero : {&q.input_zero_point, &q.mid_zero_point, &q.output_zero_point}) {
    *zero = static_cast<int32_t>(uniform(random, least, least + 255));
    if (extreme && one_in(random, 2)) *zero = one_in(random, 2) ? least : least + 255;
  }
  q.input_scale = random_scale(random, -6, 0);
  // The next tensor's scale so that its values spread over what it holds; at the extremes anything from there.
  const auto spread = [&](float input, float kernel, int64_t terms) {
    const float usual = input * kernel * std::sqrt(static_cast<float>(terms)) * 40;
    return extreme ? usual * random_scale(random, -8, 14) : usual * random_scale(random, -1, 1);
  };
  const auto kernel_scales = [&](int64_t channels) {
    std::vector<float> scales(one_in(random, 4) ? 1 : static_cast<size_t>(channels));
    for (float& scale : scales) scale = one_in(random, 8) ? 0x1p-7F : random_scale(random, -8, -6);  // ties, too
    return scales;
  };
  if (problem.stages != SEPCONV_STAGES_POINTWISE) layer.depthwise_scale = kernel_scales(mid_count(problem));
  if (problem.stages != SEPCONV_STAGES_DEPTHWISE) layer.pointwise_scale = kernel_scales(problem.out_channels);
  int64_t taps = 1;
  for (int axis = 0; axis < problem.spatial_rank; ++axis) taps *= problem.kernel_extent[axis];
  q.mid_scale = problem.stages == SEPCONV_STAGES_POINTWISE ? q.input_scale : spread(q.input_scale, 0x1p-7F, taps);
  q.output_scale =
      problem.stages == SEPCONV_STAGES_DEPTHWISE ? q.mid_scale : spread(q.mid_scale, 0x1p-7F, mid_count(problem));
  if (problem.stages == SEPCONV_STAGES_DEPTHWISE) q.mid_scale = 1;
  return layer;
}

std::vector<int8_t> quantised_reference(const QuantisedLayer& layer) {
  const sepconv_problem problem = completed(layer.problem);
  const sepconv_quantization& q = layer.quantization;
  const bool is_u8 = is_unsigned(problem), depthwise_only = problem.stages == SEPCONV_STAGES_DEPTHWISE,
             pointwise_only = problem.stages == SEPCONV_STAGES_POINTWISE;
  const auto integer = [&](int8_t bits) { return is_u8 ? int64_t{static_cast<uint8_t>(bits)} : int64_t{bits}; };
  const int64_t channels = problem.in_channels, multiplier = problem.depth_multiplier, mids = mid_count(problem),
                filters = problem.out_channels;
  const float mid_scale = depthwise_only ? q.output_scale : q.mid_scale;
  const int32_t mid_zero = depthwise_only   ? q.output_zero_point
                           : pointwise_only ? q.input_zero_point
                                            : q.mid_zero_point;
  const Bounds in_bounds = bounds_of(problem.input_activation, q.input_scale, q.input_zero_point, is_u8);
  const Requantise to_mid = {q.rounding, q.input_scale,
                             mid_scale,  layer.depthwise_scale,
                             mid_zero,   bounds_of(problem.mid_activation, mid_scale, mid_zero, is_u8)};
  const Requantise to_output = {
      q.rounding,          pointwise_only ? q.input_scale : q.mid_scale,
      q.output_scale,      layer.pointwise_scale,
      q.output_zero_point, bounds_of(problem.out_activation, q.output_scale, q.output_zero_point, is_u8)};
  // All axes, the outer ones of lower ranks with extent 1.
  int64_t in[3] = {1, 1, 1}, kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, dilation[3] = {1, 1, 1}, out[3] = {1, 1, 1},
          pad[3] = {0, 0, 0};
  for (int axis = 0; axis < problem.spatial_rank; ++axis) {
    const int at = 3 - problem.spatial_rank + axis;
    in[at] = problem.in_extent[axis];
    kernel[at] = problem.kernel_extent[axis];
    stride[at] = problem.stride[axis];
    dilation[at] = problem.dilation[axis];
    const OutputAxis output = output_axis(problem, axis);
    out[at] = output.extent;
    pad[at] = output.pad_before;
  }
  const auto index = [&](int64_t image, const int64_t(&extent)[3], int64_t z, int64_t y, int64_t x, int64_t count,
                         int64_t c) {
    const int64_t pixel = (z * extent[1] + y) * extent[2] + x, pixels = extent[0] * extent[1] * extent[2];
    return static_cast<size_t>(problem.layout == SEPCONV_LAYOUT_CHANNELS_LAST ? (image * pixels + pixel) * count + c
                                                                              : (image * count + c) * pixels + pixel);
  };
  // What stands for the real number under a tap: 0 beside the image.
  const auto sample = [&](int64_t image, int64_t z, int64_t y, int64_t x, int64_t c) -> int64_t {
    if (z < 0 || z >= in[0] || y < 0 || y >= in[1] || x < 0 || x >= in[2]) return 0;
    const int64_t value = integer(layer.input[index(image, in, z, y, x, channels, c)]);
    return std::clamp(value, in_bounds.lo, in_bounds.hi) - q.input_zero_point;
  };
  const auto middle = [&](int64_t image, int64_t z, int64_t y, int64_t x, int64_t k) -> int64_t {
    if (pointwise_only)
      return sample(image, z * stride[0] - pad[0], y * stride[1] - pad[1], x * stride[2] - pad[2], k) + mid_zero;
    int64_t sum = layer.mid_bias.empty() ? 0 : layer.mid_bias[static_cast<size_t>(k)];
    for (int64_t tz = 0; tz < kernel[0]; ++tz) {
      for (int64_t ty = 0; ty < kernel[1]; ++ty) {
        for (int64_t tx = 0; tx < kernel[2]; ++tx) {
          const int64_t tap = (tz * kernel[1] + ty) * kernel[2] + tx;
          sum += sample(image, z * stride[0] - pad[0] + tz * dilation[0], y * stride[1] - pad[1] + ty * dilation[1],
                        x * stride[2] - pad[2] + tx * dilation[2], k / multiplier) *
                 layer.depthwise[static_cast<size_t>(tap * mids + k)];
        }
      }
    }
    return to_mid(sum, k);
  };
  std::vector<int8_t> result(static_cast<size_t>(output_count(problem)));
  std::vector<int64_t> mid(static_cast<size_t>(mids));
  for (int64_t image = 0; image < problem.batch; ++image) {
    for (int64_t z = 0; z < out[0]; ++z) {
      for (int64_t y = 0; y < out[1]; ++y) {
        for (int64_t x = 0; x < out[2]; ++x) {
          for (int64_t k = 0; k < mids; ++k) mid[static_cast<size_t>(k)] = middle(image, z, y, x, k);
          for (int64_t f = 0; f < filters; ++f) {
            int64_t value = depthwise_only ? mid[static_cast<size_t>(f)] : 0;
            if (!depthwise_only) {
              int64_t sum = layer.out_bias.empty() ? 0 : layer.out_bias[static_cast<size_t>(f)];
              for (int64_t k = 0; k < mids; ++k) {
                sum += (mid[static_cast<size_t>(k)] - mid_zero) * layer.pointwise[static_cast<size_t>(k * filters + f)];
              }
              value = to_output(sum, f);
            }
            result[index(image, out, z, y, x, filters, f)] = static_cast<int8_t>(value);
          }
        }
      }
    }
  }
  return result;
}

}  // namespace sepconv::test
