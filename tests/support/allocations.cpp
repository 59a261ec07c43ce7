#include "support/allocations.h"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace sepconv::test {
namespace {

std::atomic<bool> watching{false}, watching_new{false};
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

void watch_allocations(int fail_at, Watch what) {
  seen = 0;
  watching_new = what == Watch::kNewToo;
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

void* operator new(size_t size, std::align_val_t alignment) {
  void* memory = nullptr;
  const bool may = !sepconv::test::watching_new || sepconv::test::allowed();
  if (!may || __real_posix_memalign(&memory, static_cast<size_t>(alignment), size) != 0) throw std::bad_alloc();
  return sepconv::test::counted(memory);
}

void* operator new(size_t size) { return operator new(size, std::align_val_t(__STDCPP_DEFAULT_NEW_ALIGNMENT__)); }

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
