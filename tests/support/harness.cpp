#include "support/harness.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "support/describe.h"
#include "support/halves.h"

namespace sepconv::test {
namespace {

// The type of a problem's elements: its bits, and a quiet NaN that no arithmetic makes.
template <typename T>
struct Element;
template <>
struct Element<float> {
  using Bits = uint32_t;
  using Wider = double;
  static constexpr Bits unwritten = 0x7fc5e9c0;
};
template <>
struct Element<double> {
  using Bits = uint64_t;
  using Wider = long double;
  static constexpr Bits unwritten = 0x7ffc5e9c07fc5e9c;
};

template <>
struct Element<uint16_t> {
  using Bits = uint16_t;
  static constexpr Bits unwritten = unwritten_half;
};

template <>
struct Element<int8_t> {
  using Bits = int8_t;
  static constexpr Bits unwritten = 0x55;
};

template <typename T>
typename Element<T>::Bits bits_of(T value) {
  typename Element<T>::Bits bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

template <typename T>
bool is_unwritten(T value) {
  return bits_of(value) == Element<T>::unwritten;
}

template <typename T>
void fill_unwritten(GuardedBuffer* buffer) {
  std::fill_n(buffer->as<typename Element<T>::Bits>(), buffer->size() / sizeof(T), Element<T>::unwritten);
}

template <typename T>
size_t bytes_of(int64_t count) {
  return static_cast<size_t>(count) * sizeof(T);
}

template <typename T>
const T* data_or_null(const std::vector<T>& values) {
  return values.empty() ? nullptr : values.data();
}

template <typename Wider, typename T>
std::vector<Wider> widened(const std::vector<T>& values) {
  return {values.begin(), values.end()};
}

template <typename Wider, typename T>
bool agrees(Wider expected, T actual, double tolerance) {
  if (std::isnan(expected)) return std::isnan(actual);
  if (std::isinf(expected)) return actual == expected;
  return std::abs(expected - static_cast<Wider>(actual)) <= tolerance;
}

}  // namespace

sepconv_problem default_problem() {
  sepconv_problem problem;
  sepconv_problem_init(&problem, sizeof problem);
  return problem;
}

sepconv_problem small_problem() {
  sepconv_problem problem = default_problem();
  problem.in_channels = 5;
  problem.out_channels = 6;
  problem.in_extent[0] = problem.in_extent[1] = 11;
  problem.kernel_extent[0] = problem.kernel_extent[1] = 3;
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

PlanPointer require_plan(const sepconv_problem& problem, const sepconv_options* options) {
  PlanPointer plan = make_plan(problem, options);
  if (plan == nullptr) throw std::runtime_error("no plan for " + describe(problem) + ": " + sepconv_last_error());
  return plan;
}

::testing::AssertionResult last_error_has(const std::string& words) {
  const std::string sentence = sepconv_last_error();
  if (sentence.find(words) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "\"" << words << "\" is not in \"" << sentence << "\"";
}

sepconv_stream* open_stream(const sepconv_plan& plan, const sepconv_weights& weights,
                            std::unique_ptr<GuardedBuffer>* packed, std::unique_ptr<GuardedBuffer>* memory) {
  *packed = std::make_unique<GuardedBuffer>(sepconv_plan_packed_size(&plan), 64, Flush::kEnd);
  EXPECT_EQ(sepconv_plan_pack(&plan, &weights, (*packed)->data(), (*packed)->size()), SEPCONV_OK);
  *memory = std::make_unique<GuardedBuffer>(sepconv_stream_size(&plan), 64, Flush::kEnd);
  sepconv_stream* stream = nullptr;
  EXPECT_EQ(sepconv_stream_create(&plan, (*packed)->data(), (*memory)->data(), (*memory)->size(), &stream), SEPCONV_OK)
      << sepconv_last_error();
  return stream;
}

template <typename T>
sepconv_weights weights_of(const Operands<T>& operands) {
  sepconv_weights weights;
  sepconv_weights_init(&weights, sizeof weights);
  weights.depthwise_kernel = data_or_null(operands.depthwise);
  weights.pointwise_kernel = data_or_null(operands.pointwise);
  weights.mid_bias = data_or_null(operands.mid_bias);
  weights.out_bias = data_or_null(operands.out_bias);
  return weights;
}

template <typename T>
BuffersOf<T>::BuffersOf(const sepconv_problem& problem, const sepconv_plan& plan, const Operands<T>& operands,
                        Flush flush)
    : BuffersOf(problem, plan, operands.input, operands.residual, weights_of(operands), flush) {}

template <typename T>
BuffersOf<T>::BuffersOf(const sepconv_problem& problem, const sepconv_plan& plan, const std::vector<T>& input_values,
                        const std::vector<T>& residual_values, const sepconv_weights& weights, Flush flush)
    : input_shape(input_tensor(problem)),
      output_shape(output_tensor(problem)),
      input(bytes_of<T>(span(input_shape)), alignof(T), flush),
      residual(problem.has_residual ? bytes_of<T>(span(output_shape)) : 0, alignof(T), flush),
      packed(sepconv_plan_packed_size(&plan), 64, flush),
      output(bytes_of<T>(span(output_shape)), alignof(T), flush),
      workspace(sepconv_plan_workspace_size(&plan), 64, flush),
      has_residual_(problem.has_residual != 0) {
  fill_unwritten<T>(&input);
  scatter(input_shape, input_values, input.as<T>());
  input.make_read_only();
  if (has_residual_) {
    fill_unwritten<T>(&residual);
    scatter(output_shape, residual_values, residual.as<T>());
    residual.make_read_only();
  }
  EXPECT_EQ(sepconv_plan_pack(&plan, &weights, packed.data(), packed.size()), SEPCONV_OK) << sepconv_last_error();
  packed.make_read_only();
  fill_unwritten<T>(&output);
}

template <typename T>
sepconv_arguments BuffersOf<T>::arguments() {
  sepconv_arguments arguments = default_arguments();
  arguments.packed = packed.data();
  arguments.input = input.data();
  arguments.output = output.data();
  if (has_residual_) arguments.residual = residual.data();
  arguments.workspace = workspace.data();
  arguments.workspace_size = workspace.size();
  return arguments;
}

template <typename T>
std::vector<T> BuffersOf<T>::output_values() const {
  return gather(output_shape, output.as<T>());
}

template <typename T>
bool BuffersOf<T>::output_untouched() const {
  const T* const values = output.as<T>();
  for (size_t i = 0; i < output.size() / sizeof(T); ++i) {
    if (!is_unwritten(values[i])) return false;
  }
  return true;
}

template <typename T>
::testing::AssertionResult BuffersOf<T>::nothing_else_written() const {
  if (!input.untouched()) return ::testing::AssertionFailure() << "memory beside the input was written";
  if (!residual.untouched()) return ::testing::AssertionFailure() << "memory beside the residual was written";
  if (!packed.untouched()) return ::testing::AssertionFailure() << "memory beside the packed weights was written";
  if (!output.untouched()) return ::testing::AssertionFailure() << "memory beside the output was written";
  if (!workspace.untouched()) return ::testing::AssertionFailure() << "memory beside the workspace was written";
  std::vector<bool> element(output.size() / sizeof(T));
  for_each_offset(output_shape, [&](int64_t offset) { element[static_cast<size_t>(offset)] = true; });
  for (size_t i = 0; i < element.size(); ++i) {
    if (!element[i] && !is_unwritten(output.as<T>()[i])) {
      return ::testing::AssertionFailure() << "the gap at " << i << " between the output's elements was written";
    }
  }
  return ::testing::AssertionSuccess();
}

namespace {

template <typename T>
OutcomeOf<T> run_with(const sepconv_problem& problem, const std::vector<T>& input, const std::vector<T>& residual,
                      const sepconv_weights& weights, const RunOptions& how) {
  sepconv_options options = default_options();
  options.variant = how.variant;
  options.max_threads = how.max_threads;
  const PlanPointer plan = require_plan(problem, &options);
  BuffersOf<T> buffers(problem, *plan, input, residual, weights, how.flush);
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
  if (status != SEPCONV_OK)
    throw std::runtime_error(std::string(sepconv_status_name(status)) + ": " + sepconv_last_error());
  return {sepconv_plan_variant(plan.get()), buffers.output_values()};
}

}  // namespace

template <typename T>
OutcomeOf<T> run(const sepconv_problem& problem, const Operands<T>& operands, const RunOptions& how) {
  return run_with(problem, operands.input, operands.residual, weights_of(operands), how);
}

OutcomeOf<int8_t> run(const sepconv_problem& problem, const std::vector<int8_t>& input, const sepconv_weights& weights,
                      const RunOptions& how) {
  return run_with(problem, input, {}, weights, how);
}

template <typename T>
::testing::AssertionResult equals_reference(const sepconv_problem& problem, const Operands<T>& operands,
                                            const std::vector<T>& output, bool exact) {
  using Wider = typename Element<T>::Wider;
  const Result<Wider> expected =
      reference(problem, Operands<Wider>{widened<Wider>(operands.input), widened<Wider>(operands.depthwise),
                                         widened<Wider>(operands.pointwise), widened<Wider>(operands.mid_bias),
                                         widened<Wider>(operands.out_bias), widened<Wider>(operands.residual)});
  if (output.size() != expected.values.size()) {
    return ::testing::AssertionFailure() << output.size() << " elements in place of " << expected.values.size();
  }
  for (size_t i = 0; i < output.size(); ++i) {
    const double tolerance = exact ? 0 : expected.tolerance[i];
    if (is_unwritten(output[i])) return ::testing::AssertionFailure() << "element " << i << " was not written";
    if (!agrees(expected.values[i], output[i], tolerance)) {
      return ::testing::AssertionFailure() << "element " << i << " of " << output.size() << " is " << output[i]
                                           << ", not " << expected.values[i] << " (tolerance " << tolerance << ")";
    }
  }
  return ::testing::AssertionSuccess();
}

template <typename T>
::testing::AssertionResult same_bits(const std::vector<T>& expected, const std::vector<T>& actual) {
  if (expected.size() != actual.size()) return ::testing::AssertionFailure() << "the sizes differ";
  for (size_t i = 0; i < expected.size(); ++i) {
    if (bits_of(expected[i]) != bits_of(actual[i])) {
      return ::testing::AssertionFailure() << "element " << i << " is " << actual[i] << ", not " << expected[i];
    }
  }
  return ::testing::AssertionSuccess();
}

#define SEPCONV_INSTANTIATE(T)                                                                     \
  template sepconv_weights weights_of(const Operands<T>&);                                         \
  template struct BuffersOf<T>;                                                                    \
  template OutcomeOf<T> run(const sepconv_problem&, const Operands<T>&, const RunOptions&);        \
  template ::testing::AssertionResult equals_reference(const sepconv_problem&, const Operands<T>&, \
                                                       const std::vector<T>&, bool);               \
  template ::testing::AssertionResult same_bits(const std::vector<T>&, const std::vector<T>&)

SEPCONV_INSTANTIATE(float);
SEPCONV_INSTANTIATE(double);
template sepconv_weights weights_of(const Operands<uint16_t>&);
template struct BuffersOf<uint16_t>;
template ::testing::AssertionResult same_bits(const std::vector<int8_t>&, const std::vector<int8_t>&);
template OutcomeOf<uint16_t> run(const sepconv_problem&, const Operands<uint16_t>&, const RunOptions&);
template ::testing::AssertionResult same_bits(const std::vector<uint16_t>&, const std::vector<uint16_t>&);

}  // namespace sepconv::test
