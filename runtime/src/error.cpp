#include "error.h"

#include <stdarg.h>
#include <stdio.h>

#include "structs.h"

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

extern "C" const char* sepconv_status_name(sepconv_status status) {
  switch (sepconv::internal::raw_value(status)) {
    case SEPCONV_OK:
      return "SEPCONV_OK";
    case SEPCONV_INVALID_ARGUMENT:
      return "SEPCONV_INVALID_ARGUMENT";
    case SEPCONV_UNSUPPORTED:
      return "SEPCONV_UNSUPPORTED";
    case SEPCONV_OUT_OF_MEMORY:
      return "SEPCONV_OUT_OF_MEMORY";
    case SEPCONV_BAD_PACKED:
      return "SEPCONV_BAD_PACKED";
    case SEPCONV_TASK_FAILED:
      return "SEPCONV_TASK_FAILED";
    case SEPCONV_NO_DEVICE:
      return "SEPCONV_NO_DEVICE";
    case SEPCONV_DEVICE_FAILED:
      return "SEPCONV_DEVICE_FAILED";
    default:
      return "unknown status";
  }
}

#define SEPCONV_TEXT_OF(number) #number
#define SEPCONV_TEXT(number) SEPCONV_TEXT_OF(number)

extern "C" const char* sepconv_version(void) {
  return SEPCONV_TEXT(SEPCONV_VERSION_MAJOR) "." SEPCONV_TEXT(SEPCONV_VERSION_MINOR) "." SEPCONV_TEXT(
      SEPCONV_VERSION_PATCH);
}
