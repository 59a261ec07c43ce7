// The choice of a variant, by name, for machines that need not exist. The variants here are never called.
#include "dispatch.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "pack.h"
#include "support/harness.h"
#include "support/machines.h"

namespace sepconv::test {
namespace {

using internal::Geometry;
using internal::Request;
using internal::Tables;
using internal::TargetSet;

int never_called(void**) { return -1; }

// A variant of rank 2; extents of 0 leave a quantity open.
sepconv_variant variant(const char* name, const char* target, int64_t kernel = 0, int64_t stride = 0,
                        int64_t channels = 0) {
  sepconv_variant result{};
  result.name = name;
  result.target = target;
  result.entry = never_called;
  result.spatial_rank = 2;
  for (int axis = 0; axis < 2; ++axis) {
    result.kernel_extent[axis] = kernel;
    result.stride[axis] = stride;
  }
  result.in_channels = channels;
  result.chunk_channels = result.panel_channels = 8;
  result.tile_pixels = result.depthwise_tile = 4;
  result.depthwise_rows = 1;
  result.sum_block = 64;
  return result;
}

const std::vector<sepconv_variant> kShipped = {
    variant("k3s1_avx512", "x86_avx512", 3, 1),
    variant("k3s1_avx2", "x86_avx2", 3, 1),
    variant("k3s2_avx2", "x86_avx2", 3, 2),
    variant("any_avx512", "x86_avx512"),
    variant("any_avx2", "x86_avx2"),
    variant("any_portable", "portable"),
};
const std::vector<sepconv_variant> kUsers = {
    variant("mine_k3c32_avx2", "x86_avx2", 3, 0, 32),
    variant("mine_k3c32_neon", "arm_neon", 3, 0, 32),
    variant("mine_elsewhere", "riscv_v1", 3, 0, 32),
};

class Choice : public ::testing::Test {
 protected:
  Choice() {
    problem_ = default_problem();
    problem_.in_channels = problem_.out_channels = 16;
    set_axes(3, 1);
    shipped_ = {SEPCONV_VARIANT_ABI, sizeof(sepconv_variant), "shipped", kShipped.data(), kShipped.size()};
    users_ = {SEPCONV_VARIANT_ABI, sizeof(sepconv_variant), "users", kUsers.data(), kUsers.size()};
    tables_.table[0] = &shipped_;
    tables_.table[1] = &users_;
    tables_.count = 1;
  }

  void set_axes(int64_t kernel, int64_t stride) {
    for (int axis = 0; axis < 2; ++axis) {
      problem_.in_extent[axis] = 20;
      problem_.kernel_extent[axis] = kernel;
      problem_.stride[axis] = stride;
    }
  }

  std::string chosen(const char* machine) {
    machine_ = targets(machine);
    return chosen();
  }

  std::string chosen() {
    Geometry geometry;
    EXPECT_EQ(internal::analyse_problem(&problem_, &geometry), SEPCONV_OK) << sepconv_last_error();
    const sepconv_variant* best = internal::choose_variant(request(&geometry), tables_);
    return best != nullptr ? best->name : "none";
  }

  Request request(const Geometry* geometry) const {
    return {geometry, machine_, allowed_, variant_, packing_id_ != 0, packing_id_};
  }

