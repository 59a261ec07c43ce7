#include "standard_output.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace sepconv::support {
namespace {

const char* program_name = "";

void check() {
  const bool failed = std::ferror(stdout) != 0;  // at some write before; why is no longer known
  errno = 0;
  if (std::fclose(stdout) == 0 && !failed) return;  // some file systems find out at the end that there was no room
  if (errno == EBADF && !failed) return;            // it was closed from the start, and nothing was printed
  std::fprintf(stderr, "%s: cannot write to standard output%s%s\n", program_name, errno != 0 ? ": " : "",
               errno != 0 ? std::strerror(errno) : "");
  _exit(1);
}

}  // namespace

void check_standard_output_at_exit(const char* program) {
  program_name = program;
  if (std::atexit(check) != 0) std::abort();
}

}  // namespace sepconv::support
