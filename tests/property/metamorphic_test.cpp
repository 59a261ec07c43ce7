// Relations between answers that need no reference. On integers all sums are exact, so different variants must agree;
// the same variant must agree on reals, bit by bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/describe.h"
#include "support/harness.h"
#include "support/random_problem.h"
#include "support/seeds.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

class Metamorphic : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { tables_under_test(); }

  // Clamps only, and dense: what the relations below can be told of.
  static Features exact_features() {
    Features features = all_features;
    features.every_activation = features.float64 = features.halves = features.pitches = false;
    return features;
  }

  template <typename Body>
  void for_each_seed(Body body) {
    test::for_each_seed(test_count(400) / 4, body, 4);
  }
};

// A dense tensor of one layout in the order of the other. `tensor` is where the values lie now.
std::vector<float> transposed(const Tensor& tensor, sepconv_layout from, const std::vector<float>& values) {
  Tensor other = tensor;
  if (from == SEPCONV_LAYOUT_CHANNELS_LAST) {
    std::rotate(other.begin() + 1, other.end() - 1, other.end());
  } else {
    std::rotate(other.begin() + 1, other.begin() + 2, other.end());
  }
  return gather(other, values.data());
}

TEST_F(Metamorphic, ChannelsFirstEqualsChannelsLastTransposed) {
  for_each_seed([](Random& random) {
    sepconv_problem last = random_problem(random, exact_features(), Sizes::kSmall), first = last;
    last.layout = SEPCONV_LAYOUT_CHANNELS_LAST;
    first.layout = SEPCONV_LAYOUT_CHANNELS_FIRST;
    SCOPED_TRACE(describe(last));
    const Operands<float> operands = random_operands(random, last, Fill::kIntegers);
    Operands<float> turned = operands;
    turned.input = transposed(input_tensor(last), last.layout, operands.input);
    if (last.has_residual) turned.residual = transposed(output_tensor(last), last.layout, operands.residual);
    const std::vector<float> output = run(first, turned).output;
    EXPECT_EQ(run(last, operands).output, transposed(output_tensor(first), first.layout, output));
  });
}

TEST_F(Metamorphic, OneAxisEqualsTwoOfHeightOne) {
  for_each_seed([](Random& random) {
    Features features = exact_features();
    features.causal = features.three_axes = false;
    sepconv_problem line = random_problem(random, features, Sizes::kSmall);
    line.spatial_rank = 1;
    sepconv_problem plane = line;
    plane.spatial_rank = 2;
    plane.in_extent[1] = line.in_extent[0];
    plane.kernel_extent[1] = line.kernel_extent[0];
    plane.stride[1] = line.stride[0];
    plane.dilation[1] = line.dilation[0];
    plane.pad_before[1] = line.pad_before[0];
    plane.pad_after[1] = line.pad_after[0];
    plane.in_extent[0] = plane.kernel_extent[0] = 1;
    plane.pad_before[0] = plane.pad_after[0] = 0;
    plane.stride[0] = uniform(random, 1, 3);
    plane.dilation[0] = line.stages == SEPCONV_STAGES_POINTWISE ? 1 : uniform(random, 1, 3);
    SCOPED_TRACE(describe(plane));
    const Operands<float> operands = random_operands(random, line, Fill::kIntegers);
    EXPECT_EQ(run(line, operands).output, run(plane, operands).output);
  });
}

TEST_F(Metamorphic, BatchEqualsItsImages) {
  for_each_seed([](Random& random) {
    Features features = all_features;
    features.float64 = features.halves = features.pitches = false;
    sepconv_problem batch = random_problem(random, features, Sizes::kSmall), image = batch;
    batch.batch = 3;
    image.batch = 1;
    SCOPED_TRACE(describe(batch));
    const Operands<float> operands = random_operands(random, batch, Fill::kReals);
    const auto image_of = [](const std::vector<float>& values, int64_t i) {
      const auto size = static_cast<int64_t>(values.size()) / 3;
      return std::vector<float>(values.begin() + i * size, values.begin() + (i + 1) * size);
    };
    const std::vector<float> output = run(batch, operands).output;
    for (int64_t i = 0; i < 3; ++i) {
      Operands<float> one = operands;
      one.input = image_of(operands.input, i);
      one.residual = image_of(operands.residual, i);
      EXPECT_TRUE(same_bits(image_of(output, i), run(image, one).output)) << "image " << i;
    }
  });
}

