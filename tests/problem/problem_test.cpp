// Every problem that breaks a rule gets its status and a sentence that names the field and its value.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <utility>

#include "support/describe.h"
#include "support/harness.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

// What a C program does when it stores any integer in an enum; C++ has no other way that is defined.
template <typename Enum>
void store(int value, Enum* field) {
  static_assert(sizeof value == sizeof *field);
  std::memcpy(field, &value, sizeof value);
}

struct Rejection {
  const char* title;
  std::function<void(sepconv_problem*)> breaks;
  sepconv_status status;
  const char* argument;  // both must stand in the sentence
  const char* value;
};

constexpr sepconv_status kInvalid = SEPCONV_INVALID_ARGUMENT, kUnsupported = SEPCONV_UNSUPPORTED;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// A legal problem of the pointwise stage alone.
sepconv_problem* point(sepconv_problem* p) {
  p->stages = SEPCONV_STAGES_POINTWISE;
  p->kernel_extent[0] = p->kernel_extent[1] = 1;
  return p;
}

const Rejection kRejections[] = {
    {"rank 0", [](auto* p) { p->spatial_rank = 0; }, kInvalid, "spatial_rank", "0"},
    {"rank 4", [](auto* p) { p->spatial_rank = 4; }, kInvalid, "spatial_rank", "4"},
    {"rank -1", [](auto* p) { p->spatial_rank = -1; }, kInvalid, "spatial_rank", "-1"},
    {"no such layout", [](auto* p) { store(7, &p->layout); }, kInvalid, "layout", "7"},
    {"negative layout", [](auto* p) { store(-1, &p->layout); }, kInvalid, "layout", "-1"},
    {"no such padding", [](auto* p) { store(9, &p->padding); }, kInvalid, "padding", "9"},
    {"batch -1", [](auto* p) { p->batch = -1; }, kInvalid, "batch", "-1"},
    {"no input channels", [](auto* p) { p->in_channels = 0; }, kInvalid, "in_channels", "0"},
    {"negative input channels", [](auto* p) { p->in_channels = -5; }, kInvalid, "in_channels", "-5"},
    {"no multiplier", [](auto* p) { p->depth_multiplier = 0; }, kInvalid, "depth_multiplier", "0"},
    {"negative multiplier", [](auto* p) { p->depth_multiplier = -2; }, kInvalid, "depth_multiplier", "-2"},
    {"no output channels", [](auto* p) { p->out_channels = 0; }, kInvalid, "out_channels", "0"},
    {"negative output channels", [](auto* p) { p->out_channels = -6; }, kInvalid, "out_channels", "-6"},
    {"empty image", [](auto* p) { p->in_extent[1] = 0; }, kInvalid, "in_extent[1]", "0"},
    {"negative extent", [](auto* p) { p->in_extent[0] = -11; }, kInvalid, "in_extent[0]", "-11"},
    {"empty kernel", [](auto* p) { p->kernel_extent[0] = 0; }, kInvalid, "kernel_extent[0]", "0"},
    {"negative kernel", [](auto* p) { p->kernel_extent[1] = -3; }, kInvalid, "kernel_extent[1]", "-3"},
    {"stride 0", [](auto* p) { p->stride[0] = 0; }, kInvalid, "stride[0]", "0"},
    {"stride -1", [](auto* p) { p->stride[1] = -1; }, kInvalid, "stride[1]", "-1"},
    {"dilation 0", [](auto* p) { p->dilation[1] = 0; }, kInvalid, "dilation[1]", "0"},
    {"dilation -4", [](auto* p) { p->dilation[0] = -4; }, kInvalid, "dilation[0]", "-4"},
    {"VALID kernel above the input", [](auto* p) { p->kernel_extent[1] = 12; }, kInvalid, "zero or negative", "12"},
    {"VALID dilated kernel above the input", [](auto* p) { p->dilation[0] = 6; }, kInvalid, "zero or negative", "13"},
    {"causal in two dimensions", [](auto* p) { p->padding = SEPCONV_PADDING_CAUSAL; }, kInvalid, "padding",
     "spatial_rank"},
    {"negative pad",
     [](auto* p) {
       p->padding = SEPCONV_PADDING_EXPLICIT;
       p->pad_before[1] = -2;
     },
     kInvalid, "pad_before[1]", "-2"},
    {"negative pad at the end",
     [](auto* p) {
       p->padding = SEPCONV_PADDING_EXPLICIT;
       p->pad_after[0] = -7;
     },
     kInvalid, "pad_after[0]", "-7"},
    {"pitch below the row", [](auto* p) { p->input_pitch[1] = 54; }, kInvalid, "input_pitch[1]", "54"},
    {"negative pitch", [](auto* p) { p->output_pitch[2] = -6; }, kInvalid, "output_pitch[2]", "-6"},
    {"channels apart", [](auto* p) { p->input_channel_pitch = 2; }, kInvalid, "input_channel_pitch", "2"},
    {"rows apart in channels_first",
     [](auto* p) {
       p->layout = SEPCONV_LAYOUT_CHANNELS_FIRST;
       p->output_pitch[2] = 3;
     },
     kInvalid, "output_pitch[2]", "3"},
    {"channels too close in channels_first",
     [](auto* p) {
       p->layout = SEPCONV_LAYOUT_CHANNELS_FIRST;
       p->output_channel_pitch = 80;
     },
     kInvalid, "output_channel_pitch", "80"},
    {"depthwise only, with other channels", [](auto* p) { p->stages = SEPCONV_STAGES_DEPTHWISE; }, kInvalid,
     "out_channels", "6"},
    {"depthwise only, with an output bias",
     [](auto* p) {
       p->stages = SEPCONV_STAGES_DEPTHWISE;
       p->out_channels = 0;
       p->has_out_bias = 1;
     },
     kInvalid, "has_out_bias", "depthwise"},
    {"depthwise only, with a residual",
     [](auto* p) {
       p->stages = SEPCONV_STAGES_DEPTHWISE;
       p->out_channels = 5;
       p->has_residual = 1;
     },
     kInvalid, "has_residual", "depthwise"},
    {"depthwise only, with an activation at the end",
     [](auto* p) {
       p->stages = SEPCONV_STAGES_DEPTHWISE;
       p->out_channels = 0;
       p->out_activation.kind = SEPCONV_ACTIVATION_RELU;
     },
     kInvalid, "out_activation", "depthwise"},
    {"pointwise only, with a dilation", [](auto* p) { point(p)->dilation[1] = 2; }, kInvalid, "dilation[1]", "2"},
    {"pointwise only, with a middle bias", [](auto* p) { point(p)->has_mid_bias = 1; }, kInvalid, "has_mid_bias",
     "pointwise"},
    {"pointwise only, with an activation in the middle",
     [](auto* p) { point(p)->mid_activation.kind = SEPCONV_ACTIVATION_RELU; }, kInvalid, "mid_activation", "pointwise"},
    {"pointwise only, with taps", [](auto* p) { p->stages = SEPCONV_STAGES_POINTWISE; }, kInvalid, "kernel_extent[0]",
     "3"},
    {"pointwise only, with a multiplier",
     [](auto* p) {
       p->stages = SEPCONV_STAGES_POINTWISE;
       p->kernel_extent[0] = p->kernel_extent[1] = 0;
       p->depth_multiplier = 2;
     },
     kInvalid, "depth_multiplier", "2"},
    {"no such stages", [](auto* p) { store(3, &p->stages); }, kInvalid, "stages", "3"},
    {"no such type", [](auto* p) { store(55, &p->input_dtype); }, kInvalid, "input_dtype", "55"},
    {"no such activation", [](auto* p) { store(77, &p->out_activation.kind); }, kInvalid, "out_activation", "77"},
    {"clamp upside down", [](auto* p) { p->mid_activation = {SEPCONV_ACTIVATION_CLAMP, 3, 2}; }, kInvalid,
     "mid_activation", "3"},
    {"clamp to NaN", [](auto* p) { p->out_activation = {SEPCONV_ACTIVATION_CLAMP, 0, kNan}; }, kInvalid,
     "out_activation", "nan"},
    {"byte count overflows in the input", [](auto* p) { p->in_extent[0] = p->in_extent[1] = int64_t{1} << 40; },
     kInvalid, "byte count", "in_channels 5"},
    {"byte count overflows in the batch", [](auto* p) { p->batch = INT64_MAX / 2; }, kInvalid, "batch",
     "4611686018427387903"},
    {"byte count overflows in the channels", [](auto* p) { p->in_channels = INT64_MAX; }, kInvalid, "in_channels",
     "9223372036854775807"},
    {"window overflows", [](auto* p) { p->dilation[0] = INT64_MAX / 2; }, kInvalid, "dilation", "4611686018427387903"},
    {"kernel overflows", [](auto* p) { p->kernel_extent[0] = p->dilation[0] = INT64_MAX; }, kInvalid, "kernel_extent",
     "9223372036854775807"},
    {"pointwise kernel overflows", [](auto* p) { p->depth_multiplier = p->out_channels = int64_t{1} << 31; }, kInvalid,
     "depth_multiplier", "2147483648"},
};

