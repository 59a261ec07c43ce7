// A text for people, written piece by piece.
#ifndef SEPCONV_SRC_WRITER_H
#define SEPCONV_SRC_WRITER_H

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

namespace sepconv::internal {

// Appends to a text of fixed size and cuts what does not fit.
class Writer {
 public:
  Writer(char* text, size_t size) : text_(text), left_(size) { *text_ = '\0'; }

  [[gnu::format(printf, 2, 3)]] void operator()(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int written = vsnprintf(text_, left_, format, arguments);
    va_end(arguments);
    const size_t room = left_ - 1, used = written < 0 ? 0 : static_cast<size_t>(written);
    text_ += used < room ? used : room;
    left_ -= used < room ? used : room;
  }

  void extents(const char* name, const int64_t* values, int rank) {
    (*this)("%s %" PRId64, name, values[0]);
    for (int axis = 1; axis < rank; ++axis) (*this)("x%" PRId64, values[axis]);
  }

 private:
  char* text_;
  size_t left_;
};

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_WRITER_H
