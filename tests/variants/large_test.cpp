// Images of more than 2^31 elements. They are mostly untouched memory, which reads as zeros and takes no room.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "support/describe.h"
#include "support/harness.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

struct Unmap {
  size_t bytes;
  void operator()(float* memory) const { munmap(memory, bytes); }
};
using Sparse = std::unique_ptr<float, Unmap>;

Sparse sparse_zeros(int64_t count) {
  const size_t bytes = static_cast<size_t>(count) * sizeof(float);
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return Sparse(memory == MAP_FAILED ? nullptr : static_cast<float*>(memory), Unmap{bytes});
}

// One output channel, all weights 1: an output is the sum of the samples under it, over all channels.
double sum_under(const sepconv_problem& problem, const float* input, int64_t out_y, int64_t out_x) {
  const int64_t height = problem.in_extent[0], width = problem.in_extent[1], channels = problem.in_channels;
  const int64_t first_y = out_y * problem.stride[0] - output_axis(problem, 0).pad_before;
  const int64_t first_x = out_x * problem.stride[1] - output_axis(problem, 1).pad_before;
  double sum = 0;
  for (int64_t tap_y = 0; tap_y < problem.kernel_extent[0]; ++tap_y) {
    for (int64_t tap_x = 0; tap_x < problem.kernel_extent[1]; ++tap_x) {
      const int64_t y = first_y + tap_y * problem.dilation[0], x = first_x + tap_x * problem.dilation[1];
      if (y < 0 || y >= height || x < 0 || x >= width) continue;
      for (int64_t c = 0; c < channels; ++c) sum += static_cast<double>(input[(y * width + x) * channels + c]);
    }
  }
  return sum;
}

void expect_sums(sepconv_problem problem) {
  SCOPED_TRACE(describe(problem));
  ASSERT_GT(input_count(problem), int64_t{1} << 31);
  if (sizeof(size_t) == 4) GTEST_SKIP() << "no address space for images of that size";
  const Sparse input = sparse_zeros(input_count(problem));
  if (input == nullptr) GTEST_SKIP() << "no address space for " << input_count(problem) << " floats";
  // Something to find, from one end to the other, also under the taps: a sample near every third window.
  const int64_t rows = output_axis(problem, 0).extent, columns = output_axis(problem, 1).extent;
  for (int64_t y = 0; y < rows; ++y) {
    for (int64_t x = y % 3; x < columns; x += 3) {
      const int64_t at_y = std::min(y * problem.stride[0], problem.in_extent[0] - 1);
      const int64_t at_x = std::min(x * problem.stride[1], problem.in_extent[1] - 1);
      const int64_t channel = (x + y) % problem.in_channels;
      input.get()[(at_y * problem.in_extent[1] + at_x) * problem.in_channels + channel] = static_cast<float>(1 + x + y);
    }
  }
  const std::vector<float> ones(static_cast<size_t>(depthwise_count(problem)), 1.0f);
  const Operands<float> weights_only = {
      {}, ones, std::vector<float>(static_cast<size_t>(mid_count(problem)), 1.0f), {}, {}};
  const PlanPointer plan = make_plan(problem);
  ASSERT_NE(plan, nullptr) << sepconv_last_error();
  GuardedBuffer packed(sepconv_plan_packed_size(plan.get()), 64, Flush::kEnd);
  const sepconv_weights weights = weights_of(weights_only);
  ASSERT_EQ(sepconv_plan_pack(plan.get(), &weights, packed.data(), packed.size()), SEPCONV_OK) << sepconv_last_error();
  std::vector<float> output(static_cast<size_t>(rows * columns), -1.0f);
  sepconv_arguments arguments = default_arguments();
  arguments.packed = packed.data();
  arguments.input = input.get();
  arguments.output = output.data();
  ASSERT_EQ(sepconv_plan_run(plan.get(), &arguments), SEPCONV_OK) << sepconv_last_error();
  for (int64_t y = 0; y < rows; ++y) {
    for (int64_t x = 0; x < columns; ++x) {
      ASSERT_EQ(output[static_cast<size_t>(y * columns + x)], sum_under(problem, input.get(), y, x)) << y << ", " << x;
    }
  }
}

sepconv_problem strided(int64_t height, int64_t width, int64_t channels, int64_t stride_y, int64_t stride_x) {
  sepconv_problem problem = default_problem();
  problem.padding = SEPCONV_PADDING_SAME;
  problem.in_channels = channels;
  problem.out_channels = 1;
  const int64_t extent[] = {height, width}, stride[] = {stride_y, stride_x};
  for (int axis = 0; axis < 2; ++axis) {
    problem.in_extent[axis] = extent[axis];
    problem.kernel_extent[axis] = 3;
    problem.stride[axis] = stride[axis];
    problem.dilation[axis] = 2;
  }
  return problem;
}

class Large : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { tables_under_test(); }
};

TEST_F(Large, ManyPixels) { expect_sums(strided(50'000, 50'000, 1, 2'000, 1'000)); }
TEST_F(Large, ManyChannels) { expect_sums(strided(6'000, 100, 4'000, 900, 10)); }

// Taps that lie more than 2^31 elements apart cannot be reached by 32-bit indices: said when planning, not in the
// middle of a run.
TEST_F(Large, TapsTooFarApartAreRefused) {
  if (sizeof(size_t) == 4) GTEST_SKIP() << "no address space for images of that size";
  const sepconv_problem problem = strided(9, 200'000'000, 5, 1, 1'000'000);
  sepconv_status status;
  EXPECT_EQ(make_plan(problem, nullptr, &status), nullptr);
  EXPECT_EQ(status, SEPCONV_UNSUPPORTED);
  EXPECT_TRUE(last_error_has("32-bit"));
}

}  // namespace
}  // namespace sepconv::test
