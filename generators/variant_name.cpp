#include "variant_name.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>
#include <regex>
#include <stdexcept>

namespace sepconv {
namespace {

#define SEPCONV_NAME(pattern) const std::regex name_pattern(pattern);
#define SEPCONV_FIXED(pattern) const std::regex fixed_pattern(pattern);
#define SEPCONV_NUMBERS(pattern) const std::regex numbers_pattern(pattern);
#include "variant_name.inc"

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
  throw std::invalid_argument("variant name \"" + name + "\"" + why);
}

constexpr size_t most_characters = 256;  // a match may recurse once a character
constexpr int64_t most = std::numeric_limits<int32_t>::max(), most_mid_channels = 1 << 24;

// "3x5" -> {3, 5}; one number stands for all axes.
std::vector<int64_t> parse_axes(const std::string& text, int rank, const std::string& name) {
  if (!std::regex_match(text, numbers_pattern))
    refuse(name, ": \"" + text + "\" is not made of positive numbers with an x between them");
  std::vector<int64_t> values;
  for (size_t begin = 0; begin < text.size(); begin = std::min(text.find('x', begin), text.size() - 1) + 1) {
    const std::string digits = text.substr(begin, text.find('x', begin) - begin);
    if (digits.size() > 10 || std::stoll(digits) > most)
      refuse(name, ": " + digits + " is larger than " + std::to_string(most));
    values.push_back(std::stoll(digits));
  }
  if (values.size() == 1) values.resize(rank, values[0]);
  if (static_cast<int>(values.size()) != rank) {
    refuse(name,
           ": \"" + text + "\" has " + std::to_string(values.size()) + " axes, the rank is " + std::to_string(rank));
  }
  return values;
}

// Of a type's word, "int" or "float"; NULL for any other word.
const char* type_code(const std::string& word) {
#define SEPCONV_DTYPE_WORD(value, type_name, variant_name, code, bits) \
  if (word == variant_name) return #code;
#include "sepconv/words.inc"
  return nullptr;
}

// Whether the layout is channels first. Of the spatial axes' letters, "dhw", a name has the last ones.
bool parse_layout(const std::string& layout, int rank, const std::string& name) {
  const std::string axes = std::string("dhw").substr(3 - rank);
  if (layout != "n" + axes + "c" && layout != "nc" + axes)
    refuse(name, ": " + layout + " is not a layout of rank " + std::to_string(rank));
  return layout[1] == 'c';
}

}  // namespace

bool VariantName::fixes_nothing() const {
  int64_t sum = multiplier + in_channels + out_channels + channels_multiple - 1;
  for (const auto* axes : {&kernel, &stride, &dilation, &extent})
    sum = std::accumulate(axes->begin(), axes->end(), sum);
  return sum == 0;
}

VariantName parse_variant_name(const std::string& name) {
  if (name.size() > most_characters) {
    refuse(name.substr(0, 32) + "...",
           " has " + std::to_string(name.size()) + " characters; " + std::to_string(most_characters) + " are the most");
  }
  std::smatch match;
  if (!std::regex_match(name, match, name_pattern)) {
    refuse(name,
           " does not read <rank>d_<type>_<layout>_<fixed>[_<family>], such as 2d_f32_nhwc_k3s1d1m1 or 1d_f32_nwc_any");
  }
  VariantName result;
  result.text = name;
  result.rank = std::stoi(match[1]);
  result.types = match[2];
  const char* const code = type_code(result.types);
  if (code == nullptr) refuse(name, ": " + result.types + " is not a type");
  result.integers = std::strcmp(code, "int") == 0 || std::strcmp(code, "uint") == 0;
  result.channels_first = parse_layout(match[3], result.rank, name);
  if (match[5].matched) result.family = match[5].str().substr(1);
  result.kernel = result.stride = result.dilation = result.extent = std::vector<int64_t>(result.rank, 0);
  const std::string fixed = match[4];
  if (fixed == "any") return result;

  std::smatch part;
  if (!std::regex_match(fixed, part, fixed_pattern)) {
    refuse(name, ": \"" + fixed +
                     "\" is neither \"any\" nor, in this order, some of k<taps> s<stride> d<dilation> m<multiplier> "
                     "c<in channels> o<out channels> e<input extents>");
  }
  const auto axes = [&](int group, std::vector<int64_t>* values) {
    if (part[group].matched) *values = parse_axes(part[group].str().substr(1), result.rank, name);
  };
  const auto number = [&](int group, size_t letters, int64_t* value) {
    if (part[group].matched) *value = parse_axes(part[group].str().substr(letters), 1, name)[0];
  };
  axes(1, &result.kernel);
  axes(2, &result.stride);
  axes(3, &result.dilation);
  number(4, 1, &result.multiplier);
  const bool multiple = part[6].matched;
  number(5, multiple ? std::strlen("cdiv") : 1, multiple ? &result.channels_multiple : &result.in_channels);
  // The indices of compiled code have 32 bits, and count the weights of a whole group of vectors.
  if (std::max<int64_t>(result.in_channels, 1) * std::max<int64_t>(result.multiplier, 1) > most_mid_channels) {
    refuse(name, ": c times m is more than the " + std::to_string(most_mid_channels) +
                     " channels that may be compiled in between the stages");
  }
  number(7, 1, &result.out_channels);
  axes(8, &result.extent);
  return result;
}

}  // namespace sepconv
