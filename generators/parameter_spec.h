// What the two sets of schedule parameters, of processors and of GPUs, have in common.
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
