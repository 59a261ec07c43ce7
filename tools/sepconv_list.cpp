// sepconv_list: the shipped variants, where they run, how big they are; and which one a problem would get.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "problem_options.h"
#include "sepconv/sepconv.h"
#include "sepconv/variant_table.h"
#include "sepconv_default.h"
#include "standard_output.h"

namespace {

void require(sepconv_status status) {
  if (status != SEPCONV_OK)
    throw std::runtime_error(fmt::format("{}: {}", sepconv_status_name(status), sepconv_last_error()));
}

// The manifest's name of a variant: its full name without the target.
std::string manifest_name(const sepconv_variant& variant) {
  const std::string name = variant.name, suffix = std::string("_") + variant.target;
  const bool ends_so =
      name.size() > suffix.size() && name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0;
  return ends_so ? name.substr(0, name.size() - suffix.size()) : name;
}

std::map<std::string, bool> runnable_variants() {
  std::map<std::string, bool> result;
  int runnable = 0;
  for (size_t i = 0; const char* name = sepconv_variant_name(i, &runnable); ++i) result[name] = runnable != 0;
  return result;
}

// One line a name of the manifest, one column a target, in the manifest's order.
void print_table(const sepconv_variant_table& table) {
  std::vector<std::string> names, targets;
  std::map<std::pair<std::string, std::string>, uint32_t> sizes;
  std::map<std::string, bool> target_runs;
  const std::map<std::string, bool> runnable = runnable_variants();
  const auto remember = [](std::vector<std::string>* list, const std::string& word) {
    if (std::find(list->begin(), list->end(), word) == list->end()) list->push_back(word);
  };
  uint64_t total = 0;
  for (size_t i = 0; i < table.variant_count; ++i) {
    const sepconv_variant& variant = table.variants[i];
    const std::string name = manifest_name(variant);
    remember(&names, name);
    remember(&targets, variant.target);
    sizes[{name, variant.target}] = variant.object_size;
    target_runs[variant.target] = runnable.at(variant.name);
    total += variant.object_size;
  }
  size_t width = 9;
  for (const std::string& name : names) width = std::max(width, name.size());

  fmt::print("{:<{}}", "variant", width);
  for (const std::string& target : targets) fmt::print("  {:>12}", target);
  fmt::print("\n");
  for (const std::string& name : names) {
    fmt::print("{:<{}}", name, width);
    for (const std::string& target : targets) {
      const auto size = sizes.find({name, target});
      fmt::print("  {:>12}", size == sizes.end() ? "-" : fmt::format("{:.1f} KB", size->second / 1024.0));
    }
    fmt::print("\n");
  }
  fmt::print("{:<{}}", "runs here", width);
  for (const std::string& target : targets) fmt::print("  {:>12}", target_runs[target] ? "yes" : "no");
  fmt::print("\n\nsepconv {}, library \"{}\": {} variants of {} names, {:.1f} KB of objects\n", sepconv_version(),
             table.name, table.variant_count, names.size(), static_cast<double>(total) / 1024.0);
}

void print_names() {
  int runnable = 0;
  for (size_t i = 0; const char* name = sepconv_variant_name(i, &runnable); ++i) {
    fmt::print("{}{}\n", name, runnable ? "" : "  (not on this machine)");
  }
}

void explain(const sepconv::tools::ProblemOptions& wanted) {
  const sepconv_problem problem = to_problem(wanted);
  sepconv_options options;
  sepconv_options_init(&options, sizeof options);
  options.max_threads = wanted.threads;
  options.variant = wanted.variant.empty() ? nullptr : wanted.variant.c_str();
  sepconv_plan* plan = nullptr;
  require(sepconv_plan_create(&problem, &options, &plan));
  std::vector<char> text(1 << 16);
  const sepconv_status status = sepconv_plan_explain(plan, text.data(), text.size());
  const std::string variant = sepconv_plan_variant(plan);
  const size_t packed_size = sepconv_plan_packed_size(plan), workspace_size = sepconv_plan_workspace_size(plan);
  sepconv_plan_destroy(plan);
  require(status);
  fmt::print("{}\n\npacked weights: {} bytes; workspace: {} bytes on {} thread{}\n\n{}", variant, packed_size,
             workspace_size, wanted.threads, wanted.threads == 1 ? "" : "s", text.data());
}

}  // namespace

int main(int argc, char** argv) {
  sepconv::support::check_standard_output_at_exit("sepconv_list");
  CLI::App app{"Lists the shipped variants, or says which one a problem would get."};
  app.footer("Example: sepconv_list --problem --spatial 56x56 --cin 128 --cout 128 --kernel 3x3");
  bool names = false;
  sepconv::tools::ProblemOptions problem;
  app.add_flag("--names", names, "Full names only, in order of rank");
  define(&app, &problem);
  CLI11_PARSE(app, argc, argv);
  try {
    require(sepconv_register(sepconv_default_variants()));
    if (problem.asked) {
      explain(problem);
    } else if (names) {
      print_names();
    } else {
      print_table(*sepconv_default_variants());
    }
  } catch (const std::exception& error) {
    std::fflush(stdout);
    fmt::print(stderr, "sepconv_list: {}\n", error.what());
    return 1;
  }
  return 0;
}
