// Machines that tests pretend to be on.
#ifndef SEPCONV_TESTS_SUPPORT_MACHINES_H
#define SEPCONV_TESTS_SUPPORT_MACHINES_H

#include <gtest/gtest.h>

#include "target.h"

namespace sepconv::test {

// The set of these targets, by their names.
inline internal::TargetSet targets(const char* names) {
  internal::TargetSet set = 0;
  const char* unknown = nullptr;
  size_t length = 0;
  EXPECT_TRUE(internal::parse_targets(names, &set, &unknown, &length)) << names;
  return set;
}

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_SUPPORT_MACHINES_H
