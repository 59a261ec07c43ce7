#include "quantise.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "error.h"
#include "integers.h"
#include "structs.h"

namespace sepconv::internal {
namespace {

constexpr sepconv_status invalid = SEPCONV_INVALID_ARGUMENT;

// A kernel of one tap for a problem without a depthwise stage, and the scale that makes a copy of it in either
// rounding.
constexpr int8_t copying_weight = 4;
constexpr double copying_scale = 0.25;

// The largest sum of a stage in float32 that is exact, and of what the fast form of the exact rounding takes.
constexpr int64_t exact_in_float = 1 << 24, fast_sum = 1 << 30;
constexpr int32_t least_fast_shift = 1, most_fast_shift = 22;

// What a sum may be multiplied with, at most: more makes an end of the range of each.
constexpr float most_scale = 0x1p30f;

int64_t magnitude_of(int64_t number) { return number < 0 ? -number : number; }

bool is_unsigned(const Geometry& g) { return g.problem.input_dtype == SEPCONV_DTYPE_U8; }

bool is_scale(float number) { return isnormal(number) && number > 0; }

sepconv_status check_scale(float scale, const char* name) {
  if (is_scale(scale)) return SEPCONV_OK;
  return fail(invalid, "quantization.%s is %g: it must be a positive normal number", name, static_cast<double>(scale));
}

sepconv_status check_scales(const float* scales, int64_t count, int64_t channels, const char* name) {
  if (scales == nullptr) return fail(invalid, "quantization.%s is NULL", name);
  if (count != 1 && count != channels) {
    return fail(invalid, "quantization.%s_count is %" PRId64 ": it must be 1 or the channels, %" PRId64, name, count,
                channels);
  }
  for (int64_t i = 0; i < count; ++i) {
    if (is_scale(scales[i])) continue;
    return fail(invalid, "quantization.%s[%" PRId64 "] is %g: it must be a positive normal number", name, i,
                static_cast<double>(scales[i]));
  }
  return SEPCONV_OK;
}

// The product of scales that the sums of a stage are multiplied with.
sepconv_status check_products(float input, const float* kernel, int64_t count, float output, const char* name) {
  for (int64_t i = 0; i < count; ++i) {
    const float product = input * kernel[i] / output;
    if (is_scale(product) && product <= most_scale) continue;
    return fail(invalid,
                "quantization.%s[%" PRId64
                "] is %g: times the scale of what the stage reads, %g, by that of what it "
                "gives, %g, it must be a normal number of at most 2^30",
                name, i, static_cast<double>(kernel[i]), static_cast<double>(input), static_cast<double>(output));
  }
  return SEPCONV_OK;
}

sepconv_status check_zero_point(const Geometry& g, int32_t zero_point, const char* name) {
  const int32_t least = is_unsigned(g) ? 0 : -128, most = least + 255;
  if (zero_point >= least && zero_point <= most) return SEPCONV_OK;
  return fail(invalid, "quantization.%s is %" PRId32 ": with input_dtype %s it must be from %" PRId32 " to %" PRId32,
              name, zero_point, sepconv_dtype_name(g.problem.input_dtype), least, most);
}

// A real scale in integers: numerator * 2^(-31 - shift), 2^30 <= numerator < 2^31. TFLite's QuantizeMultiplier.
struct FixedPoint {
  int32_t numerator, shift;
};

// A number below 2^51, halves away from zero. The functions of libm are left alone: programs would have to link it.
int64_t rounded(double value) { return static_cast<int64_t>(value < 0 ? value - 0.5 : value + 0.5); }

FixedPoint fixed_point(double scale) {
  // scale = part * 2^exponent, 1/2 <= part < 1; it is a normal number.
  uint64_t bits;
  memcpy(&bits, &scale, sizeof bits);
  constexpr uint64_t exponent_bits = uint64_t{0x7ff} << 52, exponent_of_half = 1022;
  int exponent = static_cast<int>((bits & exponent_bits) >> 52) - static_cast<int>(exponent_of_half);
  bits = (bits & ~exponent_bits) | exponent_of_half << 52;
  double part;
  memcpy(&part, &bits, sizeof part);
  int64_t numerator = rounded(part * static_cast<double>(int64_t{1} << 31));
  if (numerator == int64_t{1} << 31) {
    numerator /= 2;
    ++exponent;
  }
  if (exponent < -31) return {0, 0};
  if (exponent > 30) return {INT32_MAX, -30};
  return {static_cast<int32_t>(numerator), -exponent};
}

// One stage of the layer: its sums have the scale `input` * kernel's, its results that of `output`.
struct Stage {
  float input, output;
  const float* kernel;
  int64_t count;

