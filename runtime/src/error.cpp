#include "error.h"

#include <stdarg.h>
#include <stdio.h>

namespace sepconv::internal {

// Zero-initialised, so that no constructor has to run in any thread.
static thread_local char last_error[1024];

sepconv_status fail(sepconv_status status, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(last_error, sizeof last_error, format, arguments);
  va_end(arguments);
  return status;
}

}  // namespace sepconv::internal

extern "C" const char* sepconv_last_error(void) { return sepconv::internal::last_error; }

#define SEPCONV_TEXT_OF(number) #number
#define SEPCONV_TEXT(number) SEPCONV_TEXT_OF(number)

extern "C" const char* sepconv_version(void) {
  return SEPCONV_TEXT(SEPCONV_VERSION_MAJOR) "." SEPCONV_TEXT(SEPCONV_VERSION_MINOR) "." SEPCONV_TEXT(
      SEPCONV_VERSION_PATCH);
}
