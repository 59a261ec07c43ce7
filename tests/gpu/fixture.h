// What the tests of a device's variants share: the device, plans for it, and a problem from the plan to the answer.
#ifndef SEPCONV_TESTS_GPU_FIXTURE_H
#define SEPCONV_TESTS_GPU_FIXTURE_H

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "gpu/device.h"
#include "gpu/run.h"
#include "sepconv/variant_table.h"
#include "sepconv_default_gpu.h"
#include "support/describe.h"
#include "support/halves.h"
#include "support/harness.h"
#include "support/random_problem.h"

namespace sepconv::test {

// What GPU variants compute so far.
inline constexpr Features gpu_features = [] {
  Features features = all_features;
  features.float64 = features.halves = false;
  return features;
}();

inline constexpr float nan = std::numeric_limits<float>::quiet_NaN();

class Gpu : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    sepconv_register(sepconv_default_gpu_variants());
    device_ = new Device;
    test_seed();  // prints it
  }
  static void TearDownTestSuite() {
    if (device_->there()) {
      EXPECT_EQ(sepconv_device_release(Device::kind, device_->context()), SEPCONV_OK) << sepconv_last_error();
    }
    delete device_;
  }
  void SetUp() override {
    if (device_->there()) return;
    if (Device::kind == SEPCONV_DEVICE_CUDA) GTEST_SKIP() << device_->why_not();
    FAIL() << device_->why_not();
  }

  // A variant's full name.
  static std::string name(const char* variant) { return std::string(variant) + "_" + Device::target; }

  static std::vector<const sepconv_variant*> variants() {
    std::vector<const sepconv_variant*> variants;
    const sepconv_variant_table& table = *sepconv_default_gpu_variants();
    for (size_t i = 0; i < table.variant_count; ++i) {
      if (table.variants[i].driver->device == Device::kind) variants.push_back(&table.variants[i]);
    }
    return variants;
  }

  static PlanPointer plan(const sepconv_problem& problem, const char* variant, sepconv_status* status = nullptr) {
    sepconv_options options = default_options();
    options.device = Device::kind;
    options.variant = variant;
    return make_plan(problem, &options, status);
  }

  static void check(Random& random, const sepconv_problem& problem, const char* variant) {
    SCOPED_TRACE(describe(problem) + (variant != nullptr ? std::string(" by ") + variant : ""));
    const Fill fill = one_in(random, 2) ? Fill::kIntegers : Fill::kReals;
    const bool exact = fill == Fill::kIntegers && only_clamps(problem);
    Operands<float> operands = random_operands(random, problem, fill);
    const PlanPointer planned = plan(problem, variant);
    ASSERT_NE(planned, nullptr) << sepconv_last_error();
    if (problem.batch == 0) return;
    const size_t offset = static_cast<size_t>(uniform(random, 0, 2)) * 16 + (one_in(random, 4) ? 4 : 0);
    if (is_half(problem.input_dtype)) {
      const Operands<uint16_t> halves = encoded(problem, &operands);
      const std::vector<uint16_t> output = run_on(*device_, problem, halves, *planned, offset / 2, unwritten_half);
      EXPECT_TRUE(equals_reference_in_halves(problem, operands, output, exact)) << sepconv_plan_variant(planned.get());
      return;
    }
    EXPECT_TRUE(equals_reference(problem, operands, run_on(*device_, problem, operands, *planned, offset, nan), exact))
        << sepconv_plan_variant(planned.get());
  }

  inline static Device* device_ = nullptr;
};

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_GPU_FIXTURE_H
