// parallel_for functions that a program might bring: serial in several orders, real threads, and ones that fail.
#ifndef SEPCONV_TESTS_SUPPORT_PARALLEL_H
#define SEPCONV_TESTS_SUPPORT_PARALLEL_H

#include <cstdint>

#include "sepconv/sepconv.h"

namespace sepconv::test {

enum class Order { kForward, kReversed, kShuffled };

// Passed as parallel_context. One thread a worker; each takes the next task of the order when it is done with its last
// one.
struct Parallel {
  int threads = 1;
  Order order = Order::kForward;
  uint32_t seed = 1;
  int fail_at = -1;    // report failure in place of running this task (by index)
  int tasks_seen = 0;  // of the last run
};

int parallel_for(void* parallel, int tasks, int (*task)(void* data, int index, int worker), void* data);

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_SUPPORT_PARALLEL_H
