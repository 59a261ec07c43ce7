// What the programs' command lines share. Numbers are read whole: CLI11 itself reads 010 as 8, and 20 digits as the
// largest number that fits.
#ifndef SEPCONV_SUPPORT_OPTIONS_H
#define SEPCONV_SUPPORT_OPTIONS_H

#include <CLI/CLI.hpp>
#include <cstdint>
#include <limits>
#include <string>

#include "numbers.h"

namespace sepconv::support {

// A whole number of decimal digits, from `least` to `most`.
inline CLI::Validator whole_number(int64_t least, int64_t most = std::numeric_limits<int32_t>::max()) {
  const std::string range = "INT from " + std::to_string(least) + " to " + std::to_string(most);
  return CLI::Validator(
      [=](std::string& text) {
        const auto value = parse_number<int64_t>(text);
        if (!value || *value < least || *value > most) return "\"" + text + "\" is not an " + range;
        text = std::to_string(*value);
        return std::string();
      },
      range);
}

// A finite number from `least` to `most`.
inline CLI::Validator number(double least, double most) {
  const std::string range = "NUMBER from " + CLI::detail::to_string(least) + " to " + CLI::detail::to_string(most);
  return CLI::Validator(
      [=](std::string& text) {
        const auto value = parse_number<double>(text);
        return value && *value >= least && *value <= most ? "" : "\"" + text + "\" is not a " + range;
      },
      range);
}

}  // namespace sepconv::support

#endif  // SEPCONV_SUPPORT_OPTIONS_H