const Rejection kNotBuilt[] = {
    {"half floats", [](auto* p) { p->input_dtype = SEPCONV_DTYPE_F16; }, kUnsupported, "input_dtype", "float16"},
    {"half floats of the other kind", [](auto* p) { p->input_dtype = SEPCONV_DTYPE_BF16; }, kUnsupported, "input_dtype",
     "bfloat16"},
    {"doubles between", [](auto* p) { p->mid_dtype = SEPCONV_DTYPE_F64; }, kUnsupported, "mid_dtype", "float64"},
    {"bytes as weights", [](auto* p) { p->weight_dtype = SEPCONV_DTYPE_I8; }, kUnsupported, "weight_dtype", "int8"},
    {"integers out", [](auto* p) { p->output_dtype = SEPCONV_DTYPE_I32; }, kUnsupported, "output_dtype", "int32"},
};

void expect_sentence(const Rejection& rejection) {
  EXPECT_TRUE(last_error_has(rejection.argument)) << rejection.title;
  EXPECT_TRUE(last_error_has(rejection.value)) << rejection.title;
}

void expect_no_plan(const sepconv_problem& problem, const Rejection& rejection) {
  sepconv_plan* plan = reinterpret_cast<sepconv_plan*>(const_cast<sepconv_problem*>(&problem));  // not NULL
  EXPECT_EQ(sepconv_plan_create(&problem, nullptr, &plan), rejection.status) << rejection.title;
  EXPECT_EQ(plan, nullptr) << rejection.title;
  expect_sentence(rejection);
}

