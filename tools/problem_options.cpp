#include "problem_options.h"

#include <algorithm>
#include <limits>
#include <map>
#include <stdexcept>
#include <string_view>

#include "options.h"
#include "sepconv/sepconv.hpp"

namespace sepconv::tools {
namespace {

void spread(const char* option, const std::vector<int64_t>& values, int32_t rank, int64_t* axes) {
  if (values.size() != 1 && values.size() != static_cast<size_t>(rank)) {
    throw std::runtime_error(std::string(option) + " has " + std::to_string(values.size()) +
                             " numbers; --spatial has " + std::to_string(rank) +
                             ", so it must have that many, or one for all axes");
  }
  for (int32_t axis = 0; axis < rank; ++axis)
    axes[axis] = values.size() == 1 ? values[0] : values[static_cast<size_t>(axis)];
}

// Every value of an enumeration, by its word.
template <typename Enum>
std::map<std::string, Enum> values_of_words() {
  std::map<std::string, Enum> values;
  for (int i = 0; const char* word = name(static_cast<Enum>(i)); ++i) values[word] = static_cast<Enum>(i);
  return values;
}

// A number, or several with an x between, such as 56x56.
std::vector<int64_t> parse_extents(const std::string& option, const std::string& text) {
  std::vector<int64_t> extents;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('x', begin), text.size());
    const auto extent = support::parse_number<int64_t>(std::string_view(text).substr(begin, end - begin));
    if (!extent || *extent < 1) {
      throw CLI::ValidationError(option, "\"" + text + "\" is not made of numbers above 0 with an x between, as 56x56");
    }
    extents.push_back(*extent);
    begin = end + 1;
  }
  return extents;
}

}  // namespace

void define(CLI::App* app, ProblemOptions* options) {
  const std::string group = "Problem (extents outermost first, such as 56x56 or 500)";
  const auto add = [&](const char* name, auto* value, const char* text) {
    return app->add_option(name, *value, text)->group(group);
  };
  CLI::Option* problem =
      app->add_flag("--problem", options->asked, "Say which variant this machine would choose for a problem, and why")
          ->group(group);
  const auto add_extents = [&](const std::string& name, std::vector<int64_t>* value, const char* text) {
    const auto read = [=](const std::string& given) { *value = parse_extents(name, given); };
    return app->add_option_function<std::string>(name, read, text)->group(group);
  };
  const auto add_number = [&](const char* name, auto* value, const char* text, int64_t least, int64_t most) {
    return add(name, value, text)->check(support::whole_number(least, most));
  };
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  CLI::Option* spatial = add_extents("--spatial", &options->spatial, "Input extents");
  CLI::Option* in_channels = add_number("--cin", &options->in_channels, "Input channels", 1, kMost);
  CLI::Option* out_channels = add_number("--cout", &options->out_channels, "Output channels", 1, kMost);
  for (CLI::Option* needed : {spatial, in_channels, out_channels}) {
    problem->needs(needed);
    needed->needs(problem);
  }
  add_extents("--kernel", &options->kernel, "Taps")->default_str("3");
  add_extents("--strides", &options->strides, "Strides")->default_str("1");
  add_extents("--dilation", &options->dilation, "Dilation rates")->default_str("1");
  add_number("--mult", &options->multiplier, "Depth multiplier", 1, kMost)->capture_default_str();
  add_number("--batch", &options->batch, "Images", 0, kMost)->capture_default_str();
  std::map<std::string, sepconv_padding> paddings = values_of_words<sepconv_padding>();
  paddings.erase(name(SEPCONV_PADDING_EXPLICIT));  // there is no option for its numbers
  add("--padding", &options->padding, "Zeros around the input")
      ->transform(CLI::CheckedTransformer(paddings, CLI::ignore_case))
      ->default_str(name(options->padding));
  add("--layout", &options->layout, "Where the channels are")
      ->transform(CLI::CheckedTransformer(values_of_words<sepconv_layout>(), CLI::ignore_case))
      ->default_str(name(options->layout));
  add_number("--threads", &options->threads, "Threads of one run", 1, SEPCONV_MAX_THREADS)->capture_default_str();
  add("--variant", &options->variant, "Ask for this variant, by its full name");
}

sepconv_problem to_problem(const ProblemOptions& options) {
  if (options.spatial.empty() || options.spatial.size() > SEPCONV_MAX_SPATIAL_RANK) {
    throw std::runtime_error("--spatial has " + std::to_string(options.spatial.size()) +
                             " numbers; it must have 1 to 3");
  }
  sepconv_problem problem;
  sepconv_problem_init(&problem, sizeof problem);
  problem.spatial_rank = static_cast<int32_t>(options.spatial.size());
  spread("--spatial", options.spatial, problem.spatial_rank, problem.in_extent);
  spread("--kernel", options.kernel, problem.spatial_rank, problem.kernel_extent);
  spread("--strides", options.strides, problem.spatial_rank, problem.stride);
  spread("--dilation", options.dilation, problem.spatial_rank, problem.dilation);
  problem.batch = options.batch;
  problem.in_channels = options.in_channels;
  problem.depth_multiplier = options.multiplier;
  problem.out_channels = options.out_channels;
  problem.padding = options.padding;
  problem.layout = options.layout;
  return problem;
}

}  // namespace sepconv::tools
