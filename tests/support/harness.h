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

namespace sepconv::test {

struct PlanDeleter {
  void operator()(sepconv_plan* plan) const { sepconv_plan_destroy(plan); }
};
using PlanPointer = std::unique_ptr<sepconv_plan, PlanDeleter>;

// Defaults with everything initialised.
sepconv_problem default_problem();
sepconv_options default_options();
sepconv_arguments default_arguments();

// A plan or NULL; the status in *status where wanted.
PlanPointer make_plan(const sepconv_problem& problem, const sepconv_options* options = nullptr,
                      sepconv_status* status = nullptr);

// The weights of `operands`; they must outlive the result.
sepconv_weights weights_of(const Operands<float>& operands);

// Everything one run reads and writes, each in a guarded buffer of exactly the promised size. Input and packed weights
// become read-only; the output starts out as NaNs of a kind that no arithmetic makes.
struct Buffers {
  GuardedBuffer input, packed, output, workspace;

  Buffers(const sepconv_problem& problem, const sepconv_plan& plan, const Operands<float>& operands, Flush flush);
  sepconv_arguments arguments();
  std::vector<float> output_values() const;
  bool output_untouched() const;  // every element still as it was before the run
  ::testing::AssertionResult nothing_else_written() const;
};

// How `run` runs.
struct RunOptions {
  const char* variant = nullptr;  // by name; NULL lets the library choose
  int32_t max_threads = 1;
  Parallel* parallel = nullptr;
  bool own_workspace = false;  // let the run allocate its workspace
  Flush flush = Flush::kEnd;
};

struct Outcome {
  std::string variant;
  std::vector<float> output;
};

// Plans, packs and runs; reports what went wrong as test failures and then returns an empty variant name.
Outcome run(const sepconv_problem& problem, const Operands<float>& operands, const RunOptions& how = {});

// Compares with the reference: NaN where it has NaN, else within its tolerance; `exact` allows no difference.
::testing::AssertionResult equals_reference(const sepconv_problem& problem, const Operands<float>& operands,
                                            const std::vector<float>& output, bool exact = false);

// The same elements, bit by bit.
::testing::AssertionResult same_bits(const std::vector<float>& expected, const std::vector<float>& actual);

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_SUPPORT_HARNESS_H
