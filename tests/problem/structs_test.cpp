// Structs of other versions: longer ones, shorter ones, and what the init functions write.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "structs.h"
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

// Every struct of the API is read by the same rules. What is read in is its defaults where the caller's version ends.
template <typename Struct>
void expect_rules(const char* name, void (*init)(Struct*, size_t)) {
  SCOPED_TRACE(name);
  const auto refused = [&](const Struct* given, sepconv_status status, const std::string& words) {
    Struct own;
    EXPECT_EQ(internal::read_struct(given, &own), status) << words;
    EXPECT_TRUE(last_error_has(name + words));
  };
  refused(nullptr, SEPCONV_INVALID_ARGUMENT, " is NULL");
  std::vector<unsigned char> memory(4096 + sizeof(Struct), 0x5a);
  Struct* const given = new (memory.data()) Struct;
  init(given, 4097);  // of no version: nothing is written
  init(given, sizeof(size_t) - 1);
  init(nullptr, sizeof(Struct));
  for (const unsigned char byte : memory) ASSERT_EQ(byte, 0x5a);
  for (const size_t size : {size_t{0}, sizeof(size_t), size_t{4097}, SIZE_MAX}) {
    given->struct_size = size;
    refused(given, SEPCONV_INVALID_ARGUMENT, ".struct_size is " + std::to_string(size) + ",");
  }
  init(given, 4096);
  for (size_t i = 4096; i < memory.size(); ++i) ASSERT_EQ(memory[i], 0x5a) << "byte " << i;
  Struct defaults, own;
  init(&defaults, sizeof defaults);
  std::memset(static_cast<void*>(&own), 0x11, sizeof own);
  EXPECT_EQ(internal::read_struct(given, &own), SEPCONV_OK) << sepconv_last_error();
  const auto bytes = [](const Struct& value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
  };
  EXPECT_EQ(bytes(own), bytes(defaults));
  memory[sizeof(Struct)] = 1;
  refused(given, SEPCONV_UNSUPPORTED, ".struct_size is 4096 and byte " + std::to_string(sizeof(Struct)) + " ");
}

TEST_F(Structs, AreAllReadByTheSameRules) {
  expect_rules("problem", sepconv_problem_init);
  expect_rules("options", sepconv_options_init);
  expect_rules("weights", sepconv_weights_init);
  expect_rules("arguments", sepconv_arguments_init);
  expect_rules("batch_norm", sepconv_batch_norm_init);
}

}  // namespace
}  // namespace sepconv::test
