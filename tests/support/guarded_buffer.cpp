#include "support/guarded_buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace sepconv::test {
namespace {

constexpr unsigned char kCanary = 0xa5;

size_t page() {
  static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

// SEPCONV_TEST_READABLE_GUARDS=1: reads beside a buffer go unnoticed, writes do not. For emulators that read the lanes
// that a masked load leaves out.
bool readable_guards() { return std::getenv("SEPCONV_TEST_READABLE_GUARDS") != nullptr; }

bool all_canaries(const unsigned char* begin, const unsigned char* end) {
  return std::all_of(begin, end, [](unsigned char byte) { return byte == kCanary; });
}

}  // namespace

GuardedBuffer::GuardedBuffer(size_t size, size_t alignment, Flush flush)
    : inner_size_((size + page() - 1) / page() * page()), size_(size) {
  const int guards = readable_guards() ? PROT_READ : PROT_NONE;
  void* map = mmap(nullptr, inner_size_ + 2 * page(), guards, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) throw std::bad_alloc();
  map_ = static_cast<unsigned char*>(map);
  make_writable();
  unsigned char* const inner = map_ + page();
  std::memset(inner, kCanary, inner_size_);
  data_ = flush == Flush::kBegin ? inner : inner + (inner_size_ - size_) / alignment * alignment;
}

GuardedBuffer::~GuardedBuffer() { munmap(map_, inner_size_ + 2 * page()); }

void GuardedBuffer::make_read_only() {
  if (inner_size_ > 0) mprotect(map_ + page(), inner_size_, PROT_READ);
}

void GuardedBuffer::make_writable() {
  if (inner_size_ > 0) mprotect(map_ + page(), inner_size_, PROT_READ | PROT_WRITE);
}

bool GuardedBuffer::untouched() const {
  const unsigned char* const inner = map_ + page();
  return all_canaries(inner, data_) && all_canaries(data_ + size_, inner + inner_size_);
}

}  // namespace sepconv::test
