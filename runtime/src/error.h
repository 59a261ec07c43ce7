// The sentence behind sepconv_last_error().
#ifndef SEPCONV_SRC_ERROR_H
#define SEPCONV_SRC_ERROR_H

#include "sepconv/sepconv.h"

namespace sepconv::internal {

// Writes this thread's error sentence (printf-style, cut at 1023 bytes) and returns `status`, so that a check reads
//   if (batch < 0) return fail(SEPCONV_INVALID_ARGUMENT, "problem.batch is %lld: ...", batch);
// A success leaves the sentence of an earlier failure in place, as errno does.
[[gnu::cold, gnu::format(printf, 2, 3)]] sepconv_status fail(sepconv_status status, const char* format, ...);

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_ERROR_H
