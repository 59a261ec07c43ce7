#include "support/parallel.h"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

namespace sepconv::test {
namespace {

std::vector<int> in_order(const Parallel& parallel, int tasks) {
  std::vector<int> indices(static_cast<size_t>(tasks));
  std::iota(indices.begin(), indices.end(), 0);
  if (parallel.order == Order::kReversed) std::reverse(indices.begin(), indices.end());
  if (parallel.order == Order::kShuffled) std::shuffle(indices.begin(), indices.end(), std::mt19937(parallel.seed));
  return indices;
}

}  // namespace

int parallel_for(void* context, int tasks, int (*task)(void* data, int index, int worker), void* data) {
  Parallel& parallel = *static_cast<Parallel*>(context);
  parallel.tasks_seen = tasks;
  const std::vector<int> indices = in_order(parallel, tasks);
  std::atomic<size_t> next{0};
  std::atomic<int> failure{0};
  const auto work = [&](int worker) {
    for (size_t at = next++; at < indices.size(); at = next++) {
      const int result = indices[at] == parallel.fail_at ? -1 : task(data, indices[at], worker);
      if (result != 0) failure = result;
    }
  };
  std::vector<std::thread> threads;
#if !defined(__EMSCRIPTEN__)  // where the order still differs, but there are no threads
  for (int worker = 1; worker < parallel.threads; ++worker) threads.emplace_back(work, worker);
#endif
  work(0);
  for (std::thread& thread : threads) thread.join();
  return failure;
}

}  // namespace sepconv::test
