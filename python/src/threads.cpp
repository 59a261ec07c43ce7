#include "threads.h"

#include <pthread.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include "sepconv/thread_pool.hpp"

namespace sepconv::python {
namespace {

// The number in this variable; 0 if there is none. OMP_NUM_THREADS may be a list, with the outermost level first.
int threads_of_variable(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return 0;
  char* end = nullptr;
  const long threads = std::strtol(text, &end, 10);
  const bool whole = end != text && (*end == '\0' || *end == ',');
  return whole && threads >= 1 && threads <= SEPCONV_MAX_THREADS ? static_cast<int>(threads) : 0;
}

int initial_threads() {
  for (const char* variable : {"SEPCONV_NUM_THREADS", "OMP_NUM_THREADS"}) {
    if (const int threads = threads_of_variable(variable)) return threads;
  }
  return ThreadPool::available_threads();
}

std::atomic<int>& threads_of_calls() {
  static std::atomic<int> threads = initial_threads();
  return threads;
}

struct Pool {
  explicit Pool(int threads) : pool(threads) {}
  ThreadPool pool;
  std::mutex free;
};

// The pool with this many threads. Pools are never destroyed: at exit their threads may be asleep, and in the child of
// a fork they do not exist, so a child leaves its parent's pools alone and makes its own.
Pool& pool_of(int threads) {
  using Pools = std::map<int, Pool*>;
  static std::mutex* mutex = nullptr;
  static Pools* all = nullptr;
  static const bool prepared = [] {
    mutex = new std::mutex;
    all = new Pools;
    pthread_atfork(nullptr, nullptr, [] {
      mutex = new std::mutex;  // another thread may have held the parent's
      all = new Pools;
    });
    return true;
  }();
  static_cast<void>(prepared);
  const std::lock_guard<std::mutex> lock(*mutex);
  Pool*& pool = (*all)[threads];
  if (pool == nullptr) pool = new Pool(threads);
  return *pool;
}

}  // namespace

void check_threads(int threads) {
  if (threads >= 1 && threads <= SEPCONV_MAX_THREADS) return;
  throw std::invalid_argument("threads must be from 1 to " + std::to_string(SEPCONV_MAX_THREADS) + ", received " +
                              std::to_string(threads));
}

int default_threads() { return threads_of_calls().load(std::memory_order_relaxed); }

void set_default_threads(int threads) {
  check_threads(threads);
  threads_of_calls().store(threads, std::memory_order_relaxed);
}

Workers::Workers(int threads) {
  if (threads == 1) return;
  Pool& pool = pool_of(threads);
  held_ = std::unique_lock<std::mutex>(pool.free, std::try_to_lock);
  if (!held_.owns_lock()) return;
  parallel_for = ThreadPool::parallel_for;
  context = &pool.pool;
}

}  // namespace sepconv::python
