#include "support/allocations.h"

#include <atomic>
#include <cerrno>
#include <cstddef>

namespace sepconv::test {
namespace {

std::atomic<bool> watching{false};
std::atomic<int> seen{0}, alive{0}, fail_from{-1};

// Whether the allocation that is being asked for may happen.
bool allowed() {
  if (!watching) return true;
  const int number = seen++;
  return fail_from < 0 || number < fail_from;
}

void* counted(void* memory) {
  if (memory != nullptr) ++alive;
  return memory;
}

}  // namespace

void watch_allocations(int fail_at) {
  seen = 0;
  fail_from = fail_at;
  watching = true;
}

int allocations_seen() {
  watching = false;
  return seen;
}

int allocations_alive() { return alive; }

}  // namespace sepconv::test

// The linker's --wrap sends calls of malloc to __wrap_malloc, and calls of __real_malloc to malloc.
extern "C" {
void* __real_malloc(size_t size);
void* __real_calloc(size_t count, size_t size);
void* __real_realloc(void* memory, size_t size);
void* __real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void** memory, size_t alignment, size_t size);
void __real_free(void* memory);

void* __wrap_malloc(size_t size) {
  return sepconv::test::allowed() ? sepconv::test::counted(__real_malloc(size)) : nullptr;
}

void* __wrap_calloc(size_t count, size_t size) {
  return sepconv::test::allowed() ? sepconv::test::counted(__real_calloc(count, size)) : nullptr;
}

void* __wrap_realloc(void* memory, size_t size) {
  if (!sepconv::test::allowed()) return nullptr;
  void* const moved = __real_realloc(memory, size);
  return memory == nullptr ? sepconv::test::counted(moved) : moved;
}

void* __wrap_aligned_alloc(size_t alignment, size_t size) {
  return sepconv::test::allowed() ? sepconv::test::counted(__real_aligned_alloc(alignment, size)) : nullptr;
}

int __wrap_posix_memalign(void** memory, size_t alignment, size_t size) {
  if (!sepconv::test::allowed()) return ENOMEM;
  const int result = __real_posix_memalign(memory, alignment, size);
  if (result == 0) sepconv::test::counted(*memory);
  return result;
}

void __wrap_free(void* memory) {
  if (memory != nullptr) --sepconv::test::alive;
  __real_free(memory);
}
}
