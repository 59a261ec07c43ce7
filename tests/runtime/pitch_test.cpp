// Whether two tensors share memory: what is said to be apart shares no byte, by looking at every one.
#include "pitch.h"

#include <gtest/gtest.h>

#include <set>

#include "support/random_problem.h"

namespace sepconv::test {
namespace {

using internal::TensorShape;

// Every byte, relative to the first.
void add_bytes(const TensorShape& shape, int level, int64_t offset, std::set<int64_t>* bytes) {
  if (level < 0) {
    for (int64_t i = 0; i < shape.element; ++i) bytes->insert(offset + i);
    return;
  }
  for (int64_t i = 0; i < shape.level[level].count; ++i) {
    add_bytes(shape, level - 1, offset + i * shape.level[level].step, bytes);
  }
}

// Three levels; the steps of the larger ones are mostly shared by both tensors, as they are in slices of one tensor.
TensorShape random_shape(Random& random, const int64_t* shared) {
  TensorShape shape{};
  shape.element = 4;
  shape.levels = 3;
  int64_t dense = 4;
  for (int i = 0; i < 3; ++i) {
    const int64_t count = uniform(random, 1, i == 0 ? 5 : 3);
    const bool own = i == 0 || one_in(random, 6) || shared[i] < dense;
    const int64_t step = own ? dense + 4 * uniform(random, 0, 3) : shared[i];
    shape.level[i] = {count, count > 1 ? step : 0};
    dense = step * count;
  }
  return shape;
}

TEST(Pitch, TensorsThatAreApartShareNoByte) {
  int interleaved = 0, shared_bytes = 0;
  for (uint64_t i = 0; i < 20000 && !::testing::Test::HasFailure(); ++i) {
    Random random(test_seed() + i);
    const int64_t steps[] = {4, 4 * uniform(random, 8, 16), 0};
    const int64_t shared[] = {4, steps[1], steps[1] * uniform(random, 3, 4)};
    const TensorShape a = random_shape(random, shared), b = random_shape(random, shared);
    const int64_t distance = 4 * uniform(random, -60, 60);
    std::set<int64_t> a_bytes, b_bytes;
    add_bytes(a, 2, 0, &a_bytes);
    add_bytes(b, 2, distance, &b_bytes);
    EXPECT_EQ(internal::span_of(a), *a_bytes.rbegin() + 1);
    bool share = false;
    for (const int64_t byte : b_bytes) share = share || a_bytes.count(byte) != 0;
    static const char memory[4096] = {};
    const char* const base = memory + sizeof memory / 2;
    const bool apart = internal::apart(a, base, b, base + distance);
    EXPECT_FALSE(apart && share) << "SEPCONV_TEST_SEED=" << test_seed() + i;
    const bool one_behind_the_other = *a_bytes.rbegin() < *b_bytes.begin() || *b_bytes.rbegin() < *a_bytes.begin();
    EXPECT_FALSE(one_behind_the_other && !apart) << "SEPCONV_TEST_SEED=" << test_seed() + i;
    interleaved += apart && !one_behind_the_other ? 1 : 0;
    shared_bytes += share ? 1 : 0;
  }
  EXPECT_GT(interleaved, 100);
  EXPECT_GT(shared_bytes, 100);
}

}  // namespace
}  // namespace sepconv::test