class Problem : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { tables_under_test(); }
};

TEST_F(Problem, LegalOneIsPlanned) {
  int64_t extent[SEPCONV_MAX_SPATIAL_RANK] = {};
  const sepconv_problem problem = small_problem();
  EXPECT_EQ(sepconv_output_extent(&problem, extent), SEPCONV_OK);
  EXPECT_EQ(extent[0], 9);
  EXPECT_EQ(extent[1], 9);
  EXPECT_EQ(extent[2], 1);
  EXPECT_NE(make_plan(problem), nullptr) << sepconv_last_error();
}

TEST_F(Problem, BrokenRuleIsNamed) {
  for (const Rejection& rejection : kRejections) {
    sepconv_problem problem = small_problem();
    rejection.breaks(&problem);
    expect_no_plan(problem, rejection);
    int64_t extent[SEPCONV_MAX_SPATIAL_RANK] = {-77, -77, -77};
    EXPECT_EQ(sepconv_output_extent(&problem, extent), rejection.status) << rejection.title;
    EXPECT_EQ(extent[0], -77) << rejection.title;
    expect_sentence(rejection);
  }
}

TEST_F(Problem, EveryEnumIsCheckedOnBothSides) {
  using Field = std::pair<const char*, std::function<void(sepconv_problem*, int)>>;
  const Field fields[] = {{"layout", [](auto* p, int value) { store(value, &p->layout); }},
                          {"padding", [](auto* p, int value) { store(value, &p->padding); }},
                          {"stages", [](auto* p, int value) { store(value, &p->stages); }},
                          {"input_dtype", [](auto* p, int value) { store(value, &p->input_dtype); }},
                          {"weight_dtype", [](auto* p, int value) { store(value, &p->weight_dtype); }},
                          {"mid_dtype", [](auto* p, int value) { store(value, &p->mid_dtype); }},
                          {"output_dtype", [](auto* p, int value) { store(value, &p->output_dtype); }},
                          {"input_activation", [](auto* p, int value) { store(value, &p->input_activation.kind); }},
                          {"mid_activation", [](auto* p, int value) { store(value, &p->mid_activation.kind); }},
                          {"out_activation", [](auto* p, int value) { store(value, &p->out_activation.kind); }}};
  for (const auto& [name, set] : fields) {
    for (const int value : {-1, 99, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()}) {
      sepconv_problem problem = small_problem();
      set(&problem, value);
      sepconv_status status;
      EXPECT_EQ(make_plan(problem, nullptr, &status), nullptr);
      EXPECT_EQ(status, kInvalid) << name;
      EXPECT_TRUE(last_error_has("problem." + std::string(name) + " is " + std::to_string(value))) << value;
    }
  }
}

