// Structs of other versions: longer ones, shorter ones, and what the init functions write.
#include <gtest/gtest.h>

#include <cstring>

#include "support/harness.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

class Structs : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { tables_under_test(); }
};

// A later version's struct is longer. A program built against it works with this library as long as it leaves the new
// fields at their defaults, zero.
TEST_F(Structs, GrownStructIsAcceptedWhereItsNewFieldsAreZero) {
  struct Later {
    sepconv_problem problem;
    int64_t news[3];
  };
  Later later;
  std::memset(&later, 0xee, sizeof later);
  sepconv_problem_init(&later.problem, sizeof later);
  for (const int64_t field : later.news) EXPECT_EQ(field, 0);
  const sepconv_problem known = small_problem();
  std::memcpy(&later, &known, sizeof known);
  later.problem.struct_size = sizeof later;
  EXPECT_NE(make_plan(later.problem), nullptr) << sepconv_last_error();
  later.news[2] = 1;
  sepconv_status status;
  EXPECT_EQ(make_plan(later.problem, nullptr, &status), nullptr);
  EXPECT_EQ(status, SEPCONV_UNSUPPORTED);
  EXPECT_TRUE(last_error_has("struct_size"));
}

TEST_F(Structs, ShortStructIsRefused) {
  for (const size_t size : {size_t{0}, size_t{7}, sizeof(size_t), sizeof(sepconv_problem) - 8}) {
    sepconv_problem problem = small_problem();
    problem.struct_size = size;
    sepconv_status status;
    EXPECT_EQ(make_plan(problem, nullptr, &status), nullptr);
    EXPECT_EQ(status, SEPCONV_INVALID_ARGUMENT) << "struct_size " << size;
    EXPECT_TRUE(last_error_has("struct_size"));
  }
}

TEST_F(Structs, InitWritesNoFurtherThanItsSize) {
  unsigned char bytes[sizeof(sepconv_problem)];
  std::memset(bytes, 0xcd, sizeof bytes);
  alignas(sepconv_problem) sepconv_problem problem;
  std::memcpy(&problem, bytes, sizeof bytes);
  sepconv_problem_init(&problem, sizeof(size_t) + sizeof(int32_t));
  EXPECT_EQ(problem.struct_size, sizeof(size_t) + sizeof(int32_t));
  EXPECT_EQ(problem.spatial_rank, 2);
  std::memcpy(bytes, &problem, sizeof bytes);
  for (size_t i = sizeof(size_t) + sizeof(int32_t); i < sizeof bytes; ++i) ASSERT_EQ(bytes[i], 0xcd) << "byte " << i;
}

}  // namespace
}  // namespace sepconv::test
