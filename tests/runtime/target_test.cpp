// Names of targets, and which of them this machine runs.
#include "target.h"

#include <gtest/gtest.h>

#include <string>

#include "support/machines.h"

namespace sepconv::test {
namespace {

using internal::TargetSet;

TEST(Targets, EnvironmentAllowsAndForbids) {
  const auto targets_from_environment = [](const char* text) {
    internal::TargetSet found = 0;
    const char* unknown = nullptr;
    size_t length = 0;
    EXPECT_TRUE(internal::targets_from_environment(text, &found, &unknown, &length)) << unknown;
    return found;
  };
  EXPECT_EQ(targets_from_environment(nullptr), internal::all_targets);
  EXPECT_EQ(targets_from_environment(""), internal::all_targets);
  EXPECT_EQ(targets_from_environment("portable"), targets("portable"));
  EXPECT_EQ(targets_from_environment(" portable , x86_avx2"), targets("portable,x86_avx2"));
  EXPECT_EQ(targets_from_environment("-x86_avx512"), internal::all_targets & ~targets("x86_avx512"));
  EXPECT_EQ(targets_from_environment("x86_avx2,portable,-portable"), targets("x86_avx2"));
  for (const char* text : {"no_such_target", "portable,no_such_target", "no_such_target, x86_nothing"}) {
    internal::TargetSet found = 0;
    const char* unknown = nullptr;
    size_t length = 0;
    EXPECT_FALSE(internal::targets_from_environment(text, &found, &unknown, &length)) << text;
    EXPECT_EQ(std::string(unknown, length), "no_such_target");
  }
}

TEST(Targets, UnknownNameIsPointedOut) {
  TargetSet set = 0;
  const char* unknown = nullptr;
  size_t length = 0;
  EXPECT_FALSE(internal::parse_targets("portable,x87,x86_avx2", &set, &unknown, &length));
  EXPECT_EQ(std::string(unknown, length), "x87");
}

TEST(Targets, ThisMachineRunsPortableAtLeast) {
  EXPECT_EQ(internal::machine_targets() & targets("portable"), targets("portable"));
#if defined(__x86_64__)
  EXPECT_EQ(internal::machine_targets() & targets("arm_neon"), 0u);
  const bool wide = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512vl") != 0;
  EXPECT_TRUE(wide || (internal::machine_targets() & targets("x86_avx512")) == 0);
#endif
}

}  // namespace
}  // namespace sepconv::test
