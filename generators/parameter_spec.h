// What the two sets of schedule parameters, of processors (schedule_parameters.inc) and of GPUs
// (device_parameters.inc), have in common.
#ifndef SEPCONV_GENERATORS_PARAMETER_SPEC_H
#define SEPCONV_GENERATORS_PARAMETER_SPEC_H

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "variant_name.h"

namespace sepconv {

// The variants that a search varies a parameter for: those for which each of its bits holds. The others do not read it;
// where a name fixes no extents, they leave what kOneSize marks to the planner, or would take other problems with it.
enum SearchedFor : unsigned { kAll = 0, kChannelsLast = 1, kChannelsFirst = 2, kPointwise = 4, kOneSize = 8 };

// The parameters of a tuning record, "chunk:32,stage:0" or "". Throws std::invalid_argument with a sentence.
std::map<std::string, int> read_record(const std::string& record);

// One parameter of a set of them, for tools.
template <typename Parameters>
struct SpecOf {
  const char* name;
  const char* meaning;
  std::vector<int> legal;
  int Parameters::* member;
  unsigned searched_for = kAll;

  bool is_searched(const VariantName& variant) const {
    const unsigned holds = (variant.channels_first ? kChannelsFirst : kChannelsLast) |
                           (variant.depthwise_only() ? 0U : kPointwise) | (variant.extent[0] > 0 ? kOneSize : 0U);
    return (searched_for & ~holds) == 0;
  }
};

// Why a value is not legal, a sentence that names the parameter; "" if all are.
template <typename Parameters>
std::string why_illegal_value(const std::vector<SpecOf<Parameters>>& specs, const Parameters& parameters) {
  for (const auto& spec : specs) {
    const int value = parameters.*(spec.member);
    if (std::find(spec.legal.begin(), spec.legal.end(), value) != spec.legal.end()) continue;
    std::string legal;
    for (const int v : spec.legal) legal += " " + std::to_string(v);
    return "schedule parameter " + std::string(spec.name) + " is " + std::to_string(value) + "; legal:" + legal;
  }
  return "";
}

// Why a legal value may not be used here, in the words of `rule`.
inline std::string illegal_sentence(const char* parameter, int value, const std::string& rule) {
  return "schedule parameter " + std::string(parameter) + " is " + std::to_string(value) + ": " + rule;
}

// What a variant is compiled with, and the warning of a record that may not be used: it costs its parameters, not the
// build. `resolve` takes parameters by name and throws std::invalid_argument.
template <typename Resolve>
auto resolve_record(const std::string& variant, const std::string& record, Resolve resolve, std::string* warning) {
  warning->clear();
  try {
    return resolve(read_record(record));
  } catch (const std::invalid_argument& reason) {
    *warning = "the tuning record of " + variant + " is not used: " + reason.what();
    return resolve({});
  }
}

// Sets the parameters that `overrides` (name -> value) names. Throws std::invalid_argument, "no <what> is called ...",
// for an unknown name.
template <typename Parameters>
void override_parameters(const std::vector<SpecOf<Parameters>>& specs, const std::map<std::string, int>& overrides,
                         const char* what, Parameters* parameters) {
  for (const auto& [name, value] : overrides) {
    const auto spec =
        std::find_if(specs.begin(), specs.end(), [&wanted = name](const auto& s) { return s.name == wanted; });
    if (spec == specs.end()) throw std::invalid_argument("no " + std::string(what) + " is called \"" + name + "\"");
    parameters->*(spec->member) = value;
  }
}

}  // namespace sepconv

#endif
