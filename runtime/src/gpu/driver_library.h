// A driver's library, opened when a device is first asked for.
#ifndef SEPCONV_SRC_GPU_DRIVER_LIBRARY_H
#define SEPCONV_SRC_GPU_DRIVER_LIBRARY_H

#include <dlfcn.h>
#include <pthread.h>

#include "launch.h"

namespace sepconv::internal {

class DriverLibrary {
 public:
  // `title` is the sentence's name for it, `opens` calls open() and find() below.
  constexpr DriverLibrary(const char* title, void (*opens)()) : title_(title), opens_(opens) {}

  // Opens the library if that was not tried yet. SEPCONV_NO_DEVICE, and the reason, if it is missing or incomplete.
  sepconv_status ready(char* reason, size_t size) {
    pthread_once(&opened_, opens_);
    return why_not_[0] == '\0' ? SEPCONV_OK : say(reason, size, SEPCONV_NO_DEVICE, "%s", why_not_);
  }

  bool open(const char* file) {
    handle_ = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (handle_ != nullptr) return true;
    say(why_not_, sizeof why_not_, SEPCONV_NO_DEVICE, "%s is missing: %s", title_, dlerror());
    return false;
  }

  template <typename Function>
  bool find(const char* name, Function** function) {
    *reinterpret_cast<void**>(function) = dlsym(handle_, name);
    if (*function != nullptr) return true;
    say(why_not_, sizeof why_not_, SEPCONV_NO_DEVICE, "%s has no %s", title_, name);
    return false;
  }

 private:
  const char* title_;
  void (*opens_)();
  pthread_once_t opened_ = PTHREAD_ONCE_INIT;
  void* handle_ = nullptr;
  char why_not_[200] = "";  // "" if it is open
};

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_GPU_DRIVER_LIBRARY_H
