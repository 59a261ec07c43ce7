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
  /// 0 means available_threads(). Never more than SEPCONV_MAX_THREADS, and fewer where the system refuses to start as
  /// many: threads() says how many there are. Throws std::bad_alloc only.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;

  /// A sepconv_parallel_for with the pool as its context. Runs task(data, index, worker) for every index in [0, tasks),
  /// worker in [0, threads()), and returns 0, or the first nonzero result of a task; tasks not begun by then are
  /// skipped. What a task throws is thrown again here, on the calling thread, once no task is running: the first
  /// exception, in the way of the first nonzero result. The pool can be used again after either.
  ///
  /// Any thread may call it, from inside a task, too, of this pool or of another one. The pool's threads work for one
  /// call at a time. A call that finds them taken does not wait: its tasks run one after another on the calling thread,
  /// and the rest of them on all threads when these become free. Idle threads look for new work for about 50
  /// microseconds, then sleep.
  ///
  /// fork(): the child has the pool's memory but not its threads, so there all tasks run on the calling thread; a pool
  /// that the child makes has threads. A task must not fork, unless the child ends without returning from the task.
  static int parallel_for(void* pool, int tasks, int (*task)(void* data, int index, int worker), void* data);

 private:
  struct State;
  State* state_;
};

}  // namespace sepconv

#endif  // SEPCONV_THREAD_POOL_HPP
