// Numbers of command lines and files, read whole.
#ifndef SEPCONV_SUPPORT_NUMBERS_H
#define SEPCONV_SUPPORT_NUMBERS_H

#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <type_traits>

namespace sepconv::support {

// The decimal number that `text` is; nothing where it is more or less than one, not finite, or does not fit a Number.
template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if constexpr (std::is_floating_point_v<Number>) {
    if (!std::isfinite(value)) return std::nullopt;
  }
  return value;
}

}  // namespace sepconv::support

#endif  // SEPCONV_SUPPORT_NUMBERS_H
