// Loaded kernels: one module for each context and each variant's code, with the kernels that were asked for by name.
#ifndef SEPCONV_SRC_GPU_MODULES_H
#define SEPCONV_SRC_GPU_MODULES_H

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "launch.h"

namespace sepconv::internal {

struct Kernel {
  const char* name;  // lives as long as the program, in the variant's object
  void* handle;      // CUfunction or cl_kernel
};

struct Module {
  static constexpr int most_kernels = 8;  // a variant has two, or four, each with and without loads of 16 bytes

  void* context;
  const char* source;
  void* handle;  // CUmodule or cl_program
  Kernel kernels[most_kernels];
  int kernel_count;
  Module* next;
};

// A list behind a lock. Modules are added when code is first run in a context, and stay until the context is released.
class Modules {
 public:
  // While one lives, no other thread reads or changes the list, nor the arguments of an OpenCL kernel.
  class Lock {
   public:
    explicit Lock(Modules* modules) : modules_(modules) { pthread_mutex_lock(&modules_->mutex_); }
    ~Lock() { pthread_mutex_unlock(&modules_->mutex_); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

   private:
    Modules* modules_;
  };

  // Under the lock; NULL if there is none.
  Module* find(void* context, const char* source) {
    for (Module* module = first_; module != nullptr; module = module->next) {
      if (module->context == context && module->source == source) return module;
    }
    return nullptr;
  }

  // Under the lock; NULL without memory.
  Module* add(void* context, const char* source, void* handle) {
    auto* module = static_cast<Module*>(calloc(1, sizeof(Module)));
    if (module == nullptr) return nullptr;
    module->context = context;
    module->source = source;
    module->handle = handle;
    module->next = first_;
    return first_ = module;
  }

  // Under the lock: takes the context's modules off the list and hands each to `unload` before it is freed.
  template <typename Unload>
  void remove(void* context, Unload unload) {
    for (Module** link = &first_; *link != nullptr;) {
      Module* const module = *link;
      if (module->context != context) {
        link = &module->next;
        continue;
      }
      *link = module->next;
      unload(*module);
      free(module);
    }
  }

 private:
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  Module* first_ = nullptr;
};

// The kernel of that name, or NULL if it was not asked for yet.
inline Kernel* find_kernel(Module* module, const char* name) {
  for (int i = 0; i < module->kernel_count; ++i) {
    if (module->kernels[i].name == name || strcmp(module->kernels[i].name, name) == 0) return &module->kernels[i];
  }
  return nullptr;
}

// Under the lock: the handle of the launch's kernel of that name, from load(module's handle, &handle) where it was not
// asked for yet. NULL, and the failure is noted, if load (which notes its own and returns nonzero) fails.
template <typename Load>
void* kernel_of(Launch* launch, const char* name, Load load) {
  Module& module = *launch->module;
  if (const Kernel* known = find_kernel(&module, name)) return known->handle;
  if (module.kernel_count == Module::most_kernels) {
    launch->fail(SEPCONV_DEVICE_FAILED, "the variant has more kernels than are expected");
    return nullptr;
  }
  void* handle = nullptr;
  if (load(module.handle, &handle) != 0) return nullptr;
  module.kernels[module.kernel_count++] = {name, handle};
  return handle;
}

// The argument lists of compiled host code end with a size of 0.
inline int count_arguments(const size_t* sizes) {
  int count = 0;
  while (sizes[count] != 0) ++count;
  return count;
}
inline constexpr int most_arguments = 96;

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_GPU_MODULES_H
