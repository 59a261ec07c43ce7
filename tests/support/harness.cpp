#include "support/harness.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace sepconv::test {
namespace {

constexpr uint32_t kUnwritten = 0x7fc5e9c0;  // a quiet NaN

uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

size_t bytes_of(int64_t count) { return static_cast<size_t>(count) * sizeof(float); }

const float* data_or_null(const std::vector<float>& values) { return values.empty() ? nullptr : values.data(); }

std::vector<double> doubles(const std::vector<float>& values) { return {values.begin(), values.end()}; }

bool agrees(double expected, double actual, double tolerance) {
  if (std::isnan(expected)) return std::isnan(actual);
  if (std::isinf(expected)) return actual == expected;
  return std::abs(expected - actual) <= tolerance;
}

}  // namespace

sepconv_problem default_problem() {
  sepconv_problem problem;
  sepconv_problem_init(&problem, sizeof problem);
  return problem;
}

sepconv_options default_options() {
  sepconv_options options;
  sepconv_options_init(&options, sizeof options);
  return options;
}

sepconv_arguments default_arguments() {
  sepconv_arguments arguments;
  sepconv_arguments_init(&arguments, sizeof arguments);
  return arguments;
}

PlanPointer make_plan(const sepconv_problem& problem, const sepconv_options* options, sepconv_status* status) {
  sepconv_plan* plan = nullptr;
  const sepconv_status result = sepconv_plan_create(&problem, options, &plan);
  if (status != nullptr) *status = result;
  return PlanPointer(plan);
}

sepconv_weights weights_of(const Operands<float>& operands) {
  sepconv_weights weights;
  sepconv_weights_init(&weights, sizeof weights);
  weights.depthwise_kernel = data_or_null(operands.depthwise);
  weights.pointwise_kernel = data_or_null(operands.pointwise);
  weights.mid_bias = data_or_null(operands.mid_bias);
  weights.out_bias = data_or_null(operands.out_bias);
  return weights;
}

Buffers::Buffers(const sepconv_problem& problem, const sepconv_plan& plan, const Operands<float>& operands, Flush flush)
    : input(bytes_of(input_count(problem)), alignof(float), flush),
      packed(sepconv_plan_packed_size(&plan), 64, flush),
      output(bytes_of(output_count(problem)), alignof(float), flush),
      workspace(sepconv_plan_workspace_size(&plan), 64, flush) {
  std::copy(operands.input.begin(), operands.input.end(), input.as<float>());
  input.make_read_only();
  const sepconv_weights weights = weights_of(operands);
  EXPECT_EQ(sepconv_plan_pack(&plan, &weights, packed.data(), packed.size()), SEPCONV_OK) << sepconv_last_error();
  packed.make_read_only();
  std::fill_n(output.as<uint32_t>(), output.size() / sizeof(float), kUnwritten);
}

sepconv_arguments Buffers::arguments() {
  sepconv_arguments arguments = default_arguments();
  arguments.packed = packed.data();
  arguments.input = input.data();
  arguments.output = output.data();
  arguments.workspace = workspace.data();
  arguments.workspace_size = workspace.size();
  return arguments;
}

std::vector<float> Buffers::output_values() const {
  return {output.as<float>(), output.as<float>() + output.size() / sizeof(float)};
}

bool Buffers::output_untouched() const {
  for (const float value : output_values()) {
    if (bits_of(value) != kUnwritten) return false;
  }
  return true;
}

::testing::AssertionResult Buffers::nothing_else_written() const {
  if (!input.untouched()) return ::testing::AssertionFailure() << "memory beside the input was written";
  if (!packed.untouched()) return ::testing::AssertionFailure() << "memory beside the packed weights was written";
  if (!output.untouched()) return ::testing::AssertionFailure() << "memory beside the output was written";
  if (!workspace.untouched()) return ::testing::AssertionFailure() << "memory beside the workspace was written";
  return ::testing::AssertionSuccess();
}

Outcome run(const sepconv_problem& problem, const Operands<float>& operands, const RunOptions& how) {
  sepconv_options options = default_options();
  options.variant = how.variant;
  options.max_threads = how.max_threads;
  const PlanPointer plan = make_plan(problem, &options);
  if (plan == nullptr) {
    ADD_FAILURE() << "no plan: " << sepconv_last_error();
    return {};
  }
  Buffers buffers(problem, *plan, operands, how.flush);
  sepconv_arguments arguments = buffers.arguments();
  if (how.own_workspace) {
    arguments.workspace = nullptr;
    arguments.workspace_size = 0;
  }
  if (how.parallel != nullptr) {
    arguments.parallel_for = parallel_for;
    arguments.parallel_context = how.parallel;
  }
  const sepconv_status status = sepconv_plan_run(plan.get(), &arguments);
  EXPECT_TRUE(buffers.nothing_else_written());
  if (status != SEPCONV_OK) {
    ADD_FAILURE() << sepconv_status_name(status) << ": " << sepconv_last_error();
    return {};
  }
  return {sepconv_plan_variant(plan.get()), buffers.output_values()};
}

::testing::AssertionResult equals_reference(const sepconv_problem& problem, const Operands<float>& operands,
                                            const std::vector<float>& output, bool exact) {
  const Result<double> expected = reference(
      problem, Operands<double>{doubles(operands.input), doubles(operands.depthwise), doubles(operands.pointwise),
                                doubles(operands.mid_bias), doubles(operands.out_bias)});
  if (output.size() != expected.values.size()) {
    return ::testing::AssertionFailure() << output.size() << " elements in place of " << expected.values.size();
  }
  for (size_t i = 0; i < output.size(); ++i) {
    const double tolerance = exact ? 0 : expected.tolerance[i];
    if (bits_of(output[i]) == kUnwritten) return ::testing::AssertionFailure() << "element " << i << " was not written";
    if (!agrees(expected.values[i], output[i], tolerance)) {
      return ::testing::AssertionFailure() << "element " << i << " of " << output.size() << " is " << output[i]
                                           << ", not " << expected.values[i] << " (tolerance " << tolerance << ")";
    }
  }
  return ::testing::AssertionSuccess();
}

::testing::AssertionResult same_bits(const std::vector<float>& expected, const std::vector<float>& actual) {
  if (expected.size() != actual.size()) return ::testing::AssertionFailure() << "the sizes differ";
  for (size_t i = 0; i < expected.size(); ++i) {
    if (bits_of(expected[i]) != bits_of(actual[i])) {
      return ::testing::AssertionFailure() << "element " << i << " is " << actual[i] << ", not " << expected[i];
    }
  }
  return ::testing::AssertionSuccess();
}

}  // namespace sepconv::test
