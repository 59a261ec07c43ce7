// The arguments of a compiled variant are those that the runtime passes: what Halide says of the function is compared
// with what halide_bridge.cpp hands over, for every rank, layout, type and kind of variant.
#include "arguments.h"
#include "halide_bridge.h"

namespace sepconv::test {
namespace {

struct Case {
  int rank;
  const char* type;
  sepconv_dtype dtype;
  bool channels_first, depthwise;

  std::string variant() const {
    const std::string axes = std::string("dhw").substr(3 - rank);
    return std::to_string(rank) + "d_" + type + "_" + (channels_first ? "nc" + axes : "n" + axes + "c") +
           (depthwise ? "_any_depthwise" : "_any");
  }
};

class LeafArguments : public testing::TestWithParam<Case> {};

// A call in which no two numbers and no two addresses are the same.
internal::LeafCall distinct_call(char* memory) {
  internal::LeafCall call = {};
  int32_t next = 10;
  call.arena = memory;
  call.input = memory + 1;
  call.depthwise = memory + 2;
  call.mid_bias = memory + 3;
  call.pointwise = memory + 4;
  call.out_bias = memory + 5;
  call.residual = memory + 6;
  call.output = memory + 7;
  for (internal::LeafAxis& axis : call.axis) {
    for (int32_t* number : {&axis.stride, &axis.dilation, &axis.pad_before, &axis.strip_min, &axis.strip_extent}) {
      *number = next++;
    }
    axis.kernel_extent = axis.taps = axis.input_extent = 3;
  }
  for (int32_t* number :
       {&call.in_channels, &call.input_channel_pitch, &call.chunks, &call.packed_channels, &call.panels,
        &call.out_channels, &call.output_pixels, &call.output_pitch, &call.residual_pitch, &call.depth_multiplier,
        &call.sum_channels, &call.sum_block, &call.ahead_lines, &call.output_is_large}) {
    *number = next++;
  }
  call.ahead = 0x123456789abcdef0;
  set_activations(&call);
  return call;
}

TEST_P(LeafArguments, AreWhatTheRuntimePasses) {
  const Case& test = GetParam();
  const Signature signature = signature_of("separable_conv", test.variant(), "portable", {});
  signature_of_call() = &signature;
  sepconv_variant variant = {};
  variant.entry = remember;
  variant.spatial_rank = test.rank;
  variant.layout = test.channels_first ? SEPCONV_LAYOUT_CHANNELS_FIRST : SEPCONV_LAYOUT_CHANNELS_LAST;
  variant.input_dtype = variant.weight_dtype = variant.output_dtype = test.dtype;
  variant.stages = test.depthwise ? SEPCONV_STAGES_DEPTHWISE : SEPCONV_STAGES_BOTH;
  variant.chunk_channels = variant.panel_channels = 8;
  char memory[8] = {};
  const internal::LeafCall call = distinct_call(memory);
  ASSERT_EQ(internal::call_variant(variant, call), 0);

  std::vector<std::string> names = {"__user_context", "input",    "depthwise", "mid_bias",
                                    "pointwise",      "out_bias", "residual"};
  std::map<std::string, std::vector<char>> numbers = {{"__user_context", bytes_of(call.arena)},
                                                      {"depth_multiplier", bytes_of(call.depth_multiplier)},
                                                      {"sum_channels", bytes_of(call.sum_channels)},
                                                      {"sum_block_channels", bytes_of(call.sum_block)},
                                                      {"ahead", bytes_of(call.ahead)},
                                                      {"ahead_lines", bytes_of(call.ahead_lines)},
                                                      {"output_is_large", bytes_of(call.output_is_large)}};
  for (int a = 0; a < test.rank; ++a) {
    const internal::LeafAxis& axis = call.axis[test.rank - 1 - a];  // the call's are outermost first
    const std::string suffix = std::string("_") + "xyz"[a];
    for (const auto& [name, value] : {std::pair("stride", axis.stride), std::pair("dilation", axis.dilation),
                                      std::pair("pad_before", axis.pad_before), std::pair("strip_min", axis.strip_min),
                                      std::pair("strip_extent", axis.strip_extent)}) {
      names.push_back(name + suffix);
      numbers[names.back()] = bytes_of(value);
    }
  }
  for (const char* name :
       {"depth_multiplier", "sum_channels", "sum_block_channels", "ahead", "ahead_lines", "output_is_large"}) {
    names.emplace_back(name);
  }
  expect_activations(&names, &numbers);
  names.emplace_back("output");
  std::map<std::string, uint64_t> addresses;
  const char* tensors[] = {"", "input", "depthwise", "mid_bias", "pointwise", "out_bias", "residual", "output"};
  for (int i = 1; i < 8; ++i) addresses[tensors[i]] = reinterpret_cast<uintptr_t>(memory + i);
  expect_arguments(signature, names, numbers, addresses);
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (int rank = 1; rank <= SEPCONV_MAX_SPATIAL_RANK; ++rank) {
    for (const auto& [type, dtype] : {std::pair("f32", SEPCONV_DTYPE_F32), std::pair("f64", SEPCONV_DTYPE_F64),
                                      std::pair("f16", SEPCONV_DTYPE_F16), std::pair("bf16", SEPCONV_DTYPE_BF16)}) {
      for (int bits = 0; bits < 4; ++bits) all.push_back({rank, type, dtype, (bits & 1) != 0, (bits & 2) != 0});
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, LeafArguments, testing::ValuesIn(cases()),
                         [](const testing::TestParamInfo<Case>& info) { return "v" + info.param.variant(); });

}  // namespace
}  // namespace sepconv::test
