/// @file
/// sepconv::ThreadPool: threads for programs that have no pool of their own. A library by itself (sepconv::threads,
/// C++17); the runtime neither needs it nor knows it.
///
///     sepconv::ThreadPool pool;                       // as many threads as this process may use
///     options.max_threads = pool.threads();           // when planning
///     arguments.parallel_for = sepconv::ThreadPool::parallel_for;
///     arguments.parallel_context = &pool;             // when running
#ifndef SEPCONV_THREAD_POOL_HPP
#define SEPCONV_THREAD_POOL_HPP

#include "sepconv/sepconv.h"

namespace sepconv {

class SEPCONV_API ThreadPool {
 public:
  /// The number of threads this process may run at once: its affinity mask, further limited by the cgroup's CPU quota
  /// (rounded up). At least 1.
  static int available_threads();

  /// A pool of `threads` workers, counting the caller of parallel_for, which works too: one thread fewer is started.
  /// 0 means available_threads(). Throws std::system_error if a thread cannot be started.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;

  /// A sepconv_parallel_for with the pool as its context. Runs task(data, index, worker) for every index in [0, tasks),
  /// worker in [0, threads()), and returns 0, or the first nonzero result of a task; tasks not begun by then are
  /// skipped.
  ///
  /// Any thread may call it; calls from several threads at once take turns. A call from inside a task of the same pool
  /// runs its tasks one after another on the calling thread. Idle threads look for new work for about 50 microseconds,
  /// then sleep.
  ///
  /// fork(): the child has the pool's memory but not its threads, so it must neither call nor destroy a pool that it
  /// inherited; it can make a new one.
  static int parallel_for(void* pool, int tasks, int (*task)(void* data, int index, int worker), void* data);

 private:
  struct State;
  State* state_;
};

}  // namespace sepconv

#endif  // SEPCONV_THREAD_POOL_HPP