  sepconv_problem problem_;
  sepconv_variant_table shipped_, users_;
  Tables tables_{};
  TargetSet machine_ = 0, allowed_ = internal::all_targets;
  const char* variant_ = nullptr;
  uint64_t packing_id_ = 0;
};

TEST_F(Choice, TakesTheBestThatTheMachineRuns) {
  EXPECT_EQ(chosen("portable"), "any_portable");
  EXPECT_EQ(chosen("portable, x86_sse41"), "any_portable");
  EXPECT_EQ(chosen("portable,x86_sse41,x86_avx2"), "k3s1_avx2");
  EXPECT_EQ(chosen("portable,x86_sse41,x86_avx2,x86_avx512"), "k3s1_avx512");
  EXPECT_EQ(chosen("portable,arm_neon"), "any_portable");
}

TEST_F(Choice, PrefersTheVariantThatFixesMore) {
  set_axes(3, 2);
  EXPECT_EQ(chosen("portable,x86_avx2,x86_avx512"), "k3s2_avx2");  // specialised beats wider
  set_axes(5, 1);
  EXPECT_EQ(chosen("portable,x86_avx2"), "any_avx2");
  EXPECT_EQ(chosen("portable,x86_avx2,x86_avx512"), "any_avx512");
}

TEST_F(Choice, ReadsEveryAxis) {
  problem_.stride[0] = 1;
  problem_.stride[1] = 2;
  EXPECT_EQ(chosen("portable,x86_avx2"), "any_avx2");
  set_axes(3, 1);
  problem_.kernel_extent[0] = 2;
  EXPECT_EQ(chosen("portable,x86_avx2"), "any_avx2");
}

TEST_F(Choice, RanksLaterTablesFirst) {
  tables_.count = 2;
  EXPECT_EQ(chosen("portable,x86_avx2"), "k3s1_avx2");  // 16 channels: not the user's layer
  problem_.in_channels = 32;
  EXPECT_EQ(chosen("portable,x86_avx2"), "mine_k3c32_avx2");
  EXPECT_EQ(chosen("portable,x86_avx2,x86_avx512"), "mine_k3c32_avx2");
  EXPECT_EQ(chosen("portable,arm_neon"), "mine_k3c32_neon");
  EXPECT_EQ(chosen("portable"), "any_portable");
}

TEST_F(Choice, ObeysTheUsersTargets) {
  allowed_ = targets("x86_avx2,portable");
  EXPECT_EQ(chosen("portable,x86_avx2,x86_avx512"), "k3s1_avx2");
  allowed_ = targets("portable");
  EXPECT_EQ(chosen("portable,x86_avx2,x86_avx512"), "any_portable");
  allowed_ = targets("arm_neon");  // wanting a target does not make the machine run it
  EXPECT_EQ(chosen("portable,x86_avx2"), "none");
}

TEST_F(Choice, TakesOnlyTheNamedVariant) {
  variant_ = "any_portable";
  EXPECT_EQ(chosen("portable,x86_avx2"), "any_portable");
  variant_ = "k3s2_avx2";  // exists, but the stride is 1
  EXPECT_EQ(chosen("portable,x86_avx2"), "none");
  variant_ = "any_avx512";  // exists, but this machine cannot
  EXPECT_EQ(chosen("portable,x86_avx2"), "none");
}

TEST_F(Choice, StaysInsideAPacking) {
  sepconv_variant wide = variant("any_wide_panel_avx2", "x86_avx2");
  wide.panel_channels = 16;
  const sepconv_variant_table own = {SEPCONV_VARIANT_ABI, sizeof(sepconv_variant), "own", &wide, 1};
  tables_.table[1] = &own;
  tables_.count = 2;
  EXPECT_EQ(chosen("portable,x86_avx2"), "any_wide_panel_avx2");
  packing_id_ = internal::packing_id_of(kShipped[5]);
  EXPECT_EQ(chosen("portable,x86_avx2"), "k3s1_avx2");
  packing_id_ = internal::packing_id_of(wide);
  EXPECT_EQ(chosen("portable,x86_avx2"), "any_wide_panel_avx2");
}

TEST_F(Choice, VariantsForMultiplesOfChannelsRankBeforeThoseForAny) {
  sepconv_variant multiples = variant("cdiv32_avx2", "x86_avx2");
  multiples.channels_multiple = 32;
  const std::vector<sepconv_variant> variants = {variant("any_avx512", "x86_avx512"), variant("any_avx2", "x86_avx2"),
                                                 multiples};
  const sepconv_variant_table own = {SEPCONV_VARIANT_ABI, sizeof(sepconv_variant), "own", variants.data(),
                                     variants.size()};
  tables_.table[0] = &own;
  EXPECT_EQ(chosen("portable,x86_avx2"), "any_avx2");  // 16 channels
  problem_.in_channels = 96;
  EXPECT_EQ(chosen("portable,x86_avx2"), "cdiv32_avx2");
  EXPECT_EQ(chosen("portable,x86_avx2,x86_avx512"), "cdiv32_avx2");
  problem_.in_channels = 97;
  EXPECT_EQ(chosen("portable,x86_avx2"), "any_avx2");
}

TEST_F(Choice, VariantsForSmallImagesLeaveLargerOnesToOthers) {
  sepconv_variant small = variant("small_avx2", "x86_avx2");
  small.channels_multiple = 16;
  small.max_image_bytes = 20 * 20 * 16 * 4;
  small.max_reads = 18;
  const std::vector<sepconv_variant> variants = {small, variant("any_avx2", "x86_avx2")};
  const sepconv_variant_table own = {SEPCONV_VARIANT_ABI, sizeof(sepconv_variant), "own", variants.data(),
                                     variants.size()};
  tables_.table[0] = &own;
  EXPECT_EQ(chosen("portable,x86_avx2"), "small_avx2");
  problem_.depth_multiplier = 2;  // 3x3 taps, and some of the padding is seen
  EXPECT_EQ(chosen("portable,x86_avx2"), "small_avx2");
  problem_.depth_multiplier = 3;
  EXPECT_EQ(chosen("portable,x86_avx2"), "any_avx2");
  problem_.depth_multiplier = 1;
  problem_.in_extent[0] = 21;
  EXPECT_EQ(chosen("portable,x86_avx2"), "any_avx2");
  variant_ = "small_avx2";  // asked for
  EXPECT_EQ(chosen("portable,x86_avx2"), "small_avx2");
  variant_ = nullptr;
  small.panel_channels = 16;
  const sepconv_variant_table packed = {SEPCONV_VARIANT_ABI, sizeof(sepconv_variant), "own", &small, 1};
  tables_.table[0] = &packed;
  packing_id_ = internal::packing_id_of(small);  // packed weights serve images of every size
  EXPECT_EQ(chosen("portable,x86_avx2"), "small_avx2");
}

TEST_F(Choice, VariantsForLargeWeightsRankBeforeWhatFixesMore) {
  sepconv_variant large = variant("large_avx2", "x86_avx2");
  large.min_pointwise_bytes = 16 * 32 * 4;
  std::vector<sepconv_variant> variants = kShipped;
  variants.push_back(large);
  const sepconv_variant_table own = {SEPCONV_VARIANT_ABI, sizeof(sepconv_variant), "own", variants.data(),
                                     variants.size()};
  tables_.table[0] = &own;
  problem_.out_channels = 31;
  EXPECT_EQ(chosen("portable,x86_avx2"), "k3s1_avx2");
  problem_.out_channels = 32;
  EXPECT_EQ(chosen("portable,x86_avx2"), "large_avx2");
  problem_.out_channels = 16;
  problem_.depth_multiplier = 2;
  EXPECT_EQ(chosen("portable,x86_avx2"), "large_avx2");
  problem_.depth_multiplier = 1;
  EXPECT_EQ(chosen("portable,x86_avx2"), "k3s1_avx2");
  packing_id_ = internal::packing_id_of(large);  // also that of the others
  EXPECT_EQ(chosen("portable,x86_avx2"), "k3s1_avx2");
  packing_id_ = 0;
  variant_ = "large_avx2";  // asked for
  EXPECT_EQ(chosen("portable,x86_avx2"), "large_avx2");
}

TEST_F(Choice, NeverTakesAnotherLayoutRankOrType) {
  problem_.layout = SEPCONV_LAYOUT_CHANNELS_FIRST;
  EXPECT_EQ(chosen("portable,x86_avx2"), "none");
  problem_.layout = SEPCONV_LAYOUT_CHANNELS_LAST;
  problem_.spatial_rank = 1;
  EXPECT_EQ(chosen("portable,x86_avx2"), "none");
  problem_.spatial_rank = 2;
  problem_.input_dtype = SEPCONV_DTYPE_F16;
  EXPECT_EQ(chosen("portable,x86_avx2"), "none");
}

TEST_F(Choice, SaysWhyAVariantWillNotDo) {
  machine_ = targets("portable,x86_avx2");
  allowed_ = ~targets("portable");
  Geometry geometry;
  ASSERT_EQ(internal::analyse_problem(&problem_, &geometry), SEPCONV_OK);
  const auto reason = [&](const sepconv_variant& candidate) {
    char text[200] = "";
    return internal::why_not(request(&geometry), candidate, text, sizeof text) ? std::string(text)
                                                                               : std::string("will do");
  };
  EXPECT_NE(reason(kShipped[0]).find("this machine cannot run x86_avx512"), std::string::npos) << reason(kShipped[0]);
  EXPECT_EQ(reason(kShipped[1]), "will do");
  EXPECT_NE(reason(kShipped[2]).find("stride[0] is 1, the variant has 2"), std::string::npos) << reason(kShipped[2]);
  EXPECT_NE(reason(kShipped[5]).find("portable is excluded"), std::string::npos) << reason(kShipped[5]);
  EXPECT_NE(reason(kUsers[0]).find("in_channels is 16, the variant has 32"), std::string::npos) << reason(kUsers[0]);
}

// What a host tool asks of a table that it only describes.
TEST_F(Choice, JudgesEveryVariantOfATableWithoutEntries) {
  std::vector<sepconv_variant> described = {variant("k3s2_avx2", "x86_avx2", 3, 2), variant("any_avx2", "x86_avx2"),
                                            variant("any_portable", "portable")};
  for (sepconv_variant& one : described) one.entry = nullptr;
  const sepconv_variant_table own = {SEPCONV_VARIANT_ABI, sizeof(sepconv_variant), "own", described.data(),
                                     described.size()};
  tables_.table[0] = &own;
  Geometry geometry;
  ASSERT_EQ(internal::analyse_problem(&problem_, &geometry), SEPCONV_OK) << sepconv_last_error();
  const Request asked = {&geometry, targets("portable,x86_avx2")};
  std::vector<std::string> verdicts;
  internal::judge_variants(
      asked, tables_, internal::choose_variant(asked, tables_),
      [](void* to, const sepconv_variant& judged, const char* verdict) {
        static_cast<std::vector<std::string>*>(to)->push_back(std::string(judged.name) + ": " + verdict);
      },
      &verdicts);
  EXPECT_EQ(verdicts, (std::vector<std::string>{"k3s2_avx2: stride[0] is 1, the variant has 2", "any_avx2: chosen",
                                                "any_portable: could run it, but ranks behind the chosen one"}));
}

TEST_F(Choice, ListsEveryVariantOnceInOrderOfRank) {
  tables_.count = 2;
  std::vector<std::string> names;
  for (size_t i = 0; const sepconv_variant* ranked = internal::ranked_variant(tables_, i); ++i)
    names.emplace_back(ranked->name);
  EXPECT_EQ(names, (std::vector<std::string>{"mine_k3c32_avx2", "mine_k3c32_neon", "mine_elsewhere", "k3s1_avx512",
                                             "k3s1_avx2", "k3s2_avx2", "any_avx512", "any_avx2", "any_portable"}));
}

}  // namespace
}  // namespace sepconv::test
