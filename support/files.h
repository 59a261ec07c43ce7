// Files that are either written whole or not at all.
#ifndef SEPCONV_SUPPORT_FILES_H
#define SEPCONV_SUPPORT_FILES_H

#include <string>

namespace sepconv::support {

// Writes a file beside `path` and renames it, so that `path` is never half written. Throws std::runtime_error with a
// sentence that names the path; the old file, if any, is then still there.
void write_file(const std::string& path, const std::string& contents);

}  // namespace sepconv::support

#endif  // SEPCONV_SUPPORT_FILES_H
