// The other doors of the API: options, texts, error sentences, version.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <thread>

#include "support/any_number.h"
#include "support/harness.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

class Options : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { tables_under_test(); }

  // No plan, this status, and these words in the sentence.
  static void expect_refused(const sepconv_options& options, sepconv_status expected, const char* argument,
                             const char* value) {
    sepconv_status status;
    EXPECT_EQ(make_plan(small_problem(), &options, &status), nullptr) << argument;
    EXPECT_EQ(status, expected) << argument << ": " << sepconv_status_name(status);
    EXPECT_TRUE(last_error_has(argument));
    EXPECT_TRUE(last_error_has(value));
  }
};

TEST_F(Options, DefaultsAreLegal) {
  const sepconv_options options = default_options();
  EXPECT_EQ(options.struct_size, sizeof options);
  EXPECT_EQ(options.max_threads, 1);
  EXPECT_NE(make_plan(small_problem(), &options), nullptr) << sepconv_last_error();
}

TEST_F(Options, DevicesThatAreNotBuiltAreUnsupported) {
  sepconv_options options = default_options();
  options.device = SEPCONV_DEVICE_CUDA;
  expect_refused(options, SEPCONV_UNSUPPORTED, "device", "cuda");
  options.device = SEPCONV_DEVICE_OPENCL;
  expect_refused(options, SEPCONV_UNSUPPORTED, "device", "opencl");
  const int unknown = 31;
  std::memcpy(&options.device, &unknown, sizeof unknown);
  expect_refused(options, SEPCONV_INVALID_ARGUMENT, "device", "31");
}

TEST_F(Options, DeviceToReleaseIsNamed) {
  int context = 0;
  const auto refused = [&](int number, void* of, sepconv_status expected, const char* words) {
    EXPECT_EQ(release_any_device(number, of), expected) << words;
    EXPECT_TRUE(last_error_has(words));
  };
  refused(99, nullptr, SEPCONV_INVALID_ARGUMENT, "device is 99");
  refused(-1, &context, SEPCONV_INVALID_ARGUMENT, "device is -1");
  refused(SEPCONV_DEVICE_CUDA, nullptr, SEPCONV_INVALID_ARGUMENT, "context is NULL");
  refused(SEPCONV_DEVICE_CUDA, &context, SEPCONV_UNSUPPORTED, "device is cuda");
  refused(SEPCONV_DEVICE_CPU, &context, SEPCONV_UNSUPPORTED, "device is cpu");
}

TEST_F(Options, ThreadsMustBePositive) {
  sepconv_options options = default_options();
  for (const int threads : {0, -1, INT32_MIN}) {
    options.max_threads = threads;
    expect_refused(options, SEPCONV_INVALID_ARGUMENT, "max_threads", std::to_string(threads).c_str());
  }
  options.max_threads = INT32_MAX;  // silly, but never an overflow
  sepconv_status status;
  const PlanPointer plan = make_plan(small_problem(), &options, &status);
  EXPECT_EQ(plan != nullptr, status == SEPCONV_OK);
}

TEST_F(Options, FlushingDenormalsIsForProcessors) {
  sepconv_options options = default_options();
  options.flush_denormals = 1;
  EXPECT_NE(make_plan(small_problem(), &options), nullptr) << sepconv_last_error();
  options.device = SEPCONV_DEVICE_CUDA;
  expect_refused(options, SEPCONV_UNSUPPORTED, "flush_denormals", "1");
}

TEST_F(Options, UnknownVariantIsNamed) {
  sepconv_options options = default_options();
  options.variant = "2d_f32_nhwc_nonsense_portable";
  expect_refused(options, SEPCONV_UNSUPPORTED, "variant", "2d_f32_nhwc_nonsense_portable");
}

TEST_F(Options, ForbiddingEveryTargetLeavesNoVariant) {
  sepconv_options options = default_options();
  options.targets.allow = options.targets.forbid = "portable";
  expect_refused(options, SEPCONV_UNSUPPORTED, "targets", "portable");
  options.targets.allow = "x86_avx2,no_such_target";
  expect_refused(options, SEPCONV_INVALID_ARGUMENT, "targets.allow", "no_such_target");
  options.targets.allow = "";
  options.targets.forbid = "nor_this";
  expect_refused(options, SEPCONV_INVALID_ARGUMENT, "targets.forbid", "nor_this");
  options.targets.forbid = "";
  EXPECT_NE(make_plan(small_problem(), &options), nullptr) << sepconv_last_error();
}