  float kernel_scale(int64_t channel) const { return kernel[count == 1 ? 0 : channel]; }
};

// The tables of one stage: row 0 and row 1 of leaf_arguments.inc, `length` numbers each.
struct Scales {
  int32_t* rows;
  int64_t length;
  sepconv_rounding rounding;
  bool* wide;

  void set(int64_t at, double scale, float float_scale) const {
    if (rounding == SEPCONV_ROUNDING_FLOAT) {
      memcpy(&rows[at], &float_scale, sizeof float_scale);
      return;
    }
    const FixedPoint fixed = fixed_point(scale);
    rows[at] = fixed.numerator;
    rows[length + at] = fixed.shift;
    if (fixed.shift < least_fast_shift || fixed.shift > most_fast_shift) *wide = true;
  }
  void set(int64_t at, const Stage& stage, int64_t channel) const {
    const float kernel = stage.kernel_scale(channel);
    set(at, static_cast<double>(stage.input) * static_cast<double>(kernel) / static_cast<double>(stage.output),
        stage.input * kernel / stage.output);
  }
};

// The clamp of an activation on integers of a scale and a zero point, as TFLite works it out.
void clamp_on_integers(const sepconv_activation& activation, float scale, int32_t zero_point, float* lo, float* hi) {
  const sepconv_activation real = leaf_activation(activation);
  const auto integer = [&](float bound, float otherwise) {
    if (isinf(bound)) return otherwise;
    const double steps = static_cast<double>(bound / scale), most = 1000;  // beyond any integer of the type
    const int64_t value = zero_point + rounded(smaller(larger(steps, -most), most));
    return static_cast<float>(clamped(value, -128, 127));
  };
  *lo = integer(real.lo, -128.0f);
  *hi = integer(real.hi, 127.0f);
}

struct Packing {
  const Geometry& g;
  const sepconv_variant& variant;
  const PackedLayout& layout;
  const sepconv_weights& weights;
  const sepconv_quantization& q;
  char* base;
  QuantisedNumbers numbers;
  bool wide = false;

  template <typename T>
  T* part(size_t offset) const {
    return reinterpret_cast<T*>(base + offset);
  }

  // Where channel `source` of the intermediate, in Keras's order, lies in packed order.
  int64_t packed_channel(int64_t source) const {
    const int64_t lanes = variant.chunk_channels, multiplier = g.problem.depth_multiplier;
    const int64_t c = source / multiplier, m = source % multiplier;
    return (c / lanes * multiplier + m) * lanes + c % lanes;
  }

  Stage mid_stage() const {
    const float output = g.problem.stages == SEPCONV_STAGES_DEPTHWISE ? q.output_scale : q.mid_scale;
    return {q.input_scale, output, q.depthwise_scale, q.depthwise_scale_count};
  }
  Stage out_stage() const {
    const bool pointwise = g.problem.stages == SEPCONV_STAGES_POINTWISE;
    return {pointwise ? q.input_scale : q.mid_scale, q.output_scale, q.pointwise_scale, q.pointwise_scale_count};
  }

