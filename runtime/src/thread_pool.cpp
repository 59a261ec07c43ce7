#include "sepconv/thread_pool.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <fstream>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

namespace sepconv {
namespace {

// How many forks lie between this process and the first one that made a pool: a pool has threads in its own process
// only.
std::atomic<unsigned> forks{0};

unsigned process_number() {
  // Once, and not at all while the program starts: then nothing here would be ready.
  static const int watching = pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
  static_cast<void>(watching);  // without memory for it, which is a few bytes, a pool must not be used after a fork
  return forks.load(std::memory_order_relaxed);
}

void pause_briefly() {
#if defined(__x86_64__) || defined(__i386__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

int affinity_threads() {
  // The kernel refuses masks shorter than its own, so the mask grows until it is taken.
  for (int processors = 1024; processors <= 1 << 20; processors *= 4) {
    cpu_set_t* mask = CPU_ALLOC(processors);
    if (mask == nullptr) break;
    const size_t size = CPU_ALLOC_SIZE(processors);
    const int found = sched_getaffinity(0, size, mask) == 0 ? CPU_COUNT_S(size, mask) : 0;
    CPU_FREE(mask);
    if (found > 0) return found;
  }
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// Processors of a CPU quota in one cgroup directory, as a fraction; 0 where there is no limit.
double quota_in(const std::string& directory) {
  double quota = 0, period = 0;
  std::ifstream two(directory + "/cpu.max");  // version 2: "200000 100000" or "max 100000"
  if (two >> quota >> period && quota > 0 && period > 0) return quota / period;
  std::ifstream one_quota(directory + "/cpu.cfs_quota_us"), one_period(directory + "/cpu.cfs_period_us");  // version 1
  if (one_quota >> quota && one_period >> period && quota > 0 && period > 0) return quota / period;
  return 0;
}

// The tightest quota of this process's cgroups and their parents; 0 where there is none.
double cgroup_processors() {
  double tightest = 0;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // "0::/path" or "4:cpu,cpuacct:/path"
    std::istringstream fields(line);
    std::string number, controllers, path;
    if (!std::getline(fields, number, ':') || !std::getline(fields, controllers, ':') || !std::getline(fields, path))
      continue;
    if (!controllers.empty() && ("," + controllers + ",").find(",cpu,") == std::string::npos) continue;
    const std::string root = controllers.empty() ? "/sys/fs/cgroup" : "/sys/fs/cgroup/" + controllers;
    for (;;) {
      const double quota = quota_in(root + path);
      if (quota > 0 && (tightest == 0 || quota < tightest)) tightest = quota;
      const size_t slash = path.rfind('/');
      if (path.empty() || slash == std::string::npos) break;
      path.erase(slash);
    }
  }
  return tightest;
}

}  // namespace

// One job at a time. Threads join the open job through the gate and the caller closes it once no task is left, so a
// thread that wakes too late is neither waited for nor lets itself into a job that is gone.
//
// Nobody ever waits for a job to begin: a caller who finds the pool taken runs tasks itself until it is free. So there
// is nothing to deadlock on, however calls of pools are nested and whichever threads make them.
struct ThreadPool::State {
  // Bit 0: a job is open. Bits 1 to 20: threads inside it. The rest: its number.
  static constexpr uint64_t open = 1, one_inside = 2, inside_mask = (uint64_t{1} << 21) - 2,
                            one_job = uint64_t{1} << 21;

  std::vector<std::thread> threads;
  const unsigned process = process_number();  // where the threads are
  std::atomic<bool> taken{false};             // by the caller whose job it is

  std::mutex mutex;  // guards sleeping and waking only
  std::condition_variable wake;
  int sleepers = 0;
  bool stop = false;  // guarded by mutex

  std::atomic<uint64_t> gate{0};
  int64_t tasks = 0;
  int (*task)(void*, int, int) = nullptr;
  void* data = nullptr;
  std::atomic<int64_t> next{0};
  std::atomic<bool> failed{false};  // set by the first task to fail, whose result is one of these:
  int failure = 0;
  std::exception_ptr exception;

  bool has_threads() const { return !threads.empty() && process == forks.load(std::memory_order_relaxed); }

  // Runs tasks until none is left, or one has failed.
  void work(int worker) {
    while (!failed.load(std::memory_order_relaxed)) {
      const int64_t index = next.fetch_add(1, std::memory_order_relaxed);
      if (index >= tasks) return;
      try {
        if (int result = task(data, static_cast<int>(index), worker)) {
          if (!failed.exchange(true, std::memory_order_relaxed)) failure = result;
        }
      } catch (...) {
        if (!failed.exchange(true, std::memory_order_relaxed)) exception = std::current_exception();
      }
    }
  }