TEST_F(Options, ShortAndUninitialisedStructsAreRefused) {
  sepconv_options options = default_options();
  options.struct_size = 4;
  expect_refused(options, SEPCONV_INVALID_ARGUMENT, "options.struct_size", "4");
  options.struct_size = 0;
  expect_refused(options, SEPCONV_INVALID_ARGUMENT, "options.struct_size", "0");
  std::memset(&options.struct_size, 'l', sizeof options.struct_size);
  expect_refused(options, SEPCONV_INVALID_ARGUMENT, "options.struct_size", std::to_string(options.struct_size).c_str());
}

// What SEPCONV_TARGETS does not know, it does not run.
TEST_F(Options, UnknownTargetOfTheEnvironmentIsNamed) {
  int can_run = 0;
  ASSERT_NE(sepconv_variant_name(0, &can_run), nullptr);
  EXPECT_EQ(can_run, 1);
  const char* const before = std::getenv("SEPCONV_TARGETS");
  const std::string kept = before == nullptr ? "" : before;
  ASSERT_EQ(setenv("SEPCONV_TARGETS", "portable,x87", 1), 0);
  expect_refused(default_options(), SEPCONV_INVALID_ARGUMENT, "SEPCONV_TARGETS", "x87");
  ASSERT_NE(sepconv_variant_name(0, &can_run), nullptr);
  EXPECT_EQ(can_run, 0);
  ASSERT_EQ(before == nullptr ? unsetenv("SEPCONV_TARGETS") : setenv("SEPCONV_TARGETS", kept.c_str(), 1), 0);
}

std::string explanation(const sepconv_problem& problem, const sepconv_options& options) {
  std::string text(1 << 16, '\0');
  const PlanPointer plan = make_plan(problem, &options);
  if (plan == nullptr) return sepconv_last_error();
  EXPECT_EQ(sepconv_plan_explain(plan.get(), text.data(), text.size()), SEPCONV_OK);
  return text.substr(0, text.find('\0'));
}

TEST_F(Options, ExplanationSaysWhatWasAskedFor) {
  const auto has = [](const std::string& text, const char* words) { return text.find(words) != std::string::npos; };
  sepconv_problem problem = small_problem();
  sepconv_options options = default_options();
  const std::string usual = explanation(problem, options);
  EXPECT_TRUE(has(usual, "(the first in rank that can run the problem)")) << usual;
  EXPECT_TRUE(has(usual, "batch 1, input 11x11, output 9x9, channels 5 -> 5 -> 6")) << usual;
  for (const char* words : {"(excluded)", "subnormal", "side by side"}) EXPECT_FALSE(has(usual, words)) << words;
  options.flush_denormals = 1;
  options.targets.forbid = "x86_sse41,arm_neon";
  options.variant = "2d_f32_nhwc_any_loop_c8p4t1_portable";
  const std::string asked = explanation(problem, options);
  EXPECT_TRUE(has(asked, "variant: 2d_f32_nhwc_any_loop_c8p4t1_portable (asked for by name)")) << asked;
  EXPECT_TRUE(has(asked, "subnormal numbers count as 0")) << asked;
  EXPECT_EQ(has(asked, "x86_sse41 (excluded)"), has(usual, "x86_sse41")) << asked;
  // Taps that are further apart than 32-bit indices reach.
  problem.spatial_rank = 1;
  problem.kernel_extent[0] = 2;
  problem.dilation[0] = 1 << 28;
  problem.in_extent[0] = (1 << 28) + 64;
  problem.in_channels = problem.out_channels = 16;
  EXPECT_TRUE(has(explanation(problem, default_options()), "side by side")) << explanation(problem, default_options());
}

