// Memory with an unreadable page directly before or directly after it, so that one element too far is a crash, not a
// secret.
#ifndef SEPCONV_TESTS_SUPPORT_GUARDED_BUFFER_H
#define SEPCONV_TESTS_SUPPORT_GUARDED_BUFFER_H

#include <cstddef>

namespace sepconv::test {

// Which end of the buffer touches its unreadable page. The other end has one too, at most a page and some alignment
// away, and what lies between is checked for writes by `untouched`.
enum class Flush { kBegin, kEnd };

class GuardedBuffer {
 public:
  // `alignment` is a power of two of at most a page. With kEnd a size that is no multiple of it leaves a gap at the
  // end.
  GuardedBuffer(size_t size, size_t alignment, Flush flush);
  ~GuardedBuffer();
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  void* data() { return data_; }
  const void* data() const { return data_; }
  size_t size() const { return size_; }
  template <typename T>
  T* as() {
    return static_cast<T*>(data());
  }
  template <typename T>
  const T* as() const {
    return static_cast<const T*>(data());
  }

  void make_read_only();
  void make_writable();
  bool untouched() const;  // nobody wrote between the buffer and its pages

 private:
  unsigned char* map_;  // guard page, inner pages, guard page
  size_t inner_size_;   // bytes of the inner pages
  size_t size_;
  unsigned char* data_;
};

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_SUPPORT_GUARDED_BUFFER_H