  // Joins the open job unless its number is the one seen last.
  bool join(uint64_t* seen) {
    uint64_t now = gate.load(std::memory_order_acquire);
    while ((now & open) != 0 && now / one_job != *seen) {
      if (!gate.compare_exchange_weak(now, now + one_inside, std::memory_order_acquire)) continue;
      *seen = now / one_job;
      return true;
    }
    return false;
  }

  // Waits for a job and joins it, awake at first and then asleep. False when the pool stops.
  bool wait_and_join(uint64_t* seen) {
    constexpr std::chrono::microseconds patience(50);
    const auto start = std::chrono::steady_clock::now();
    do {
      for (int i = 0; i < 64; ++i) {
        if (join(seen)) return true;
        pause_briefly();
      }
    } while (std::chrono::steady_clock::now() - start < patience);
    std::unique_lock<std::mutex> lock(mutex);
    bool joined = false;
    ++sleepers;
    wake.wait(lock, [&] { return stop || (joined = join(seen)); });
    --sleepers;
    return joined;
  }

  // The life of a started thread.
  void serve(int worker) {
    uint64_t seen = 0;
    while (wait_and_join(&seen)) {
      work(worker);
      gate.fetch_sub(one_inside, std::memory_order_release);
    }
  }

  // Opens a job with the tasks from `first` on, works on it, and closes it when all of them are done.
  int run_job(int first, int count, int (*call)(void*, int, int), void* argument) {
    tasks = count;
    task = call;
    data = argument;
    next.store(first, std::memory_order_relaxed);
    failed.store(false, std::memory_order_relaxed);
    failure = 0;
    bool asleep;
    {
      // Under the mutex, so that no thread can fall asleep between its last look at the gate and our notice.
      const std::lock_guard<std::mutex> lock(mutex);
      gate.store((gate.load(std::memory_order_relaxed) / one_job + 1) * one_job + open, std::memory_order_release);
      asleep = sleepers > 0;
    }
    if (asleep) wake.notify_all();
    work(0);
    gate.fetch_and(~open, std::memory_order_relaxed);
    for (int spins = 0; (gate.load(std::memory_order_acquire) & inside_mask) != 0; ++spins) {
      if (spins < 1000) {
        pause_briefly();
      } else {
        std::this_thread::yield();  // a worker may need this processor to finish
      }
    }
    const int result = failure;
    const std::exception_ptr thrown = std::exchange(exception, nullptr);
    taken.store(false, std::memory_order_release);
    if (thrown) std::rethrow_exception(thrown);
    return result;
  }

  void stop_and_join() {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      stop = true;
    }
    wake.notify_all();
    for (std::thread& thread : threads) thread.join();
  }
};

int ThreadPool::available_threads() {
  int threads = affinity_threads();
  const double quota = cgroup_processors();
  // In integers only once it is known to be small: quotas may be larger than the machine.
  if (quota > 0 && quota < threads) threads = static_cast<int>(quota) + (quota > static_cast<int>(quota) ? 1 : 0);
  return std::max(1, threads);
}

ThreadPool::ThreadPool(int threads) : state_(nullptr) {
  auto state = std::make_unique<State>();
  if (threads <= 0) threads = available_threads();
  threads = std::min(threads, SEPCONV_MAX_THREADS);
  state->threads.reserve(static_cast<size_t>(threads - 1));
  for (int worker = 1; worker < threads; ++worker) {
    try {
      state->threads.emplace_back([pool = state.get(), worker] { pool->serve(worker); });
    } catch (const std::exception&) {
      break;  // the system has no more: those that it had will do
    }
  }
  state_ = state.release();
}

ThreadPool::~ThreadPool() {
  // After a fork nothing of the state can be given back: threads that are not there cannot be joined, and they may have
  // held its mutex.
  if (!state_->threads.empty() && !state_->has_threads()) return;
  state_->stop_and_join();
  delete state_;
}

int ThreadPool::threads() const { return static_cast<int>(state_->threads.size()) + 1; }

int ThreadPool::parallel_for(void* pool, int tasks, int (*task)(void* data, int index, int worker), void* data) {
  State& state = *static_cast<ThreadPool*>(pool)->state_;
  const bool shared = state.has_threads();
  for (int index = 0; index < tasks; ++index) {
    // The last task is not worth waking anybody for.
    if (shared && tasks - index > 1 && !state.taken.exchange(true, std::memory_order_acquire)) {
      return state.run_job(index, tasks, task, data);
    }
    // Workers are numbered within one call, so worker 0 is free here even while other calls run.
    if (int result = task(data, index, 0)) return result;
  }
  return 0;
}

}  // namespace sepconv