TEST_F(Metamorphic, LinearWithoutBiasesAndActivations) {
  for_each_seed([](Random& random) {
    sepconv_problem problem = random_problem(random, exact_features(), Sizes::kSmall);
    problem.has_mid_bias = problem.has_out_bias = problem.has_residual = 0;
    problem.input_activation.kind = SEPCONV_ACTIVATION_NONE;
    problem.mid_activation.kind = problem.out_activation.kind = SEPCONV_ACTIVATION_NONE;
    SCOPED_TRACE(describe(problem));
    Operands<float> a = random_operands(random, problem, Fill::kIntegers), b = a, sum = a;
    b.input = random_operands(random, problem, Fill::kIntegers).input;
    for (size_t i = 0; i < sum.input.size(); ++i) sum.input[i] = 2 * a.input[i] - 3 * b.input[i];
    const std::vector<float> of_a = run(problem, a).output, of_b = run(problem, b).output;
    std::vector<float> expected(of_a.size());
    for (size_t i = 0; i < expected.size(); ++i) expected[i] = 2 * of_a[i] - 3 * of_b[i];
    EXPECT_EQ(run(problem, sum).output, expected);
  });
}

// The input from its stride-th sample on gives the output from its first on. The shifted problem reads a slice of the
// same memory, so this is about pitches, too.
TEST_F(Metamorphic, ShiftByTheStrideShiftsTheOutput) {
  for_each_seed([](Random& random) {
    Features features = exact_features();
    features.residual = features.explicit_padding = features.causal = false;
    sepconv_problem whole = random_problem(random, features, Sizes::kSmall);
    whole.padding = SEPCONV_PADDING_VALID;
    whole.batch = 1;
    const int axis = static_cast<int>(uniform(random, 0, whole.spatial_rank - 1));
    for (int a = 0; a < whole.spatial_rank; ++a) {
      const int64_t window = (completed(whole).kernel_extent[a] - 1) * completed(whole).dilation[a] + 1;
      whole.in_extent[a] = std::max(whole.in_extent[a], window) + (a == axis ? whole.stride[a] : 0);
    }
    SCOPED_TRACE(describe(whole));
    const Operands<float> operands = random_operands(random, whole, Fill::kIntegers);
    const Outcome all = run(whole, operands);

    const Tensor input = input_tensor(whole), output = output_tensor(whole);
    const size_t at = static_cast<size_t>(axis) + (whole.layout == SEPCONV_LAYOUT_CHANNELS_LAST ? 1 : 2);
    sepconv_problem shifted = whole;
    shifted.in_extent[axis] -= whole.stride[axis];
    const bool last = whole.layout == SEPCONV_LAYOUT_CHANNELS_LAST;
    for (int a = 0; a < whole.spatial_rank; ++a) {
      shifted.input_pitch[a + 1] = input[static_cast<size_t>(a) + (last ? 1 : 2)].pitch;
    }
    if (!last) shifted.input_channel_pitch = input[1].pitch;
    const PlanPointer plan = make_plan(shifted);
    ASSERT_NE(plan, nullptr) << sepconv_last_error();
    Buffers buffers(shifted, *plan, random_operands(random, shifted, Fill::kIntegers), Flush::kEnd);
    const sepconv_weights weights = weights_of(operands);
    buffers.packed.make_writable();
    ASSERT_EQ(sepconv_plan_pack(plan.get(), &weights, buffers.packed.data(), buffers.packed.size()), SEPCONV_OK);
    sepconv_arguments arguments = buffers.arguments();
    arguments.input = operands.input.data() + whole.stride[axis] * input[at].pitch;
    ASSERT_EQ(sepconv_plan_run(plan.get(), &arguments), SEPCONV_OK) << sepconv_last_error();

    Tensor rest = output;
    rest[at].extent -= 1;
    EXPECT_EQ(buffers.output_values(), gather(rest, all.output.data() + output[at].pitch));
  });
}

}  // namespace
}  // namespace sepconv::test
