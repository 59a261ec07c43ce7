#include "variant_name.h"

#include <map>
#include <numeric>
#include <regex>
#include <stdexcept>

namespace sepconv {
namespace {

// "3x5" -> {3, 5}; one number stands for all axes.
std::vector<int64_t> parse_axes(const std::string& text, int rank, const std::string& name) {
  std::vector<int64_t> values;
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t end = std::min(text.find('x', begin), text.size());
    values.push_back(std::stoll(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  if (values.size() == 1) values.resize(rank, values[0]);
  if (static_cast<int>(values.size()) != rank) {
    throw std::invalid_argument("variant name \"" + name + "\": \"" + text + "\" has " + std::to_string(values.size()) +
                                " axes, the rank is " + std::to_string(rank));
  }
  for (const int64_t value : values) {
    if (value < 1) throw std::invalid_argument("variant name \"" + name + "\": \"" + text + "\" must be positive");
  }
  return values;
}

}  // namespace

bool VariantName::fixes_nothing() const {
  int64_t sum = multiplier + in_channels + out_channels + channels_multiple - 1;
  for (const auto* axes : {&kernel, &stride, &dilation, &extent})
    sum = std::accumulate(axes->begin(), axes->end(), sum);
  return sum == 0;
}

VariantName parse_variant_name(const std::string& name) {
  static const std::regex grammar(
      "([123])d_(f32|f64|f16|bf16)_(nwc|nhwc|ndhwc|ncw|nchw|ncdhw)_"
      "(any|(?:k[0-9x]+)?(?:s[0-9x]+)?(?:d[0-9x]+)?(?:m[0-9]+)?(?:c(?:div)?[0-9]+)?(?:o[0-9]+)?(?:e[0-9x]+)?)(?:_([a-z_"
      "]+))?");
  std::smatch match;
  if (!std::regex_match(name, match, grammar)) {
    throw std::invalid_argument("variant name \"" + name +
                                "\" does not read <rank>d_<types>_<layout>_<fixed>[_<family>], "
                                "such as 2d_f32_nhwc_k3s1d1m1 or 1d_f32_nwc_any");
  }
  static const std::map<std::string, std::pair<int, bool>> layouts = {{"nwc", {1, false}},   {"nhwc", {2, false}},
                                                                      {"ndhwc", {3, false}}, {"ncw", {1, true}},
                                                                      {"nchw", {2, true}},   {"ncdhw", {3, true}}};
  VariantName result;
  result.text = name;
  result.rank = std::stoi(match[1]);
  result.types = match[2];
  const auto& [layout_rank, channels_first] = layouts.at(match[3]);
  if (layout_rank != result.rank) {
    throw std::invalid_argument("variant name \"" + name + "\": layout " + match[3].str() + " is not of rank " +
                                match[1].str());
  }
  result.channels_first = channels_first;
  result.family = match[5];
  result.kernel = result.stride = result.dilation = result.extent = std::vector<int64_t>(result.rank, 0);
  const std::string fixed = match[4];
  if (fixed.empty()) throw std::invalid_argument("variant name \"" + name + "\" fixes nothing; say any");
  if (fixed == "any") return result;
  static const std::regex part("([a-z])(div)?([0-9][0-9x]*)");
  for (std::sregex_iterator it(fixed.begin(), fixed.end(), part), end; it != end; ++it) {
    const char key = (*it)[1].str()[0];
    const std::string value = (*it)[3];
    switch (key) {
      case 'k':
        result.kernel = parse_axes(value, result.rank, name);
        break;
      case 's':
        result.stride = parse_axes(value, result.rank, name);
        break;
      case 'd':
        result.dilation = parse_axes(value, result.rank, name);
        break;
      case 'e':
        result.extent = parse_axes(value, result.rank, name);
        break;
      case 'm':
        result.multiplier = parse_axes(value, 1, name)[0];
        break;
      case 'c':
        ((*it)[2].matched ? result.channels_multiple : result.in_channels) = parse_axes(value, 1, name)[0];
        break;
      default:
        result.out_channels = parse_axes(value, 1, name)[0];
        break;
    }
  }
  return result;
}

}  // namespace sepconv
