// The registry of variant tables. Nothing can be taken out of it again, so this is a program of its own.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
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

sepconv_status any_probe(char*, size_t) { return SEPCONV_OK; }
sepconv_status any_run(const sepconv_variant*, const sepconv_device_call*, char*, size_t) { return SEPCONV_OK; }
sepconv_status any_context(void*, void**, char*, size_t) { return SEPCONV_OK; }

sepconv_driver good_driver() {
  return {SEPCONV_DEVICE_CUDA,
          SEPCONV_MEMORY_CUDA,
          any_probe,
          any_run,
          [](void*) {},
          any_context,
          [](void*, size_t, void**) { return 0; },
          [](void*) {},
          [](void*, void*, const void*, size_t) { return 0; },
          [](void*, void*, void*, size_t) { return 0; },
          [](void*) { return 0; }};
}

// Whatever the bytes of an enumeration are.
template <typename Enum>
void set_raw(Enum* field, int value) {
  std::memcpy(field, &value, sizeof value);
}

TEST(Registry, RefusesVariantsWithNonsense) {
  // The sentence names the field, and the value after it.
  const auto refused = [](const std::function<void(sepconv_variant*)>& breaks, const char* words) {
    sepconv_variant variant = good_variant("broken variant");
    breaks(&variant);
    expect_refused(table_of("broken table", &variant, 1), words);
  };
  refused([](auto* variant) { variant->name = nullptr; }, "name");
  refused([](auto* variant) { variant->target = nullptr; }, "target");
  refused([](auto* variant) { variant->entry = nullptr; }, "entry");
  for (const int value : {-1, 2, 7, 77}) {
    const std::string number = std::to_string(value);
    refused([&](auto* variant) { set_raw(&variant->layout, value); }, ("layout " + number).c_str());
    refused([&](auto* variant) { set_raw(&variant->stages, value); }, ("stages " + number).c_str());
    refused([&](auto* variant) { variant->activations = value; }, ("activations " + number).c_str());
    refused([&](auto* variant) { variant->input_activation = value; }, ("input_activation " + number).c_str());
  }
  for (const int value : {-1, 7, 77}) {
    const std::string number = std::to_string(value);
    refused([&](auto* variant) { set_raw(&variant->input_dtype, value); }, ("input_dtype " + number).c_str());
    refused([&](auto* variant) { set_raw(&variant->weight_dtype, value); }, ("weight_dtype " + number).c_str());
    refused([&](auto* variant) { set_raw(&variant->output_dtype, value); }, ("output_dtype " + number).c_str());
  }
  using Axes = int64_t(sepconv_variant::*)[SEPCONV_MAX_SPATIAL_RANK];
  const std::pair<Axes, const char*> axes[] = {{&sepconv_variant::kernel_extent, "kernel_extent"},
                                               {&sepconv_variant::stride, "stride"},
                                               {&sepconv_variant::dilation, "dilation"},
                                               {&sepconv_variant::in_extent, "in_extent"}};
  for (const auto& [field, name] : axes) {
    refused([axes_of = field](auto* variant) { (variant->*axes_of)[0] = -3; }, (std::string(name) + "[0] -3").c_str());
    refused([axes_of = field](auto* variant) { (variant->*axes_of)[1] = int64_t{1} << 40; },
            (std::string(name) + "[1] 1099511627776").c_str());
    refused([axes_of = field](auto* variant) { (variant->*axes_of)[2] = 1; },
            (std::string(name) + "[2] 1").c_str());  // past the rank
  }
  using Quantity = int64_t sepconv_variant::*;
  const std::pair<Quantity, const char*> quantities[] = {
      {&sepconv_variant::depth_multiplier, "depth_multiplier"},
      {&sepconv_variant::in_channels, "in_channels"},
      {&sepconv_variant::out_channels, "out_channels"},
      {&sepconv_variant::channels_multiple, "channels_multiple"},
      {&sepconv_variant::max_image_bytes, "max_image_bytes"},
      {&sepconv_variant::min_pointwise_bytes, "min_pointwise_bytes"}};
  for (const auto& [field, name] : quantities) {
    refused([quantity = field](auto* variant) { variant->*quantity = -5; }, (std::string(name) + " -5").c_str());
  }
  using Number = int32_t sepconv_variant::*;
  const std::tuple<Number, const char*, std::vector<int32_t>> numbers[] = {
      {&sepconv_variant::spatial_rank, "spatial_rank", {0, 4, -1}},
      {&sepconv_variant::max_reads, "max_reads", {-1}},
      {&sepconv_variant::chunk_channels, "chunk_channels", {0, 6, -4, 1 << 30}},
      {&sepconv_variant::panel_channels, "panel_channels", {0, -8, 1 << 30}},
      {&sepconv_variant::tile_pixels, "tile_pixels", {0, -1, 1 << 30}},
      {&sepconv_variant::depthwise_tile, "depthwise_tile", {0, -1, 1 << 30}},
      {&sepconv_variant::depthwise_rows, "depthwise_rows", {0, -1, 1 << 30}},
      {&sepconv_variant::sum_block, "sum_block", {-64, INT32_MAX}},
      {&sepconv_variant::strip_pixels, "strip_pixels", {-1, INT32_MAX}},
      {&sepconv_variant::split, "split", {1, -1}},  // these two without a driver
      {&sepconv_variant::block_threads, "block_threads", {1, -1}}};
  for (const auto& [field, name, values] : numbers) {
    for (const int32_t value : values) {
      refused([&, member = field](auto* variant) { variant->*member = value; },
              (std::string(name) + " " + std::to_string(value)).c_str());
    }
  }
}

TEST(Registry, RefusesDriversWithNonsense) {
  const auto refused = [](void (*breaks)(sepconv_driver*), const char* words) {
    sepconv_driver driver = good_driver();
    breaks(&driver);
    sepconv_variant variant = good_variant("broken variant");
    variant.driver = &driver;
    variant.block_threads = 128;
    expect_refused(table_of("broken table", &variant, 1), words);
  };
  refused([](auto* driver) { driver->device = SEPCONV_DEVICE_CPU; }, "driver->device 0");
  refused([](auto* driver) { set_raw(&driver->device, 9); }, "driver->device 9");
  refused([](auto* driver) { driver->memory = SEPCONV_MEMORY_OPENCL; }, "driver->memory 2");
  refused([](auto* driver) { driver->probe = nullptr; }, "driver");
  refused([](auto* driver) { driver->run = nullptr; }, "driver");
  refused([](auto* driver) { driver->release = nullptr; }, "driver");
  refused([](auto* driver) { driver->context_of = nullptr; }, "driver");
  refused([](auto* driver) { driver->allocate = nullptr; }, "driver");
  refused([](auto* driver) { driver->free = nullptr; }, "driver");
  refused([](auto* driver) { driver->write = nullptr; }, "driver");
  refused([](auto* driver) { driver->read = nullptr; }, "driver");
  refused([](auto* driver) { driver->wait = nullptr; }, "driver");
  const sepconv_driver driver = good_driver();
  sepconv_variant variant = good_variant("good variant");
  variant.driver = &driver;
  variant.split = 1;
  variant.block_threads = 128;
  const sepconv_variant_table table = table_of("good table", &variant, 1);
  EXPECT_EQ(internal::check_table(&table), SEPCONV_OK) << sepconv_last_error();
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
