// Ranges of the caller's memory: compared by their addresses, never read.
#ifndef SEPCONV_SRC_RANGES_H
#define SEPCONV_SRC_RANGES_H

#include <stddef.h>
#include <stdint.h>

namespace sepconv::internal {

inline bool aligned(const void* pointer, size_t alignment) {
  return reinterpret_cast<uintptr_t>(pointer) % alignment == 0;
}

// Whether two ranges share a byte; sizes in bytes.
inline bool overlap(const void* a, size_t a_size, const void* b, size_t b_size) {
  const uintptr_t a_begin = reinterpret_cast<uintptr_t>(a), b_begin = reinterpret_cast<uintptr_t>(b);
  return a_size != 0 && b_size != 0 && a_begin < b_begin + b_size && b_begin < a_begin + a_size;
}

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_RANGES_H
