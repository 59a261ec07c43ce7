// The shapes of GPU variants' blocks: what is legal, and what a name gets by default.
#include "device_parameters.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "device_time.h"

namespace sepconv::test {
namespace {

DeviceParameters defaults(const char* name) { return resolve_device_parameters(parse_variant_name(name), {}); }

std::string refusal(const char* name, const std::map<std::string, int>& overrides) {
  try {
    resolve_device_parameters(parse_variant_name(name), overrides);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(DeviceParameters, WindowsNeedAFixedReachAndFewSamples) {
  EXPECT_EQ(refusal("2d_f32_nhwc_k3s1d1m1", {{"window", 4}}), "");
  EXPECT_EQ(refusal("1d_f32_nwc_s1d1m1", {{"window", 8}}), "");
  EXPECT_EQ(refusal("3d_f32_ndhwc_k3s1d1m1", {{"window", 2}}), "");
  for (const char* name : {"2d_f32_nhwc_any", "2d_f32_nhwc_k3d1m1", "2d_f32_nhwc_k3s1m1", "2d_f32_nhwc_k3s1d2m1",
                           "2d_f32_nchw_k3s1d1m1", "2d_f32_nhwc_k3s1d1m1_act", "2d_f32_nhwc_k17s1d1m1"}) {
    EXPECT_NE(refusal(name, {{"window", 2}}).find("schedule parameter window is 2"), std::string::npos) << name;
  }
}

TEST(DeviceParameters, BlocksFitWhatDevicesHave) {
  EXPECT_NE(refusal("2d_f32_nhwc_any", {{"threads_z", 8}}).find("has 1024 threads"), std::string::npos);
  EXPECT_NE(refusal("2d_f32_nhwc_any", {{"chunk", 8}, {"threads_z", 4}}).find("vectors of a chunk"), std::string::npos);
  EXPECT_NE(refusal("2d_f32_nhwc_any", {{"chunk", 128}, {"thread_pixels", 8}, {"thread_vectors", 2}}).find("shared"),
            std::string::npos);
  EXPECT_NE(refusal("2d_f32_nhwc_any", {{"thread_pixels", 8}, {"thread_vectors", 4}}).find("64 sums"),
            std::string::npos);
}

// Each word of the manifest is a shape, and no other is taken for one.
TEST(DeviceParameters, FamiliesAreShapes) {
  EXPECT_EQ(defaults("2d_f32_nhwc_any").split, 0);
  EXPECT_EQ(defaults("2d_f32_nhwc_any_split").split, 1);
  EXPECT_GT(defaults("2d_f32_nhwc_any_split_deep").threads_z, 1);
  EXPECT_NE(refusal("2d_f32_nchw_any_split_deep", {}).find("split_deep"), std::string::npos);
  EXPECT_NE(refusal("1d_f32_nwc_any_narrow", {}).find("narrow"), std::string::npos);
}

// A layer's own variant gets the shape that suits its sizes.
TEST(DeviceParameters, ALayerOfItsOwnIsShapedByTheModel) {
  EXPECT_EQ(defaults("2d_f32_nhwc_k3s1d1m1c32o16e112").split, 0);
  EXPECT_EQ(defaults("2d_f32_nhwc_k3s1d1m1c1024o1024e7").split, 1);
  EXPECT_GT(defaults("2d_f32_nhwc_k3s1d1m1c1024o1024e7").threads_z, 1);
  EXPECT_EQ(defaults("2d_f32_nhwc_k3s1d1m1c16777216o2147483647e2147483647").window, 2);  // no number overflows
}

TEST(DeviceTime, GrowsWithTheWork) {
  const internal::DeviceBlock block = {64, 64, 32, 128, 1, true};
  const internal::DeviceWork work = {12544, 128, 1, 128, 9, 3, 1};
  const double time = internal::device_time(work, block);
  const auto more = [&](int64_t internal::DeviceWork::* field, int64_t value) {
    internal::DeviceWork larger = work;
    larger.*field = value;
    return internal::device_time(larger, block);
  };
  EXPECT_GT(more(&internal::DeviceWork::pixels, 50176), time);
  EXPECT_GT(more(&internal::DeviceWork::in_channels, 256), time);
  EXPECT_GT(more(&internal::DeviceWork::out_channels, 256), time);
  EXPECT_GT(more(&internal::DeviceWork::taps, 25), time);
  // Chunks are packed for each multiple: 3 channels, 4 times, take 4 rounds.
  internal::DeviceWork few = work;
  few.in_channels = 3;
  few.depth_multiplier = 4;
  internal::DeviceWork many = work;
  many.in_channels = 128;
  EXPECT_DOUBLE_EQ(internal::device_time(few, block), internal::device_time(many, block));
  internal::DeviceBlock windows = block;
  windows.window = 4;
  EXPECT_LT(internal::device_time(work, windows), time);
}

}  // namespace
}  // namespace sepconv::test
