// sepconv_space: the search space of schedule parameters for one variant.
//
//   sepconv_space VARIANT SCHEDULE HALIDE_TARGET
//
// prints the parameters as JSON: name, meaning, legal values, default, and whether a search should vary it.
//
//   sepconv_space VARIANT SCHEDULE HALIDE_TARGET --check
//
// reads points, one a line, as <parameter>:<value> separated by commas (missing ones take the default), and answers
// each with a line: why it is illegal, or nothing. A search keeps it running.
#include <exception>
#include <iostream>

#include "device_parameters.h"
#include "parameters.h"
#include "schedules/schedule.h"
#include "standard_output.h"

namespace {

std::string list(const std::vector<int>& values) {
  std::string text;
  for (const int value : values) text += (text.empty() ? "" : ", ") + std::to_string(value);
  return "[" + text + "]";
}

// Names and meanings hold nothing that JSON would have to escape.
template <typename Parameters, typename Specs>
void print(const sepconv::VariantName& variant, const Parameters& defaults, const Specs& specs) {
  const char* before = "[\n  ";
  for (const auto& spec : specs) {
    std::cout << before << "{\"name\": \"" << spec.name << "\", \"default\": " << defaults.*(spec.member)
              << ", \"legal\": " << list(spec.legal)
              << ", \"searched\": " << (spec.is_searched(variant) ? "true" : "false") << ", \"meaning\": \""
              << spec.meaning << "\"}";
    before = ",\n  ";
  }
  std::cout << "\n]\n";
}

void check(const sepconv::VariantName& name, const std::string& schedule, const Halide::Target& target) {
  for (std::string point; std::getline(std::cin, point);) {
    std::string reason;
    try {
      if (sepconv::is_device_schedule(schedule)) {
        sepconv::resolve_device_parameters(name, sepconv::read_record(point));
      } else {
        sepconv::resolve_parameters(name, schedule, target, sepconv::read_record(point));
      }
    } catch (const std::invalid_argument& illegal) {
      reason = illegal.what();
    }
    std::cout << reason << std::endl;  // whoever asked waits for it
  }
}

}  // namespace

int main(int argc, char** argv) {
  sepconv::support::check_standard_output_at_exit("sepconv_space");
  if (argc != 4 && !(argc == 5 && std::string(argv[4]) == "--check")) {
    std::cerr << "usage: sepconv_space VARIANT SCHEDULE HALIDE_TARGET [--check]\n";
    return 2;
  }
  try {
    const sepconv::VariantName name = sepconv::parse_variant_name(argv[1]);
    const Halide::Target target{std::string(argv[3])};
    if (argc == 4 && sepconv::is_device_schedule(argv[2])) {
      print(name, sepconv::resolve_device_parameters(name, {}), sepconv::device_parameter_specs());
    } else if (argc == 4) {
      print(name, sepconv::find_schedule(argv[2]).defaults(name, target), sepconv::parameter_specs());
    } else {
      check(name, argv[2], target);
    }
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "sepconv_space: " << error.what() << "\n";
    return 1;
  }
}
