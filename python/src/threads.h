// The threads that all calls of the process share.
#ifndef SEPCONV_PYTHON_THREADS_H
#define SEPCONV_PYTHON_THREADS_H

#include <mutex>

#include "sepconv/sepconv.h"

namespace sepconv::python {

/// How many threads a call uses that names no number: at first SEPCONV_NUM_THREADS, else OMP_NUM_THREADS, else all that
/// the process may use.
int default_threads();
/// Throws std::invalid_argument unless threads is from 1 to 1024.
void set_default_threads(int threads);
void check_threads(int threads);

/// Threads for one run, held until the object goes: `parallel_for` and `context` are those of sepconv_arguments. Null
/// for a single thread, and where another run holds the threads: it is better to begin alone than to wait.
class Workers {
 public:
  explicit Workers(int threads);
  sepconv_parallel_for parallel_for = nullptr;
  void* context = nullptr;

 private:
  std::unique_lock<std::mutex> held_;
};

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_THREADS_H