TEST_F(Problem, WhatIsNotBuiltIsUnsupported) {
  for (const Rejection& rejection : kNotBuilt) {
    sepconv_problem problem = small_problem();
    rejection.breaks(&problem);
    expect_no_plan(problem, rejection);
  }
}

// A size that is too large names the fields that it is made of, and no others.
TEST_F(Problem, TooLargeASizeBlamesWhatItIsMadeOf) {
  if (sizeof(size_t) == 4) GTEST_SKIP() << "other limits";
  constexpr int64_t kBillions = int64_t{1} << 32;
  const struct {
    void (*grows)(sepconv_problem*);
    sepconv_status status;
    const char* blamed;  // with its value
    const char* innocent;
  } cases[] = {
      {[](auto* p) { p->padding = SEPCONV_PADDING_EXPLICIT, p->pad_before[0] = kBillions; }, kUnsupported,
       "pad_before 4294967296x0", "channels"},
      {[](auto* p) { p->padding = SEPCONV_PADDING_EXPLICIT, p->pad_after[1] = p->pad_after[0] = kBillions; }, kInvalid,
       "pad_after 4294967296x4294967296", "in_channels"},
      {[](auto* p) { p->padding = SEPCONV_PADDING_SAME, p->dilation[0] = kBillions; }, kUnsupported,
       "dilation 4294967296x1", "channels"},
      {[](auto* p) { p->padding = SEPCONV_PADDING_SAME, p->kernel_extent[0] = kBillions; }, kUnsupported,
       "kernel_extent 4294967296x3", "out_channels"},
      {[](auto* p) { p->input_pitch[2] = kBillions; }, kUnsupported, "input_pitch 0x0x4294967296", "out_channels"},
      {[](auto* p) { p->input_pitch[1] = INT64_MAX / 2; }, kInvalid, "input_pitch 0x4611686018427387903x0",
       "out_channels"},
      {[](auto* p) { p->output_pitch[0] = INT64_MAX / 2, p->batch = 3; }, kInvalid,
       "output_pitch 4611686018427387903x0x0", "in_channels"},
      {[](auto* p) {
         p->layout = SEPCONV_LAYOUT_CHANNELS_FIRST;
         p->input_channel_pitch = kBillions;
       },
       kUnsupported, "input_channel_pitch 4294967296", "out_channels"},
      {[](auto* p) {
         p->layout = SEPCONV_LAYOUT_CHANNELS_FIRST;
         p->output_channel_pitch = kBillions;
       },
       kUnsupported, "output_channel_pitch 4294967296", "in_channels"},
      {[](auto* p) { p->out_channels = kBillions; }, kUnsupported, "out_channels 4294967296", "kernel_extent"},
      {[](auto* p) { p->in_channels = kBillions; }, kUnsupported, "in_channels 4294967296", "out_channels"},
      {[](auto* p) { p->kernel_extent[0] = p->in_extent[0] = 1 << 30; }, kUnsupported, "kernel_extent 1073741824x3",
       "out_channels"},
  };
  for (const auto& one : cases) {
    sepconv_problem problem = small_problem();
    one.grows(&problem);
    sepconv_status status;
    EXPECT_EQ(make_plan(problem, nullptr, &status), nullptr) << one.blamed;
    EXPECT_EQ(status, one.status) << one.blamed << ": " << sepconv_last_error();
    EXPECT_TRUE(last_error_has(one.blamed));
    EXPECT_FALSE(last_error_has(one.innocent)) << sepconv_last_error();
  }
}

