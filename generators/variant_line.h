// A line of a library's list of variants, and the entry of the library's table that it comes to. The build writes the
// list (cmake/SepconvVariants.cmake), one line a compiled variant:
//
//   <name> <target> <schedule> <Halide target> <function> <object file> [tuned=<record> | <parameter>=<value> ...]
#ifndef SEPCONV_GENERATORS_VARIANT_LINE_H
#define SEPCONV_GENERATORS_VARIANT_LINE_H

#include <map>
#include <string>
#include <vector>

#include "sepconv/variant_table.h"

namespace sepconv {

struct VariantLine {
  std::string name, target, schedule, halide_target, function, object, tuned;
  std::map<std::string, int> overrides;
  std::string full_name;  // with the target appended: the name that programs see
};

// Throws std::runtime_error for a file that cannot be read, std::invalid_argument with a sentence for a wrong line.
std::vector<VariantLine> read_variant_lines(const std::string& file);

// The entry, but for its function: `entry` is null, and of a GPU variant's driver only the device is set. An object
// file "-" stands for none. The line must outlive the entry, whose texts are the line's.
sepconv_variant entry_of(const VariantLine& line);

}  // namespace sepconv

#endif
