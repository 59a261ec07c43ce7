// Conversions between float32 and the types of 16 bits, on the device.
#include <cmath>
#include <numeric>

#include "gpu/fixture.h"

namespace sepconv::test {
namespace {

// A layer that changes nothing gives back every float16 and bfloat16: numbers, subnormal ones, infinities and NaNs.
TEST_F(Gpu, EveryHalfSurvives) {
  for (const sepconv_dtype type : {SEPCONV_DTYPE_F16, SEPCONV_DTYPE_BF16}) {
    sepconv_problem problem = default_problem();
    problem.input_dtype = problem.weight_dtype = problem.output_dtype = type;
    problem.stages = SEPCONV_STAGES_POINTWISE;
    problem.in_extent[0] = problem.in_extent[1] = 256;
    problem.in_channels = problem.out_channels = 1;
    const PlanPointer planned = plan(problem, nullptr);
    ASSERT_NE(planned, nullptr) << sepconv_last_error();
    Operands<uint16_t> operands;
    operands.input.resize(1 << 16);
    std::iota(operands.input.begin(), operands.input.end(), uint16_t{0});
    operands.pointwise = {encode(1, type)};
    const std::vector<uint16_t> output = run_on(*device_, problem, operands, *planned, 0, unwritten_half);
    for (size_t i = 0; i < output.size(); ++i) {
      const double expected = decode(operands.input[i], type), actual = decode(output[i], type);
      ASSERT_TRUE(expected == actual || (std::isnan(expected) && std::isnan(actual)))
          << (type == SEPCONV_DTYPE_F16 ? "float16" : "bfloat16") << " " << i << ": " << actual << ", not " << expected;
    }
  }
}

// The sum of two such numbers is exact in float32, and rounded once: to the nearest, of two the even one.
TEST_F(Gpu, HalvesAreRoundedToNearestEven) {
  constexpr int64_t count = 4096;
  for (const sepconv_dtype type : {SEPCONV_DTYPE_F16, SEPCONV_DTYPE_BF16}) {
    Random random(test_seed());
    sepconv_problem problem = default_problem();
    problem.input_dtype = problem.weight_dtype = problem.output_dtype = type;
    problem.stages = SEPCONV_STAGES_POINTWISE;
    problem.in_extent[0] = 1;
    problem.in_extent[1] = count;
    problem.in_channels = 2;
    problem.out_channels = 1;
    const PlanPointer planned = plan(problem, nullptr);
    ASSERT_NE(planned, nullptr) << sepconv_last_error();
    Operands<uint16_t> operands;
    std::vector<double> sums;
    for (int64_t i = 0; i < count; ++i) {
      const double high = std::ldexp(static_cast<double>(uniform(random, -255, 255)), static_cast<int>(i % 32) - 24);
      const double low = high * std::ldexp(static_cast<double>(uniform(random, -8, 8)), -13);
      operands.input.push_back(encode(high, type));
      operands.input.push_back(encode(low, type));
      sums.push_back(decode(operands.input[2 * i], type) + decode(operands.input[2 * i + 1], type));
    }
    operands.pointwise = {encode(1, type), encode(1, type)};
    const std::vector<uint16_t> output = run_on(*device_, problem, operands, *planned, 0, unwritten_half);
    for (size_t i = 0; i < sums.size(); ++i) {
      ASSERT_EQ(decode(output[i], type), decode(encode(sums[i], type), type))
          << (type == SEPCONV_DTYPE_F16 ? "float16" : "bfloat16") << " " << sums[i];
    }
  }
}

}  // namespace
}  // namespace sepconv::test