TEST_F(Problem, DensePitchesMayBeWrittenOut) {
  sepconv_problem problem = small_problem();
  const int64_t input[] = {11 * 11 * 5, 11 * 5, 5}, output[] = {9 * 9 * 6, 9 * 6, 6};
  std::copy(std::begin(input), std::end(input), problem.input_pitch);
  std::copy(std::begin(output), std::end(output), problem.output_pitch);
  EXPECT_NE(make_plan(problem), nullptr) << sepconv_last_error();
  problem.input_channel_pitch = problem.output_channel_pitch = 1;
  EXPECT_NE(make_plan(problem), nullptr) << sepconv_last_error();
}

TEST_F(Problem, NullPointersAreNamed) {
  const sepconv_problem problem = small_problem();
  sepconv_plan* plan = nullptr;
  int64_t extent[SEPCONV_MAX_SPATIAL_RANK];
  EXPECT_EQ(sepconv_plan_create(nullptr, nullptr, &plan), kInvalid);
  EXPECT_TRUE(last_error_has("problem"));
  EXPECT_EQ(sepconv_plan_create(&problem, nullptr, nullptr), kInvalid);
  EXPECT_TRUE(last_error_has("plan"));
  EXPECT_EQ(sepconv_output_extent(nullptr, extent), kInvalid);
  EXPECT_TRUE(last_error_has("problem"));
  EXPECT_EQ(sepconv_output_extent(&problem, nullptr), kInvalid);
  EXPECT_TRUE(last_error_has("out_extent"));
  sepconv_plan_destroy(nullptr);
  EXPECT_STREQ(sepconv_plan_variant(nullptr), "");
  EXPECT_EQ(sepconv_plan_packed_size(nullptr), 0u);
  EXPECT_EQ(sepconv_plan_workspace_size(nullptr), 0u);
}

// The arithmetic of the output's extent is the reference's.
TEST_F(Problem, OutputExtentEqualsTheReference) {
  for (int64_t n = 1; n <= 12; ++n) {
    for (int64_t k = 1; k <= 5; ++k) {
      for (int64_t s = 1; s <= 4; ++s) {
        for (int64_t d = 1; d <= 4; ++d) {
          for (const sepconv_padding padding : {SEPCONV_PADDING_VALID, SEPCONV_PADDING_SAME}) {
            sepconv_problem problem = small_problem();
            problem.padding = padding;
            problem.in_extent[0] = n;
            problem.kernel_extent[0] = k;
            problem.stride[0] = s;
            problem.dilation[0] = d;
            int64_t extent[SEPCONV_MAX_SPATIAL_RANK];
            const bool fits = padding == SEPCONV_PADDING_SAME || n >= (k - 1) * d + 1;
            ASSERT_EQ(sepconv_output_extent(&problem, extent), fits ? SEPCONV_OK : kInvalid) << describe(problem);
            if (fits) {
              ASSERT_EQ(extent[0], output_axis(problem, 0).extent) << describe(problem);
            }
          }
        }
      }
    }
  }
}

TEST_F(Problem, HugeButLegalOneIsAnsweredCleanly) {
  if (sizeof(size_t) == 4) GTEST_SKIP() << "no address space for images of that size";
  sepconv_problem problem = small_problem();
  problem.in_extent[0] = problem.in_extent[1] = 1 << 20;
  problem.in_channels = problem.out_channels = 1 << 10;  // 4 PiB of input: an address space holds it
  sepconv_status status;
  const PlanPointer plan = make_plan(problem, nullptr, &status);
  EXPECT_TRUE(status == SEPCONV_OK || status == SEPCONV_UNSUPPORTED) << sepconv_status_name(status);
  EXPECT_EQ(plan != nullptr, status == SEPCONV_OK);
}

}  // namespace
}  // namespace sepconv::test
