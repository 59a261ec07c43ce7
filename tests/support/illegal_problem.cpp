#include "support/illegal_problem.h"

#include <cstring>
#include <iterator>
#include <limits>

#include "support/tensor.h"

namespace sepconv::test {
namespace {

constexpr sepconv_status kInvalid = SEPCONV_INVALID_ARGUMENT, kUnsupported = SEPCONV_UNSUPPORTED;

// What a C program does when it stores any integer in an enum; C++ has no other way that is defined.
template <typename Enum>
void store(int64_t value, Enum* field) {
  const int number = static_cast<int>(value);
  static_assert(sizeof number == sizeof *field);
  std::memcpy(field, &number, sizeof number);
}

int64_t not_positive(Random& random) {
  const int64_t values[] = {0, -1, -7, INT32_MIN, INT64_MIN};
  return values[uniform(random, 0, 4)];
}

int64_t negative(Random& random) { return one_in(random, 2) ? -uniform(random, 1, 9) : INT64_MIN; }

// No value of an enumeration with `count` values.
int64_t outside(Random& random, int64_t count) {
  return one_in(random, 2) ? -uniform(random, 1, 1000) : count + uniform(random, 0, 999);
}

int64_t far_too_large(Random& random) { return INT64_MAX - uniform(random, 0, 1000); }

sepconv_activation* any_activation(Random& random, sepconv_problem* p) {
  sepconv_activation* const all[] = {&p->input_activation, &p->mid_activation, &p->out_activation};
  return all[uniform(random, 0, 2)];
}

sepconv_dtype* any_dtype(Random& random, sepconv_problem* p) {
  sepconv_dtype* const all[] = {&p->input_dtype, &p->weight_dtype, &p->mid_dtype, &p->output_dtype};
  return all[uniform(random, 0, 3)];
}

int any_axis(Random& random, const sepconv_problem& p) {
  return static_cast<int>(uniform(random, 0, p.spatial_rank - 1));
}

// One way to break a problem. False where it does not apply to this one.
struct Breakage {
  const char* title;
  sepconv_status expected;
  bool (*apply)(Random& random, sepconv_problem* p);
};

bool both(const sepconv_problem* p) { return p->stages == SEPCONV_STAGES_BOTH; }

const Breakage kBreakages[] = {
    {"rank", kInvalid,
     [](Random& r, sepconv_problem* p) {
       return p->spatial_rank = static_cast<int32_t>(one_in(r, 2) ? uniform(r, -5, 0) : uniform(r, 4, 9)), true;
     }},
    {"layout", kInvalid,
     [](Random& r, sepconv_problem* p) { return store(outside(r, SEPCONV_LAYOUT_COUNT), &p->layout), true; }},
    {"padding", kInvalid,
     [](Random& r, sepconv_problem* p) { return store(outside(r, SEPCONV_PADDING_COUNT), &p->padding), true; }},
    {"stages", kInvalid,
     [](Random& r, sepconv_problem* p) { return store(outside(r, SEPCONV_STAGES_COUNT), &p->stages), true; }},
    {"dtype", kInvalid,
     [](Random& r, sepconv_problem* p) { return store(outside(r, SEPCONV_DTYPE_COUNT), any_dtype(r, p)), true; }},
    {"mixed dtypes", kUnsupported,
     [](Random& r, sepconv_problem* p) {
       const bool wide = p->input_dtype == SEPCONV_DTYPE_F64;
       return *any_dtype(r, p) = wide ? SEPCONV_DTYPE_F32 : SEPCONV_DTYPE_F64, true;
     }},
    {"a type that is not built", kUnsupported,
     [](Random& r, sepconv_problem* p) {
       return store(uniform(r, SEPCONV_DTYPE_I8, SEPCONV_DTYPE_COUNT - 1), any_dtype(r, p)), true;
     }},
    {"activation kind", kInvalid,
     [](Random& r, sepconv_problem* p) {
       return store(outside(r, SEPCONV_ACTIVATION_COUNT), &any_activation(r, p)->kind), true;
     }},
    {"clamp", kInvalid,
     [](Random& r, sepconv_problem* p) {
       const float nan = std::numeric_limits<float>::quiet_NaN();
       const sepconv_activation bad[] = {
           {SEPCONV_ACTIVATION_CLAMP, 1, 0.5F}, {SEPCONV_ACTIVATION_CLAMP, nan, 1}, {SEPCONV_ACTIVATION_CLAMP, 0, nan}};
       return *any_activation(r, p) = bad[uniform(r, 0, 2)], true;
     }},
    {"batch", kInvalid, [](Random& r, sepconv_problem* p) { return p->batch = negative(r), true; }},
    {"in_channels", kInvalid, [](Random& r, sepconv_problem* p) { return p->in_channels = not_positive(r), true; }},
    {"depth_multiplier", kInvalid,
     [](Random& r, sepconv_problem* p) { return p->depth_multiplier = not_positive(r), true; }},
    {"out_channels", kInvalid,
     [](Random& r, sepconv_problem* p) {
       p->out_channels = p->stages == SEPCONV_STAGES_DEPTHWISE ? mid_count(*p) + uniform(r, 1, 5) : not_positive(r);
       return true;
     }},
    {"in_extent", kInvalid,
     [](Random& r, sepconv_problem* p) { return p->in_extent[any_axis(r, *p)] = not_positive(r), true; }},
    {"kernel_extent", kInvalid,
     [](Random& r, sepconv_problem* p) {
       p->kernel_extent[any_axis(r, *p)] = p->stages == SEPCONV_STAGES_POINTWISE ? uniform(r, 2, 9) : not_positive(r);
       return true;
     }},
    {"stride", kInvalid,
     [](Random& r, sepconv_problem* p) { return p->stride[any_axis(r, *p)] = not_positive(r), true; }},
    {"dilation", kInvalid,
     [](Random& r, sepconv_problem* p) {
       p->dilation[any_axis(r, *p)] = p->stages == SEPCONV_STAGES_POINTWISE ? uniform(r, 2, 9) : not_positive(r);
       return true;
     }},
    {"window larger than the input", kInvalid,
     [](Random& r, sepconv_problem* p) {
       const int axis = any_axis(r, *p);
       if (p->stages == SEPCONV_STAGES_POINTWISE) return false;
       p->padding = SEPCONV_PADDING_VALID;
       p->kernel_extent[axis] = p->in_extent[axis] + uniform(r, 1, 5);
       return true;
     }},
    {"explicit padding too small", kInvalid,
     [](Random& r, sepconv_problem* p) {
       const int axis = any_axis(r, *p);
       if (p->stages == SEPCONV_STAGES_POINTWISE) return false;
       p->padding = SEPCONV_PADDING_EXPLICIT;
       p->pad_before[axis] = uniform(r, 0, 3);
       p->pad_after[axis] = uniform(r, 0, 3);
       p->dilation[axis] = uniform(r, 1, 3);
       p->kernel_extent[axis] = p->in_extent[axis] + p->pad_before[axis] + p->pad_after[axis] + 1;
       return true;
     }},
    {"negative padding", kInvalid,
     [](Random& r, sepconv_problem* p) {
       p->padding = SEPCONV_PADDING_EXPLICIT;
       return (one_in(r, 2) ? p->pad_before : p->pad_after)[any_axis(r, *p)] = negative(r), true;
     }},
    {"causal with several axes", kInvalid,
     [](Random&, sepconv_problem* p) { return p->padding = SEPCONV_PADDING_CAUSAL, p->spatial_rank > 1; }},
    {"overflow", kInvalid,
     [](Random& r, sepconv_problem* p) {
       const int axis = any_axis(r, *p);
       int64_t* const fields[] = {&p->in_channels, &p->in_extent[axis], &p->batch, &p->depth_multiplier,
                                  &p->kernel_extent[axis]};
       if (!both(p)) return false;
       const int64_t field = uniform(r, 0, 4);
       *fields[field] = far_too_large(r);
       return true;
     }},
    {"pitch too small", kInvalid,
     [](Random& r, sepconv_problem* p) {
       const bool input = one_in(r, 2);
       const Tensor tensor = input ? input_tensor(*p) : output_tensor(*p);
       int64_t* pitch = input ? p->input_pitch : p->output_pitch;
       // An axis that is stepped over by what lies outside it: of those, one with something inside.
       const int at = static_cast<int>(uniform(r, 0, p->spatial_rank));
       const size_t axis =
           p->layout == SEPCONV_LAYOUT_CHANNELS_LAST || at == 0 ? static_cast<size_t>(at) : static_cast<size_t>(at) + 1;
       if (axis + 1 >= tensor.size()) return false;
       const int64_t inside = tensor[axis + 1].extent * tensor[axis + 1].pitch;
       if (inside < 2) return false;
       return pitch[at] = uniform(r, 1, inside - 1), true;
     }},
    {"negative pitch", kInvalid,
     [](Random& r, sepconv_problem* p) {
       return (one_in(r, 2) ? p->input_pitch : p->output_pitch)[uniform(r, 0, p->spatial_rank)] = negative(r), true;
     }},
    {"channel pitch", kInvalid,
     [](Random& r, sepconv_problem* p) {
       const bool last = p->layout == SEPCONV_LAYOUT_CHANNELS_LAST;
       return (one_in(r, 2) ? p->input_channel_pitch : p->output_channel_pitch) = last ? uniform(r, 2, 9) : negative(r),
                                                       true;
     }},
    {"innermost pitch, channels_first", kInvalid,
     [](Random& r, sepconv_problem* p) {
       if (p->layout == SEPCONV_LAYOUT_CHANNELS_LAST) return false;
       return (one_in(r, 2) ? p->input_pitch : p->output_pitch)[p->spatial_rank] = uniform(r, 2, 9), true;
     }},
    {"depthwise-only problem with what belongs to the other stage", kInvalid,
     [](Random& r, sepconv_problem* p) {
       if (p->stages != SEPCONV_STAGES_DEPTHWISE) return false;
       const int64_t which = uniform(r, 0, 2);
       if (which == 0) p->has_out_bias = 1;
       if (which == 1) p->has_residual = 1;
       if (which == 2) p->out_activation.kind = SEPCONV_ACTIVATION_RELU;
       return true;
     }},
    {"pointwise-only problem with what belongs to the other stage", kInvalid,
     [](Random& r, sepconv_problem* p) {
       if (p->stages != SEPCONV_STAGES_POINTWISE) return false;
       const int64_t which = uniform(r, 0, 2);
       if (which == 0) p->has_mid_bias = 1;
       if (which == 1) p->depth_multiplier = uniform(r, 2, 4);
       if (which == 2) p->mid_activation.kind = SEPCONV_ACTIVATION_RELU;
       return true;
     }},
};

}  // namespace

IllegalProblem random_illegal_problem(Random& random) {
  for (;;) {
    IllegalProblem illegal{random_problem(random, all_features, Sizes::kSmall), kInvalid, ""};
    const Breakage& breakage = kBreakages[uniform(random, 0, static_cast<int64_t>(std::size(kBreakages)) - 1)];
    if (!breakage.apply(random, &illegal.problem)) continue;
    illegal.expected = breakage.expected;
    illegal.broken = breakage.title;
    return illegal;
  }
}

}  // namespace sepconv::test
