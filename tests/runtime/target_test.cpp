// Names of targets, and which of them this machine runs.
#include "target.h"

#include <gtest/gtest.h>

#include <string>

#include "support/machines.h"

namespace sepconv::test {
namespace {

using internal::TargetSet;

TEST(Targets, EnvironmentAllowsAndForbids) {
  using internal::targets_from_environment;
  EXPECT_EQ(targets_from_environment(nullptr), internal::all_targets);
  EXPECT_EQ(targets_from_environment(""), internal::all_targets);
  EXPECT_EQ(targets_from_environment("portable"), targets("portable"));
  EXPECT_EQ(targets_from_environment(" portable , x86_avx2"), targets("portable,x86_avx2"));
  EXPECT_EQ(targets_from_environment("-x86_avx512"), internal::all_targets & ~targets("x86_avx512"));
  EXPECT_EQ(targets_from_environment("x86_avx2,portable,-portable"), targets("x86_avx2"));
  EXPECT_EQ(targets_from_environment("no_such_target"), 0u);
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