TEST_F(Options, ExplanationNamesTheChosenVariantAndIsCutToFit) {
  const PlanPointer plan = make_plan(small_problem());
  ASSERT_NE(plan, nullptr);
  char whole[8192];
  ASSERT_EQ(sepconv_plan_explain(plan.get(), whole, sizeof whole), SEPCONV_OK);
  EXPECT_NE(std::string(whole).find(sepconv_plan_variant(plan.get())), std::string::npos) << whole;
  const size_t length = std::strlen(whole);
  for (const size_t size : {size_t{1}, size_t{2}, size_t{17}, length, length + 1, length + 2}) {
    GuardedBuffer text(size, 1, Flush::kEnd);
    std::memset(text.data(), 'x', size);
    ASSERT_EQ(sepconv_plan_explain(plan.get(), text.as<char>(), size), SEPCONV_OK) << size;
    EXPECT_EQ(std::string(text.as<char>()), std::string(whole, std::min(length, size - 1))) << size;
  }
  EXPECT_EQ(sepconv_plan_explain(plan.get(), nullptr, 10), SEPCONV_INVALID_ARGUMENT);
  EXPECT_EQ(sepconv_plan_explain(plan.get(), whole, 0), SEPCONV_INVALID_ARGUMENT);
  EXPECT_EQ(sepconv_plan_explain(nullptr, whole, sizeof whole), SEPCONV_INVALID_ARGUMENT);
}

TEST_F(Options, StatusesHaveTheirNames) {
  EXPECT_STREQ(sepconv_status_name(SEPCONV_OK), "SEPCONV_OK");
  EXPECT_STREQ(sepconv_status_name(SEPCONV_INVALID_ARGUMENT), "SEPCONV_INVALID_ARGUMENT");
  EXPECT_STREQ(sepconv_status_name(SEPCONV_UNSUPPORTED), "SEPCONV_UNSUPPORTED");
  EXPECT_STREQ(sepconv_status_name(SEPCONV_OUT_OF_MEMORY), "SEPCONV_OUT_OF_MEMORY");
  EXPECT_STREQ(sepconv_status_name(SEPCONV_BAD_PACKED), "SEPCONV_BAD_PACKED");
  EXPECT_STREQ(sepconv_status_name(SEPCONV_TASK_FAILED), "SEPCONV_TASK_FAILED");
  int unknown = 7;
  sepconv_status status;
  std::memcpy(&status, &unknown, sizeof status);
  ASSERT_NE(sepconv_status_name(status), nullptr);
}

TEST_F(Options, AnyOtherNumberHasNoName) {
  const char* name = "";
  int functions = 0;
  for (; any_name(functions, 0, &name) != 0; ++functions) {
    EXPECT_NE(name, nullptr) << functions;
    for (const int number : {-1, 9, 77, INT32_MIN, INT32_MAX}) {
      any_name(functions, number, &name);
      EXPECT_EQ(name, nullptr) << functions << ", " << number;
    }
  }
  EXPECT_EQ(functions, 6);
}

TEST_F(Options, VersionIsTheHeaders) {
  const std::string expected = std::to_string(SEPCONV_VERSION_MAJOR) + "." + std::to_string(SEPCONV_VERSION_MINOR) +
                               "." + std::to_string(SEPCONV_VERSION_PATCH);
  EXPECT_EQ(sepconv_version(), expected);
}

TEST_F(Options, EachThreadHasItsOwnLastError) {
  sepconv_problem problem = small_problem();
  problem.batch = -3;
  EXPECT_EQ(make_plan(problem), nullptr);
  std::string before, after;
  std::thread([&] {
    before = sepconv_last_error();
    sepconv_problem other = small_problem();
    other.stride[1] = -9;
    make_plan(other);
    after = sepconv_last_error();
  }).join();
  EXPECT_EQ(before, "");
  EXPECT_NE(after.find("-9"), std::string::npos) << after;
  const std::string here = sepconv_last_error();
  EXPECT_NE(here.find("-3"), std::string::npos) << here;
}

TEST_F(Options, VariantNamesAreDistinctAndEnd) {
  std::set<std::string> names;
  int runnable = -1;
  size_t index = 0;
  while (const char* name = sepconv_variant_name(index++, &runnable)) {
    EXPECT_TRUE(names.insert(name).second) << name << " twice";
    EXPECT_TRUE(runnable == 0 || runnable == 1) << name;
    ASSERT_LT(index, 10000u);
  }
  EXPECT_FALSE(names.empty());
  EXPECT_EQ(sepconv_variant_name(index + 5, &runnable), nullptr);
  EXPECT_NE(sepconv_variant_name(0, nullptr), nullptr);
}

}  // namespace
}  // namespace sepconv::test
