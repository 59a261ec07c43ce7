// What the library chooses, for test_library.py:
//
//   library_choice TARGET LAYERS.json
//
// prints for each layer its name, a tab, and the shipped variant that it gets where only the target may run, or "none".
// Exits with 3 where this machine cannot run the target.
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

#include "layer_file.h"
#include "sepconv/sepconv.h"
#include "sepconv_default.h"

namespace {

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

bool is_runnable(const std::string& target) {
  int runnable = 0;
  for (size_t i = 0; const char* name = sepconv_variant_name(i, &runnable); ++i) {
    if (ends_with(name, "_" + target)) return runnable != 0;
  }
  return false;
}

std::string choice(const sepconv_problem& problem, const char* target) {
  sepconv_options options;
  sepconv_options_init(&options, sizeof options);
  options.targets.allow = target;
  sepconv_plan* plan = nullptr;
  const sepconv_status status = sepconv_plan_create(&problem, &options, &plan);
  const std::unique_ptr<sepconv_plan, void (*)(sepconv_plan*)> owner(plan, sepconv_plan_destroy);
  if (status == SEPCONV_UNSUPPORTED) return "none";
  if (status != SEPCONV_OK) throw std::runtime_error(sepconv_last_error());
  return sepconv_plan_variant(plan);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 3) throw std::invalid_argument("usage: library_choice TARGET LAYERS.json");
    if (sepconv_register(sepconv_default_variants()) != SEPCONV_OK) throw std::runtime_error(sepconv_last_error());
    if (!is_runnable(argv[1])) return 3;
    for (const sepconv::support::Layer& layer : sepconv::support::read_layers(argv[2])) {
      std::printf("%s\t%s\n", layer.name.c_str(), choice(layer.problem, argv[1]).c_str());
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "library_choice: %s\n", error.what());
    return 1;
  }
}
