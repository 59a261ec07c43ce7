// A whole problem through the public C API: plan, pack, run, in guarded memory, compared with the reference.
#ifndef SEPCONV_TESTS_SUPPORT_HARNESS_H
#define SEPCONV_TESTS_SUPPORT_HARNESS_H

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "sepconv/sepconv.h"
#include "support/guarded_buffer.h"
#include "support/parallel.h"
#include "support/reference.h"
#include "support/tensor.h"

namespace sepconv::test {

struct PlanDeleter {
  void operator()(sepconv_plan* plan) const { sepconv_plan_destroy(plan); }
};
using PlanPointer = std::unique_ptr<sepconv_plan, PlanDeleter>;

// Defaults with everything initialised.
sepconv_problem default_problem();
sepconv_options default_options();
sepconv_arguments default_arguments();

// Legal: 11x11, 5 to 6 channels, 3x3.
sepconv_problem small_problem();

// A plan or NULL; the status in *status where wanted.
PlanPointer make_plan(const sepconv_problem& problem, const sepconv_options* options = nullptr,
                      sepconv_status* status = nullptr);

// A plan. Throws std::runtime_error with the library's sentence where there is none: the test fails, not crashes.
PlanPointer require_plan(const sepconv_problem& problem, const sepconv_options* options = nullptr);

// Whether the sentence of the last failure contains `words`.
::testing::AssertionResult last_error_has(const std::string& words);

// The weights of `operands`; they must outlive the result.
template <typename T>
sepconv_weights weights_of(const Operands<T>& operands);

// Everything one run reads and writes, each in a guarded buffer of exactly the promised size: a tensor with pitches
// takes the elements from its first to its last. What is read becomes read-only, with NaNs between the elements; the
// output starts out as NaNs of a kind that no arithmetic makes. T is the problem's type, uint16_t for float16 and
// bfloat16, and int8_t, which has no NaNs, for int8 and uint8.
template <typename T>
struct BuffersOf {
  Tensor input_shape, output_shape;
  GuardedBuffer input, residual, packed, output, workspace;

  BuffersOf(const sepconv_problem& problem, const sepconv_plan& plan, const Operands<T>& operands, Flush flush);
  BuffersOf(const sepconv_problem& problem, const sepconv_plan& plan, const std::vector<T>& input,
            const std::vector<T>& residual, const sepconv_weights& weights, Flush flush);
  sepconv_arguments arguments();
  std::vector<T> output_values() const;                     // dense
  bool output_untouched() const;                            // every element still as it was before the run
  ::testing::AssertionResult nothing_else_written() const;  // also not between the output's elements

 private:
  bool has_residual_;
};
using Buffers = BuffersOf<float>;

// A stream of the plan with these weights, in guarded memory that must outlive it.
sepconv_stream* open_stream(const sepconv_plan& plan, const sepconv_weights& weights,
                            std::unique_ptr<GuardedBuffer>* packed, std::unique_ptr<GuardedBuffer>* memory);

// How `run` runs.
struct RunOptions {
  const char* variant = nullptr;  // by name; NULL lets the library choose
  int32_t max_threads = 1;
  Parallel* parallel = nullptr;
  bool own_workspace = false;  // let the run allocate its workspace
  Flush flush = Flush::kEnd;
};

template <typename T>
struct OutcomeOf {
  std::string variant;
  std::vector<T> output;  // dense
};
using Outcome = OutcomeOf<float>;

// Plans, packs and runs. Throws std::runtime_error with the library's sentence where it refuses to: the test fails, and
// reads no output that is not there.
template <typename T>
OutcomeOf<T> run(const sepconv_problem& problem, const Operands<T>& operands, const RunOptions& how = {});

// The same of a layer of integers, whose weights are of other types.
OutcomeOf<int8_t> run(const sepconv_problem& problem, const std::vector<int8_t>& input, const sepconv_weights& weights,
                      const RunOptions& how = {});

// Compares with the reference: NaN where it has NaN, else within its tolerance; `exact` allows no difference.
template <typename T>
::testing::AssertionResult equals_reference(const sepconv_problem& problem, const Operands<T>& operands,
                                            const std::vector<T>& output, bool exact = false);

// The same elements, bit by bit.
template <typename T>
::testing::AssertionResult same_bits(const std::vector<T>& expected, const std::vector<T>& actual);

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_SUPPORT_HARNESS_H
