// The same as leaf_arguments_test.cpp for GPU variants: what Halide says of the function on the host's side is compared
// with what gpu/launch.cpp hands over.
#include "arguments.h"
#include "gpu/launch.h"

namespace sepconv::test {
namespace {

struct Case {
  const char* variant;
  int rank;
  sepconv_dtype dtype;
  bool split;
};

class DeviceArguments : public testing::TestWithParam<Case> {};

TEST_P(DeviceArguments, AreWhatTheLauncherPasses) {
  const Case& test = GetParam();
  const Signature signature = signature_of("device_conv", test.variant, "gpu", {Halide::Target::OpenCL});
  signature_of_call() = &signature;
  sepconv_variant variant = {};
  variant.entry = remember;
  variant.spatial_rank = test.rank;
  variant.input_dtype = variant.weight_dtype = variant.output_dtype = test.dtype;
  variant.split = test.split ? 1 : 0;

  char memory[5] = {};
  const int bytes = test.dtype == SEPCONV_DTYPE_F32 ? 4 : 2;
  sepconv_device_call call = {};
  call.input = {memory, 101 * bytes, 1};
  call.packed = {memory + 1, 64 * bytes, 1};  // 4 units of 16 elements
  call.residual = {memory + 2, 102 * bytes, 1};
  call.workspace = {memory + 3, 7 * 64, 1};
  call.output = {memory + 4, 103 * bytes, 1};
  set_activations(&call);
  call.vectors = 1;

  std::vector<std::string> names = {"__user_context", "input",         "packed",          "residual",
                                    "input_offset",   "output_offset", "residual_offset", "workspace_at",
                                    "mid_bias_at",    "depthwise_at",  "pointwise_at",    "out_bias_at"};
  int32_t next = 200;
  std::map<std::string, std::vector<char>> numbers;
  const auto number = [&](const std::string& name, int32_t* field) {
    *field = next++;
    names.push_back(name);
    numbers[name] = bytes_of(*field);
  };
  for (const auto& [name, field] :
       {std::pair("mid_bias_at", &call.mid_bias_at), std::pair("depthwise_at", &call.depthwise_at),
        std::pair("pointwise_at", &call.pointwise_at), std::pair("out_bias_at", &call.out_bias_at)}) {
    *field = next++;
    numbers[name] = bytes_of(*field + 4);
  }
  number("in_channels", &call.in_channels);
  number("out_channels", &call.out_channels);
  number("multiplier", &call.depth_multiplier);
  number("chunks", &call.chunks);
  number("pixels", &call.pixels);
  number("batch", &call.batch);
  number("in_channel_pitch", &call.in_channel_pitch);
  number("in_image_pitch", &call.in_image_pitch);
  number("out_channel_pitch", &call.out_channel_pitch);
  number("out_image_pitch", &call.out_image_pitch);
  number("residual_channel_pitch", &call.residual_channel_pitch);
  number("residual_image_pitch", &call.residual_image_pitch);
  names.emplace_back("vectors");
  for (int a = 0; a < test.rank; ++a) {
    sepconv_device_axis& axis = call.axis[test.rank - 1 - a];
    const std::string suffix = std::string("_") + "xyz"[a];
    number("kernel" + suffix, &axis.kernel);
    number("stride" + suffix, &axis.stride);
    number("dilation" + suffix, &axis.dilation);
    number("pad_before" + suffix, &axis.pad_before);
    number("in_extent" + suffix, &axis.in_extent);
    number("out_extent" + suffix, &axis.out_extent);
    number("in_pitch" + suffix, &axis.in_pitch);
    number("out_pitch" + suffix, &axis.out_pitch);
    number("residual_pitch" + suffix, &axis.residual_pitch);
  }
  expect_activations(&names, &numbers);
  if (test.split) names.emplace_back("workspace");
  names.emplace_back("output");

  char reason[100] = "";
  internal::Launch launch = {&call, nullptr, nullptr, SEPCONV_OK, reason, sizeof reason};
  ASSERT_EQ(internal::launch_variant(variant, &launch), SEPCONV_OK) << reason;
  numbers.insert({{"__user_context", bytes_of<const void*>(&launch)},
                  {"input_offset", bytes_of(101)},
                  {"output_offset", bytes_of(103)},
                  {"residual_offset", bytes_of(102)},
                  {"workspace_at", bytes_of(7)},
                  {"vectors", bytes_of(true)}});
  std::map<std::string, uint64_t> addresses;
  const char* arrays[] = {"input", "packed", "residual", "workspace", "output"};
  for (int i = 0; i < 5; ++i) addresses[arrays[i]] = reinterpret_cast<uintptr_t>(memory + i);
  expect_arguments(signature, names, numbers, addresses);
}

INSTANTIATE_TEST_SUITE_P(All, DeviceArguments,
                         testing::Values(Case{"1d_f32_nwc_any", 1, SEPCONV_DTYPE_F32, false},
                                         Case{"2d_f16_nhwc_any_split", 2, SEPCONV_DTYPE_F16, true},
                                         Case{"3d_bf16_ncdhw_any", 3, SEPCONV_DTYPE_BF16, false}),
                         [](const testing::TestParamInfo<Case>& info) {
                           return std::string("v") + info.param.variant;
                         });

}  // namespace
}  // namespace sepconv::test
