// The grammar of variant names: C++'s reader and CMake's check accept the same names, whatever is done to good ones.
#include "variant_name.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <stdexcept>
#include <string>

namespace sepconv::test {
namespace {

const char* const good_names[] = {"1d_f32_nwc_any",
                                  "2d_f64_nhwc_k3s1d1m1",
                                  "2d_f32_nhwc_k3x5s1x2d1m2c13o29e30x40_act",
                                  "3d_f32_ndhwc_k3x1x5d2",
                                  "2d_bf16_nchw_cdiv32",
                                  "3d_f16_ncdhw_e7",
                                  "1d_f32_ncw_m10_large_weights",
                                  "2d_f32_nhwc_any_depthwise",
                                  "2d_f32_nchw_s2o16",
                                  "2d_f32_nhwc_c16777216o2147483647e2147483647"};

bool reads(const std::string& name) {
  try {
    return parse_variant_name(name).text == name;
  } catch (const std::invalid_argument&) {
    return false;
  }
}

// Good names, and what is one letter away from them: one left out, twice, or another in its place.
std::set<std::string> names() {
  std::set<std::string> all;
  for (const std::string name : good_names) {
    all.insert(name);
    all.insert(name + std::string(256 - name.size(), 'a'));  // a family, or the whole is wrong anyway
    all.insert(name + "_" + std::string(256 - name.size(), 'a'));
    for (size_t i = 0; i < name.size(); ++i) {
      all.insert(name.substr(0, i) + name.substr(i + 1));
      all.insert(name.substr(0, i + 1) + name.substr(i));
      for (const char letter : std::string("03xkcdnfw_A")) {
        std::string other = name;
        other[i] = letter;
        all.insert(other);
      }
    }
  }
  return all;
}

TEST(VariantName, IsReadInItsParts) {
  const VariantName name = parse_variant_name("2d_f32_nhwc_k3x5s1d2m4c13o29e30x40_act");
  EXPECT_EQ(name.rank, 2);
  EXPECT_EQ(name.types, "f32");
  EXPECT_FALSE(name.channels_first);
  EXPECT_EQ(name.kernel, (std::vector<int64_t>{3, 5}));
  EXPECT_EQ(name.stride, (std::vector<int64_t>{1, 1}));
  EXPECT_EQ(name.dilation, (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(name.extent, (std::vector<int64_t>{30, 40}));
  EXPECT_EQ(name.multiplier, 4);
  EXPECT_EQ(name.in_channels, 13);
  EXPECT_EQ(name.channels_multiple, 1);
  EXPECT_EQ(name.out_channels, 29);
  EXPECT_EQ(name.family, "act");
  const VariantName multiple = parse_variant_name("1d_f64_ncw_cdiv32");
  EXPECT_TRUE(multiple.channels_first);
  EXPECT_EQ(multiple.in_channels, 0);
  EXPECT_EQ(multiple.channels_multiple, 32);
}

std::string complaint(const std::string& name) {
  try {
    parse_variant_name(name);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(VariantName, HasBounds) {
  const auto has = [](const std::string& name, const std::string& words) {
    EXPECT_NE(complaint(name).find(words), std::string::npos) << name.substr(0, 80) << ": " << complaint(name);
  };
  has("2d_f32_nhwc_e2147483648", ": 2147483648 is larger than 2147483647");
  has("2d_f32_nhwc_e3x99999999999999999999", ": 99999999999999999999 is larger than 2147483647");
  has("2d_f32_nhwc_c16777217", ": c times m is more than the 16777216 channels");
  has("2d_f32_nhwc_m2147483647c2147483647", ": c times m is more");
  has("2d_f32_nhwc_any_" + std::string(1 << 20, 'a'), " has 1048592 characters; 256 are the most");
  has("2d_f32_nhwc_k1" + std::string(1 << 20, 'x'), " characters; 256 are the most");
}

TEST(VariantName, IsWhatCMakeTakesForOne) {
  for (const char* name : good_names) EXPECT_TRUE(reads(name)) << name;
  const std::set<std::string> all = names();
  const std::string folder = testing::TempDir(), input = folder + "sepconv_names.txt",
                    output = folder + "sepconv_ok.txt";
  std::ofstream list(input);
  for (const std::string& name : all) list << name << "\n";
  list.close();
  std::remove(output.c_str());
  const std::string command =
      "\"" SEPCONV_CMAKE "\" -DNAMES=\"" + input + "\" -DOUTPUT=\"" + output + "\" -P \"" SEPCONV_NAMES_SCRIPT "\"";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  std::set<std::string> accepted;
  std::ifstream lines(output);
  for (std::string line; std::getline(lines, line);) accepted.insert(line);
  for (const std::string& name : all) EXPECT_EQ(accepted.count(name) == 1, reads(name)) << name;
  EXPECT_GT(accepted.size(), 100u);
  EXPECT_GT(all.size(), 5 * accepted.size());
}

}  // namespace
}  // namespace sepconv::test
