// The cut of a run into tasks: every output pixel once, every input sample that a strip reads inside its slice, every
// index and every byte of scratch inside the limits.
#include "strip.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "gather.h"
#include "support/describe.h"
#include "support/harness.h"
#include "support/random_problem.h"

namespace sepconv::test {
namespace {

using internal::Cut;
using internal::CutLimits;
using internal::Geometry;
using internal::PackedLayout;
using internal::Strip;

sepconv_variant random_variant(Random& random, int32_t rank) {
  sepconv_variant variant{};
  variant.name = "variant";
  variant.spatial_rank = rank;
  variant.chunk_channels = static_cast<int32_t>(uniform(random, 1, 4) * 4);
  variant.panel_channels = static_cast<int32_t>(uniform(random, 1, 5) * 4);
  variant.tile_pixels = static_cast<int32_t>(uniform(random, 1, 8));
  variant.depthwise_tile = static_cast<int32_t>(uniform(random, 1, 8));
  variant.depthwise_rows = static_cast<int32_t>(uniform(random, 1, 8));
  variant.sum_block = variant.chunk_channels * static_cast<int32_t>(uniform(random, 0, 20));
  variant.strip_pixels = uniform(random, 0, 1) == 0 ? 0 : static_cast<int32_t>(uniform(random, 1, 500));
  return variant;
}

// Every sample under the strip and inside the image lies in the slice; the slice lies in the image and is not empty.
void expect_slice_covers(const Geometry& geometry, const Strip& strip) {
  for (int axis = 0; axis < geometry.rank; ++axis) {
    const int64_t low = strip.min[axis] * geometry.problem.stride[axis] - geometry.pad_before[axis];
    ASSERT_GE(strip.in_min[axis], 0);
    ASSERT_GE(strip.in_extent[axis], 1);
    const int64_t step = strip.in_step[axis];
    ASSERT_LT(strip.in_min[axis] + (strip.in_extent[axis] - 1) * step, geometry.in_extent[axis]);
    ASSERT_GE(strip.taps[axis], 1);
    for (int64_t at = 0; at < strip.extent[axis] * geometry.problem.kernel_extent[axis]; ++at) {
      const int64_t output = at / geometry.problem.kernel_extent[axis], tap = at % geometry.problem.kernel_extent[axis];
      const int64_t behind = output * geometry.problem.stride[axis] + tap * geometry.problem.dilation[axis];
      const bool inside = low + behind >= 0 && low + behind < geometry.in_extent[axis];
      const bool shown = tap >= strip.first_tap[axis] && tap < strip.first_tap[axis] + strip.taps[axis];
      ASSERT_TRUE(shown || !inside) << "axis " << axis << " output " << output << " tap " << tap;
      if (step == 1) continue;
      // The tap reads every step-th sample only, `pad_before` of them in front of the slice.
      ASSERT_EQ(behind % step, 0) << "axis " << axis << " output " << output << " tap " << tap;
      const int64_t index = behind / step - strip.pad_before[axis];
      ASSERT_EQ(inside, index >= 0 && index < strip.in_extent[axis])
          << "axis " << axis << " output " << output << " tap " << tap;
      if (inside) {
        ASSERT_EQ(low + behind, strip.in_min[axis] + index * step);
      }
    }
    if (step > 1) continue;
    const int64_t high = low + (strip.extent[axis] - 1) * geometry.problem.stride[axis] +
                         (geometry.problem.kernel_extent[axis] - 1) * geometry.problem.dilation[axis];
    if (high < 0 || low >= geometry.in_extent[axis]) continue;  // reads padding only
    ASSERT_LE(strip.in_min[axis], std::max<int64_t>(low, 0)) << "axis " << axis;
    ASSERT_GT(strip.in_min[axis] + strip.in_extent[axis], std::min(high, geometry.in_extent[axis] - 1))
        << "axis " << axis;
  }
}

// The pixels of a strip that is written in its place lie `step` elements apart.
void expect_even_steps(const Geometry& geometry, const Strip& strip, int64_t step) {
  for (int64_t pixel = 0; pixel < strip.pixels; ++pixel) {
    int64_t rest = pixel, offset = 0;
    for (int axis = geometry.rank - 1; axis >= 0; --axis) {
      offset += rest % strip.extent[axis] * geometry.output_pitch.axis[axis];
      rest /= strip.extent[axis];
    }
    ASSERT_EQ(offset, pixel * step) << "pixel " << pixel;
  }
}

void expect_partition(const Geometry& geometry, const sepconv_variant& variant, const PackedLayout& packed,
                      const Cut& cut) {
  ASSERT_EQ(cut.tasks, cut.strips * cut.groups);
  ASSERT_GE(cut.groups, 1);
  ASSERT_LE(cut.groups, packed.panels);
  ASSERT_EQ(cut.worker_bytes % 64, 0);
  ASSERT_GE(cut.worker_bytes, cut.arena_bytes + cut.tile_bytes);
  const int64_t panels = (packed.panels + cut.groups - 1) / cut.groups;
  std::vector<int> written(static_cast<size_t>(geometry.out_pixels));
  for (int64_t index = 0; index < cut.strips; ++index) {
    const Strip strip = internal::strip_at(geometry, variant, cut, index);
    SCOPED_TRACE("strip " + std::to_string(index) + " of " + std::to_string(cut.strips));
    int64_t pixels = 1, flat = 0;
    for (int axis = 0; axis < SEPCONV_MAX_SPATIAL_RANK; ++axis) {
      ASSERT_GE(strip.min[axis], 0);
      ASSERT_GE(strip.extent[axis], 1);
      ASSERT_LE(strip.min[axis] + strip.extent[axis], geometry.out_extent[axis]);
      pixels *= strip.extent[axis];
      flat = flat * geometry.out_extent[axis] + strip.min[axis];
    }
    ASSERT_EQ(strip.pixels, pixels);
    // A strip's pixels are neighbours in the output's order, since the variant counts them through.
    for (int axis = SEPCONV_MAX_SPATIAL_RANK - 1; axis > 0; --axis) {
      if (strip.extent[axis] < geometry.out_extent[axis]) {
        for (int outer = 0; outer < axis; ++outer) ASSERT_EQ(strip.extent[outer], 1) << "axis " << outer;
      }
    }
    for (int64_t pixel = 0; pixel < pixels; ++pixel) ++written[static_cast<size_t>(flat + pixel)];
    const Geometry seen = cut.gathers ? internal::gathered_geometry(geometry) : geometry;
    ASSERT_LE(internal::scratch_bytes(seen, variant, packed, strip.extent, panels), cut.arena_bytes);
    int64_t step;
    if (!internal::writes_in_place(geometry, variant, strip, &step)) {
      ASSERT_GE(cut.tile_bytes, internal::dtype_size(geometry.problem.output_dtype) *
                                    std::max<int64_t>(pixels, variant.tile_pixels) * panels * variant.panel_channels);
    } else {
      expect_even_steps(geometry, strip, step);
    }
    expect_slice_covers(geometry, strip);
  }
  ASSERT_EQ(std::count(written.begin(), written.end(), 1), geometry.out_pixels);
}

TEST(Strips, CoverEveryPixelOnceInsideTheLimits) {
  int cuts = 0, refused = 0, local = 0, gathered = 0;
  for (uint64_t i = 0; i < 3000 && !::testing::Test::HasFailure(); ++i) {
    Random random(test_seed() + i);
    const sepconv_problem problem = random_problem(random);
    const sepconv_variant variant = random_variant(random, problem.spatial_rank);
    SCOPED_TRACE("seed " + std::to_string(test_seed() + i) + ": " + describe(problem));
    Geometry geometry;
    PackedLayout packed;
    ASSERT_EQ(internal::analyse_problem(&problem, &geometry), SEPCONV_OK) << sepconv_last_error();
    ASSERT_EQ(internal::lay_out_packed(geometry, variant, &packed), SEPCONV_OK) << sepconv_last_error();
    CutLimits limits;
    if (uniform(random, 0, 1) == 0) limits.indices = int64_t{1} << uniform(random, 8, 20);
    if (uniform(random, 0, 1) == 0) limits.scratch_bytes = int64_t{1} << uniform(random, 8, 20);
    Cut cut;
    const int threads = static_cast<int>(uniform(random, 1, 9));
    const sepconv_status status = internal::cut_image(geometry, variant, packed, threads, limits, &cut);
    if (status != SEPCONV_OK) {
      ASSERT_EQ(status, SEPCONV_UNSUPPORTED) << sepconv_last_error();
      ASSERT_LT(limits.indices, INT32_MAX) << sepconv_last_error();
      ++refused;
      continue;
    }
    ++cuts;
    local += cut.local_coordinates ? 1 : 0;
    gathered += cut.gathers ? 1 : 0;
    expect_partition(geometry, variant, packed, cut);
  }
  EXPECT_GT(cuts, 2000);
  EXPECT_GT(refused, 0) << "no limit was tight enough to be refused";
  EXPECT_GT(gathered, 0) << "no taps were far apart";
  EXPECT_GT(local, 0) << "no image was too large for its limit";
}

// Images far beyond 2^31 elements are cut, not refused; only the first and last strips are looked at.
TEST(Strips, CutImagesOfMoreThan31Bits) {
  if (sizeof(size_t) == 4) GTEST_SKIP() << "no address space for images of that size";
  sepconv_problem problem = default_problem();
  problem.padding = SEPCONV_PADDING_SAME;
  problem.in_channels = problem.out_channels = 64;
  problem.in_extent[0] = problem.in_extent[1] = 100'000;
  problem.kernel_extent[0] = problem.kernel_extent[1] = 3;
  Random random(1);
  const sepconv_variant variant = random_variant(random, 2);
  Geometry geometry;
  PackedLayout packed;
  Cut cut;
  ASSERT_EQ(internal::analyse_problem(&problem, &geometry), SEPCONV_OK) << sepconv_last_error();
  ASSERT_EQ(internal::lay_out_packed(geometry, variant, &packed), SEPCONV_OK) << sepconv_last_error();
  ASSERT_EQ(internal::cut_image(geometry, variant, packed, 4, CutLimits{}, &cut), SEPCONV_OK) << sepconv_last_error();
  EXPECT_TRUE(cut.local_coordinates);
  const Strip first = internal::strip_at(geometry, variant, cut, 0),
              last = internal::strip_at(geometry, variant, cut, cut.strips - 1);
  for (int axis = 0; axis < geometry.rank; ++axis) {
    EXPECT_EQ(first.min[axis], 0);
    EXPECT_EQ(last.min[axis] + last.extent[axis], geometry.out_extent[axis]);
  }
  expect_slice_covers(geometry, first);
  expect_slice_covers(geometry, last);
}

// With more threads there are enough tasks for all of them.
TEST(Strips, GiveEveryThreadWork) {
  sepconv_problem problem = default_problem();
  problem.padding = SEPCONV_PADDING_SAME;
  problem.in_channels = problem.out_channels = 128;
  problem.in_extent[0] = problem.in_extent[1] = 56;
  problem.kernel_extent[0] = problem.kernel_extent[1] = 3;
  sepconv_variant variant{};
  variant.name = "variant";
  variant.spatial_rank = 2;
  variant.chunk_channels = variant.panel_channels = 16;
  variant.tile_pixels = 6;
  variant.depthwise_tile = 4;
  variant.depthwise_rows = 1;
  variant.sum_block = 128;
  for (const int threads : {2, 3, 4, 8}) {
    Geometry geometry;
    PackedLayout packed;
    Cut cut;
    ASSERT_EQ(internal::analyse_problem(&problem, &geometry), SEPCONV_OK);
    ASSERT_EQ(internal::lay_out_packed(geometry, variant, &packed), SEPCONV_OK);
    ASSERT_EQ(internal::cut_image(geometry, variant, packed, threads, CutLimits{}, &cut), SEPCONV_OK);
    EXPECT_GE(cut.tasks, threads);
  }
}

// Whatever the steps, and where a row has one output only, too.
TEST(Strip, ShowsRowsWholeToVariantsOfAFixedExtent) {
  Random random(test_seed());
  sepconv_problem problem = default_problem();
  problem.spatial_rank = 1;
  problem.in_channels = problem.out_channels = 4;
  problem.in_extent[0] = 21;
  problem.kernel_extent[0] = 6;
  problem.dilation[0] = 4;  // one output
  Geometry geometry;
  ASSERT_EQ(internal::analyse_problem(&problem, &geometry), SEPCONV_OK) << sepconv_last_error();
  sepconv_variant variant = random_variant(random, 1);
  variant.in_extent[0] = 21;
  for (const int64_t dilation : {0, 4}) {
    variant.dilation[0] = dilation;
    PackedLayout packed;
    Cut cut;
    ASSERT_EQ(internal::lay_out_packed(geometry, variant, &packed), SEPCONV_OK);
    ASSERT_EQ(internal::cut_image(geometry, variant, packed, 1, CutLimits{}, &cut), SEPCONV_OK);
    const Strip strip = internal::strip_at(geometry, variant, cut, 0);
    EXPECT_EQ(strip.in_step[0], 1);
    EXPECT_EQ(strip.in_min[0], 0);
    EXPECT_EQ(strip.in_extent[0], 21);
    EXPECT_EQ(strip.dilation[0], 4);
  }
}

}  // namespace
}  // namespace sepconv::test
