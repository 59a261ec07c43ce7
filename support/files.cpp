#include "files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>

namespace sepconv::support {
namespace {

[[noreturn]] void fail(const std::string& path, int error) {
  throw std::runtime_error("cannot write " + path + ": " + std::strerror(error));
}

bool write_all(int file, const std::string& contents) {
  for (size_t done = 0; done < contents.size();) {
    const ssize_t written = write(file, contents.data() + done, contents.size() - done);
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) done += static_cast<size_t>(written);
  }
  return true;
}

}  // namespace

void write_file(const std::string& path, const std::string& contents) {
  struct stat existing;
  if (stat(path.c_str(), &existing) == 0 && !S_ISREG(existing.st_mode)) {  // /dev/stdout, a pipe: nothing to rename
    const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (file < 0) fail(path, errno);
    bool ok = write_all(file, contents);
    int error = errno;
    if (close(file) != 0 && ok) {
      ok = false;
      error = errno;
    }
    if (!ok) fail(path, error);
    return;
  }
  std::string temporary = path + ".XXXXXX";
  const int file = mkstemp(temporary.data());
  if (file < 0) fail(path, errno);
  const mode_t mask = umask(0);  // mkstemp makes the file private; give it the rights of an ordinary one
  umask(mask);
  bool ok = write_all(file, contents) && fchmod(file, 0666 & ~mask) == 0 && fsync(file) == 0;
  int error = errno;
  if (close(file) != 0 && ok) {
    ok = false;
    error = errno;
  }
  if (ok && std::rename(temporary.c_str(), path.c_str()) != 0) {
    ok = false;
    error = errno;
  }
  if (!ok) {
    unlink(temporary.c_str());
    fail(path, error);
  }
}

}  // namespace sepconv::support
