// sepconv_space: prints the search space of schedule parameters for one variant, as JSON.
//
//   sepconv_space VARIANT SCHEDULE HALIDE_TARGET
//
// prints the parameters: name, meaning, legal values, default.
//
//   sepconv_space VARIANT SCHEDULE HALIDE_TARGET --check FILE
//
// reads a JSON list of parameter objects (missing ones take the default) and prints a list of sentences, "" for legal
// points.
#include <exception>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "device_parameters.h"
#include "parameters.h"
#include "schedules/schedule.h"

namespace {

using nlohmann::ordered_json;

template <typename Parameters, typename Specs>
ordered_json describe(const Parameters& defaults, const Specs& specs) {
  ordered_json parameters = ordered_json::array();
  for (const auto& spec : specs) {
    parameters.push_back(
        {{"name", spec.name}, {"meaning", spec.meaning}, {"legal", spec.legal}, {"default", defaults.*(spec.member)}});
  }
  return parameters;
}

ordered_json check(const ordered_json& points, const sepconv::VariantName& name, const std::string& schedule,
                   const Halide::Target& target) {
  ordered_json reasons = ordered_json::array();
  for (const auto& point : points) {
    try {
      const auto overrides = point.get<std::map<std::string, int>>();
      if (sepconv::is_device_schedule(schedule)) {
        sepconv::resolve_device_parameters(name, overrides);
      } else {
        sepconv::resolve_parameters(name, schedule, target, overrides);
      }
      reasons.push_back("");
    } catch (const std::invalid_argument& reason) {
      reasons.push_back(reason.what());
    }
  }
  return reasons;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && !(argc == 6 && std::string(argv[4]) == "--check")) {
    std::cerr << "usage: sepconv_space VARIANT SCHEDULE HALIDE_TARGET [--check FILE]\n";
    return 2;
  }
  try {
    const sepconv::VariantName name = sepconv::parse_variant_name(argv[1]);
    const Halide::Target target{std::string(argv[3])};
    if (argc == 4 && sepconv::is_device_schedule(argv[2])) {
      const auto defaults = sepconv::resolve_device_parameters(name, {});
      std::cout << describe(defaults, sepconv::device_parameter_specs()).dump(2) << "\n";
    } else if (argc == 4) {
      const auto defaults = sepconv::find_schedule(argv[2]).defaults(name, target);
      std::cout << describe(defaults, sepconv::parameter_specs()).dump(2) << "\n";
    } else {
      std::ifstream file(argv[5]);
      if (!file) throw std::runtime_error(std::string("cannot read ") + argv[5]);
      std::cout << check(ordered_json::parse(file), name, argv[2], target).dump() << "\n";
    }
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "sepconv_space: " << error.what() << "\n";
    return 1;
  }
}
