#include "sepconv/thread_pool.hpp"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <fstream>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

namespace sepconv {
namespace {

// The pool whose task this thread is running, so that a call from inside a task does not wait for itself.
thread_local const void* current_pool = nullptr;

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
struct ThreadPool::State {
  // Bit 0: a job is open. Bits 1 to 20: threads inside it. The rest: its number.
  static constexpr uint64_t open = 1, one_inside = 2, inside_mask = (uint64_t{1} << 21) - 2,
                            one_job = uint64_t{1} << 21;

  std::vector<std::thread> threads;
  std::mutex turn;  // held by the caller of parallel_for for the whole job

  std::mutex mutex;  // guards sleeping and waking only
  std::condition_variable wake;
  int sleepers = 0;
  bool stop = false;  // guarded by mutex

  std::atomic<uint64_t> gate{0};
  int64_t tasks = 0;
  int (*task)(void*, int, int) = nullptr;
  void* data = nullptr;
  std::atomic<int64_t> next{0};
  std::atomic<int> failure{0};

  // Runs tasks until none is left, or one has failed.
  void work(int worker) {
    while (failure.load(std::memory_order_relaxed) == 0) {
      const int64_t index = next.fetch_add(1, std::memory_order_relaxed);
      if (index >= tasks) return;
      if (int result = task(data, static_cast<int>(index), worker)) {
        int none = 0;
        failure.compare_exchange_strong(none, result, std::memory_order_relaxed);
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
    current_pool = this;  // these threads run nothing but tasks of this pool
    uint64_t seen = 0;
    while (wait_and_join(&seen)) {
      work(worker);
      gate.fetch_sub(one_inside, std::memory_order_release);
    }
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
  try {
    state->threads.reserve(static_cast<size_t>(threads - 1));
    for (int worker = 1; worker < threads; ++worker) {
      state->threads.emplace_back([pool = state.get(), worker] { pool->serve(worker); });
    }
  } catch (...) {
    state->stop_and_join();  // threads that were started must be joined even if the next one cannot be
    throw;
  }
  state_ = state.release();
}

ThreadPool::~ThreadPool() {
  state_->stop_and_join();
  delete state_;
}

int ThreadPool::threads() const { return static_cast<int>(state_->threads.size()) + 1; }

int ThreadPool::parallel_for(void* pool, int tasks, int (*task)(void* data, int index, int worker), void* data) {
  State& state = *static_cast<ThreadPool*>(pool)->state_;
  const bool nested = current_pool == &state;
  if (nested || tasks <= 1 || state.threads.empty()) {
    // Workers are numbered within one call, so worker 0 is free here even while other calls run.
    for (int index = 0; index < tasks; ++index) {
      if (int result = task(data, index, 0)) return result;
    }
    return 0;
  }
  const std::lock_guard<std::mutex> turn(state.turn);
  state.tasks = tasks;
  state.task = task;
  state.data = data;
  state.next.store(0, std::memory_order_relaxed);
  state.failure.store(0, std::memory_order_relaxed);
  bool asleep;
  {
    // Under the mutex, so that no thread can fall asleep between its last look at the gate and our notice.
    const std::lock_guard<std::mutex> lock(state.mutex);
    state.gate.store((state.gate.load(std::memory_order_relaxed) / State::one_job + 1) * State::one_job + State::open,
                     std::memory_order_release);
    asleep = state.sleepers > 0;
  }
  if (asleep) state.wake.notify_all();
  const void* outer_pool = current_pool;
  current_pool = &state;
  state.work(0);
  current_pool = outer_pool;
  state.gate.fetch_and(~State::open, std::memory_order_relaxed);
  for (int spins = 0; (state.gate.load(std::memory_order_acquire) & State::inside_mask) != 0; ++spins) {
    if (spins < 1000) {
      pause_briefly();
    } else {
      std::this_thread::yield();  // a worker may need this processor to finish
    }
  }
  return state.failure.load(std::memory_order_relaxed);
}

}  // namespace sepconv
