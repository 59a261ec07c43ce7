#include "progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace sepconv::support {

Progress::Progress(size_t steps) : steps_(std::max<size_t>(steps, 1)), shown_(isatty(STDERR_FILENO) == 1) {}

void Progress::next(const std::string& what) {
  constexpr size_t kWidth = 24;
  if (shown_) {
    const size_t filled = std::min(kWidth, done_ * kWidth / steps_);
    fmt::print(stderr, "\r\033[K[{:#<{}}{:.<{}}] {}/{} {}", "", filled, "", kWidth - filled,
               std::min(done_ + 1, steps_), steps_, what.substr(0, 48));
    std::fflush(stderr);
  }
  ++done_;
}

void Progress::clear() {
  if (!shown_) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
}

}  // namespace sepconv::support