  sepconv_status pack_depthwise() {
    const int64_t lanes = variant.chunk_channels;
    const int8_t* const kernel = static_cast<const int8_t*>(weights.depthwise_kernel);
    const int32_t* const bias = static_cast<const int32_t*>(weights.mid_bias);
    const int64_t furthest = larger(int64_t{127} - numbers.input_zero_point, int64_t{numbers.input_zero_point} + 128);
    const Scales scales = {part<int32_t>(layout.mid_scale), layout.channels, q.rounding, &wide};
    const Stage stage = mid_stage();
    for (int64_t source = 0; source < g.mid_channels; ++source) {
      const int64_t k = packed_channel(source);
      int64_t magnitude = 0;
      for (int64_t tap = 0; tap < g.taps; ++tap) {
        const int8_t weight = kernel != nullptr ? kernel[tap * g.mid_channels + source] : copying_weight;
        part<int8_t>(layout.depthwise)[(k / lanes * g.taps + tap) * lanes + k % lanes] = weight;
        magnitude += magnitude_of(weight);
      }
      magnitude *= furthest;
      if (magnitude > exact_in_float) {
        return fail(SEPCONV_UNSUPPORTED,
                    "weights.depthwise_kernel of channel %" PRId64 " can sum up to %" PRId64
                    ": sums of int8 are limited to 2^24 so far",
                    source, magnitude);
      }
      if (bias != nullptr) {
        part<int32_t>(layout.mid_bias)[k] = bias[source];
        magnitude += magnitude_of(bias[source]);
      }
      if (magnitude >= fast_sum) wide = true;
      if (kernel != nullptr) {
        scales.set(k, stage, source);
      } else {
        scales.set(k, copying_scale, static_cast<float>(copying_scale));
      }
    }
    return SEPCONV_OK;
  }

  void pack_pointwise() {
    const int64_t outputs = g.problem.out_channels, panel = variant.panel_channels,
                  group = larger<int64_t>(variant.dot_group, 1);
    const int8_t* const kernel = static_cast<const int8_t*>(weights.pointwise_kernel);
    const int32_t* const bias = static_cast<const int32_t*>(weights.out_bias);
    const Scales scales = {part<int32_t>(layout.out_scale), layout.panels * panel, q.rounding, &wide};
    const Stage stage = out_stage();
    // So many outputs at a time that a row of the kernel is read in lines of the cache.
    constexpr int64_t most = 64;
    for (int64_t first = 0; first < outputs; first += most) {
      const int64_t count = smaller(most, outputs - first);
      int64_t place[most], weight_sum[most] = {}, magnitude[most] = {};
      for (int64_t i = 0; i < count; ++i) {
        const int64_t f = first + i;
        place[i] = f / panel * layout.channels * panel + f % panel * group;
      }
      for (int64_t source = 0; source < g.mid_channels; ++source) {
        const int64_t k = packed_channel(source);
        int8_t* const row = part<int8_t>(layout.pointwise) + k / group * panel * group + k % group;
        for (int64_t i = 0; i < count; ++i) {
          const int8_t weight = kernel[source * outputs + first + i];
          row[place[i]] = weight;
          weight_sum[i] += weight;
          magnitude[i] += magnitude_of(weight);
        }
      }
      for (int64_t i = 0; i < count; ++i) {
        // What the intermediate has too much, it adds to each sum: its zero point, and the offset that makes it
        // unsigned.
        const int64_t f = first + i, given = bias != nullptr ? bias[f] : 0;
        const int64_t start = given - weight_sum[i] * (numbers.mid_zero_point + variant.dot_offset);
        part<int32_t>(layout.out_bias)[f] = static_cast<int32_t>(static_cast<uint32_t>(start));
        if (255 * magnitude[i] + magnitude_of(given) >= fast_sum) wide = true;
        scales.set(f, stage, f);
      }
    }
  }

