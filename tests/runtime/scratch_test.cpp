// The arena that compiled variants get their scratch from.
#include "scratch.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "support/guarded_buffer.h"
#include "support/random_problem.h"

namespace sepconv::test {
namespace {

using internal::arena_overhead;
using internal::make_arena;
using internal::ScratchArena;

class Scratch : public ::testing::Test {
 protected:
  Scratch() : memory_(8192, 64, Flush::kEnd), arena_(make_arena(memory_.data(), memory_.size())) {}

  unsigned char* get(size_t size) { return static_cast<unsigned char*>(sepconv_scratch_malloc(&arena_, size)); }
  void give_back(void* block) { sepconv_scratch_free(&arena_, block); }

  GuardedBuffer memory_;
  ScratchArena arena_;
};

TEST_F(Scratch, BlocksAreAlignedApartAndInside) {
  std::vector<std::pair<unsigned char*, size_t>> blocks;
  for (const size_t size : {1u, 63u, 64u, 65u, 500u, 0u}) {
    unsigned char* const block = get(size);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % 64, 0u);
    std::memset(block, static_cast<int>(blocks.size() + 1), size);
    blocks.emplace_back(block, size);
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    for (size_t byte = 0; byte < blocks[i].second; ++byte) ASSERT_EQ(blocks[i].first[byte], i + 1);
  }
}

// Compiled code reads up to a vector past either end of a block.
TEST_F(Scratch, SixtyFourBytesAroundABlockMayBeRead) {
  unsigned char* const first = get(100);
  unsigned char* last = first;
  while (unsigned char* next = get(100)) last = next;
  const volatile unsigned char before = first[-64], after = last[100 + 63];  // the guard page is not touched
  (void)before, (void)after;
}

TEST_F(Scratch, ExhaustionGivesNull) {
  EXPECT_EQ(get(8192), nullptr);
  EXPECT_EQ(get(SIZE_MAX), nullptr);
  EXPECT_EQ(get(SIZE_MAX - 63), nullptr);
  EXPECT_NE(get(8192 - static_cast<size_t>(arena_overhead)), nullptr);
  EXPECT_EQ(get(1), nullptr);
}

TEST_F(Scratch, MemoryIsReusedOnceWhatLiesAboveIsFree) {
  unsigned char* const a = get(1000);
  unsigned char* const b = get(1000);
  unsigned char* const c = get(1000);
  give_back(b);  // still under c
  give_back(nullptr);
  EXPECT_GT(get(1000), c);
  give_back(c);
  give_back(a);
  EXPECT_EQ(arena_.top != nullptr, true);  // the fourth block
  sepconv_scratch_free(&arena_, arena_.top + 1);
  EXPECT_EQ(get(1000), a);
}

// Whatever the order: blocks never overlap, and all of the memory comes back.
TEST_F(Scratch, RandomOrderKeepsBlocksApart) {
  Random random(test_seed());
  std::vector<std::pair<unsigned char*, size_t>> blocks;
  for (int step = 0; step < 20000; ++step) {
    if (!blocks.empty() && uniform(random, 0, 1) == 0) {
      const size_t at = static_cast<size_t>(uniform(random, 0, static_cast<int64_t>(blocks.size()) - 1));
      for (size_t byte = 0; byte < blocks[at].second; ++byte)
        ASSERT_EQ(blocks[at].first[byte], blocks[at].second % 251);
      give_back(blocks[at].first);
      blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(at));
      continue;
    }
    const size_t size = static_cast<size_t>(uniform(random, 0, 1500));
    unsigned char* const block = get(size);
    if (block == nullptr) continue;
    std::memset(block, static_cast<int>(size % 251), size);
    blocks.emplace_back(block, size);
  }
  for (const auto& block : blocks) give_back(block.first);
  EXPECT_EQ(arena_.next, arena_.begin);
  EXPECT_LE(arena_.high_water, memory_.size());
  EXPECT_TRUE(memory_.untouched());
}

}  // namespace
}  // namespace sepconv::test
