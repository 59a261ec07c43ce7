#include "block.h"

#include <cstdint>
#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace sepconv::python {
namespace {

constexpr std::size_t line = 64;
#ifdef __linux__
constexpr std::size_t large_page = std::size_t{2} << 20;  // of x86-64, and of AArch64 with pages of 4 KB
#endif

}  // namespace

Block::Block(std::size_t size) : size_(size) {
  if (size == 0) return;
  std::size_t alignment = line;
#ifdef __linux__
  if (size >= large_page / 2) alignment = large_page;
#endif
  if (size > SIZE_MAX - alignment) throw std::bad_alloc();
  const std::size_t whole = (size + alignment - 1) / alignment * alignment;
  data_.reset(std::aligned_alloc(alignment, whole));
  if (data_ == nullptr) throw std::bad_alloc();
#ifdef __linux__
  if (alignment == large_page) madvise(data_.get(), whole, MADV_HUGEPAGE);  // a wish: without it the pages are small
#endif
}

}  // namespace sepconv::python
