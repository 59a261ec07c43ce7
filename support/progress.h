// One line on the terminal that says how far we are. Silent where stderr is not a terminal.
#ifndef SEPCONV_SUPPORT_PROGRESS_H
#define SEPCONV_SUPPORT_PROGRESS_H

#include <string>

namespace sepconv::support {

class Progress {
 public:
  explicit Progress(size_t steps);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void next(const std::string& what);  // the next step begins
  void clear();                        // before other output

 private:
  size_t steps_, done_ = 0;
  bool shown_;
};

}  // namespace sepconv::support

#endif  // SEPCONV_SUPPORT_PROGRESS_H