  void set_numbers() {
    const sepconv_problem& p = g.problem;
    const int32_t flip = is_unsigned(g) ? 128 : 0;
    numbers = {};
    numbers.rounding = static_cast<int32_t>(q.rounding);
    numbers.flip = flip;
    numbers.input_zero_point = q.input_zero_point - flip;
    numbers.output_zero_point = q.output_zero_point - flip;
    float mid_scale = q.mid_scale;
    numbers.mid_zero_point = q.mid_zero_point - flip;
    if (p.stages == SEPCONV_STAGES_POINTWISE) numbers.mid_zero_point = numbers.input_zero_point;
    if (p.stages == SEPCONV_STAGES_DEPTHWISE) {
      numbers.mid_zero_point = numbers.output_zero_point;
      mid_scale = q.output_scale;
    }
    const float in_zero = static_cast<float>(numbers.input_zero_point);
    clamp_on_integers(p.input_activation, q.input_scale, numbers.input_zero_point, &numbers.in_lo, &numbers.in_hi);
    numbers.in_lo -= in_zero;
    numbers.in_hi -= in_zero;
    clamp_on_integers(p.mid_activation, mid_scale, numbers.mid_zero_point, &numbers.mid_lo, &numbers.mid_hi);
    clamp_on_integers(p.out_activation, q.output_scale, numbers.output_zero_point, &numbers.out_lo, &numbers.out_hi);
  }
};

}  // namespace

sepconv_status check_quantization(const Geometry& g, const sepconv_weights& weights) {
  const sepconv_problem& p = g.problem;
  if (weights.quantization == nullptr) {
    return fail(invalid, "weights.quantization is NULL: with input_dtype %s it must be given",
                sepconv_dtype_name(p.input_dtype));
  }
  sepconv_quantization q;
  sepconv_status status;
  if ((status = read_struct(weights.quantization, &q))) return status;
  const int rounding = raw_value(q.rounding);
  if (rounding < 0 || rounding >= SEPCONV_ROUNDING_COUNT) {
    return fail(invalid, "quantization.rounding is %d: it must be from 0 to %d", rounding, SEPCONV_ROUNDING_COUNT - 1);
  }
  const bool depthwise = p.stages != SEPCONV_STAGES_POINTWISE, pointwise = p.stages != SEPCONV_STAGES_DEPTHWISE;
  if ((status = check_scale(q.input_scale, "input_scale"))) return status;
  if ((status = check_scale(q.output_scale, "output_scale"))) return status;
  if ((status = check_zero_point(g, q.input_zero_point, "input_zero_point"))) return status;
  if ((status = check_zero_point(g, q.output_zero_point, "output_zero_point"))) return status;
  if (depthwise && pointwise) {
    if ((status = check_scale(q.mid_scale, "mid_scale"))) return status;
    if ((status = check_zero_point(g, q.mid_zero_point, "mid_zero_point"))) return status;
  }
  if (depthwise) {
    status = check_scales(q.depthwise_scale, q.depthwise_scale_count, g.mid_channels, "depthwise_scale");
    if (status != SEPCONV_OK) return status;
  }
  if (pointwise) {
    status = check_scales(q.pointwise_scale, q.pointwise_scale_count, p.out_channels, "pointwise_scale");
    if (status != SEPCONV_OK) return status;
  }
  const float mid_scale = pointwise ? q.mid_scale : q.output_scale, read = depthwise ? mid_scale : q.input_scale;
  if (depthwise) {
    status = check_products(q.input_scale, q.depthwise_scale, q.depthwise_scale_count, mid_scale, "depthwise_scale");
    if (status != SEPCONV_OK) return status;
  }
  if (!pointwise) return SEPCONV_OK;
  return check_products(read, q.pointwise_scale, q.pointwise_scale_count, q.output_scale, "pointwise_scale");
}

sepconv_status pack_quantised(const Geometry& g, const sepconv_variant& variant, const PackedLayout& layout,
                              const sepconv_weights& weights, void* packed) {
  sepconv_quantization q;
  if (sepconv_status status = read_struct(weights.quantization, &q)) return status;
  Packing packing = {g, variant, layout, weights, q, static_cast<char*>(packed), {}};
  packing.set_numbers();
  if (sepconv_status status = packing.pack_depthwise()) return status;
  if (variant.stages != SEPCONV_STAGES_DEPTHWISE) packing.pack_pointwise();
  packing.numbers.wide_sums = packing.wide ? 1 : 0;
  memcpy(packing.part<char>(layout.numbers), &packing.numbers, sizeof packing.numbers);
  return SEPCONV_OK;
}

}  // namespace sepconv::internal
