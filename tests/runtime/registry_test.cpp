// The registry of variant tables. Nothing can be taken out of it again, so this is a program of its own.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/harness.h"
#include "variant.h"

namespace sepconv::test {
namespace {

int never_called(void**) { return -1; }

sepconv_variant good_variant(const char* name) {
  sepconv_variant variant{};
  variant.name = name;
  variant.target = "portable";
  variant.entry = never_called;
  variant.spatial_rank = 2;
  variant.chunk_channels = variant.panel_channels = 8;
  variant.tile_pixels = variant.depthwise_tile = 4;
  variant.depthwise_rows = 1;
  variant.sum_block = 64;
  return variant;
}

sepconv_variant_table table_of(const char* name, const sepconv_variant* variants, size_t count) {
  return {SEPCONV_VARIANT_ABI, sizeof(sepconv_variant), name, variants, count};
}

std::vector<std::string> names() {
  std::vector<std::string> found;
  for (size_t i = 0; const char* name = sepconv_variant_name(i, nullptr); ++i) found.emplace_back(name);
  return found;
}

void expect_refused(const sepconv_variant_table& table, const char* word) {
  const std::vector<std::string> before = names();
  EXPECT_EQ(sepconv_register(&table), SEPCONV_INVALID_ARGUMENT) << word;
  EXPECT_TRUE(last_error_has(word));
  EXPECT_EQ(names(), before);
}

// The tests stand in the order in which they need the registry.
TEST(Registry, IsEmptyAtFirstAndSaysSo) {
  EXPECT_TRUE(names().empty());
  sepconv_problem problem = default_problem();
  problem.in_channels = problem.out_channels = 3;
  problem.in_extent[0] = problem.in_extent[1] = problem.kernel_extent[0] = problem.kernel_extent[1] = 1;
  sepconv_status status;
  EXPECT_EQ(make_plan(problem, nullptr, &status), nullptr);
  EXPECT_EQ(status, SEPCONV_UNSUPPORTED);
  EXPECT_TRUE(last_error_has("sepconv_register"));
}

TEST(Registry, RefusesTablesItCannotTrust) {
  EXPECT_EQ(sepconv_register(nullptr), SEPCONV_INVALID_ARGUMENT);
  EXPECT_TRUE(last_error_has("NULL"));
  static const sepconv_variant variant = good_variant("good");
  sepconv_variant_table table = table_of("another abi", &variant, 1);
  table.abi += 1;
  expect_refused(table, "abi");
  table = table_of("another variant", &variant, 1);
  table.variant_size -= 8;
  expect_refused(table, "variant_size");
  expect_refused(table_of(nullptr, &variant, 1), "name");
  expect_refused(table_of("no variants", nullptr, 1), "variants");
}

TEST(Registry, RefusesVariantsWithNonsense) {
  const auto refused = [](void (*breaks)(sepconv_variant*), const char* word) {
    sepconv_variant variant = good_variant("broken variant");
    breaks(&variant);
    expect_refused(table_of("broken table", &variant, 1), word);
  };
  refused([](auto* variant) { variant->name = nullptr; }, "name");
  refused([](auto* variant) { variant->target = nullptr; }, "target");
  refused([](auto* variant) { variant->entry = nullptr; }, "entry");
  refused([](auto* variant) { variant->spatial_rank = 0; }, "spatial_rank");
  refused([](auto* variant) { variant->spatial_rank = 4; }, "spatial_rank");
  refused([](auto* variant) { variant->chunk_channels = 0; }, "has chunk_channels 0: ");
  refused([](auto* variant) { variant->chunk_channels = 6; }, "has chunk_channels 6: ");
  refused([](auto* variant) { variant->sum_block = -64; }, "has sum_block -64: ");
  refused([](auto* variant) { variant->panel_channels = -8; }, "has panel_channels -8: ");
  refused([](auto* variant) { variant->tile_pixels = 0; }, "has tile_pixels 0: ");
  refused([](auto* variant) { variant->depthwise_tile = 0; }, "has depthwise_tile 0: ");
  refused([](auto* variant) { variant->depthwise_rows = 0; }, "has depthwise_rows 0: ");
  refused([](auto* variant) { variant->strip_pixels = -1; }, "has strip_pixels -1: ");
}

TEST(Registry, RanksLaterTablesFirstAndTakesEachOnce) {
  static const sepconv_variant first[] = {good_variant("a"), good_variant("b")}, second[] = {good_variant("c")};
  static const sepconv_variant_table tables[] = {table_of("first", first, 2), table_of("second", second, 1),
                                                 table_of("empty", nullptr, 0)};
  for (const sepconv_variant_table& table : tables)
    EXPECT_EQ(sepconv_register(&table), SEPCONV_OK) << sepconv_last_error();
  EXPECT_EQ(names(), (std::vector<std::string>{"c", "a", "b"}));
  for (const sepconv_variant_table& table : tables) EXPECT_EQ(sepconv_register(&table), SEPCONV_OK);
  EXPECT_EQ(names(), (std::vector<std::string>{"c", "a", "b"}));
}

// Many threads register the same few tables, and their own; then the registry is full, and says so.
TEST(Registry, TakesTablesFromManyThreadsUntilItIsFull) {
  constexpr size_t kThreads = 4;
  static sepconv_variant variants[internal::max_tables];
  static sepconv_variant_table tables[internal::max_tables];
  static std::vector<std::string> variant_names(internal::max_tables);
  for (size_t i = 0; i < internal::max_tables; ++i) {
    variant_names[i] = "t" + std::to_string(i);
    variants[i] = good_variant(variant_names[i].c_str());
    tables[i] = table_of(variant_names[i].c_str(), &variants[i], 1);
  }
  const size_t room = internal::max_tables - 3;  // the test before this one took three
  std::vector<std::thread> threads;
  for (size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (size_t i = 0; i < room; ++i) EXPECT_EQ(sepconv_register(&tables[(i + 61 * thread) % room]), SEPCONV_OK);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(names().size(), room + 3);
  EXPECT_EQ(sepconv_register(&tables[internal::max_tables - 1]), SEPCONV_OUT_OF_MEMORY);
  EXPECT_TRUE(last_error_has("256"));
  EXPECT_EQ(sepconv_register(&tables[0]), SEPCONV_OK);
}

}  // namespace
}  // namespace sepconv::test
