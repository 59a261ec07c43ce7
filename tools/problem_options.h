// A problem from the command line.
#ifndef SEPCONV_TOOLS_PROBLEM_OPTIONS_H
#define SEPCONV_TOOLS_PROBLEM_OPTIONS_H

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "sepconv/sepconv.h"

namespace sepconv::tools {

struct ProblemOptions {
  bool asked = false;
  std::vector<int64_t> spatial, kernel = {3}, strides = {1}, dilation = {1};
  int64_t batch = 1, in_channels = 0, multiplier = 1, out_channels = 0;
  sepconv_padding padding = SEPCONV_PADDING_SAME;
  sepconv_layout layout = SEPCONV_LAYOUT_CHANNELS_LAST;
  int32_t threads = 1;
  std::string variant;
};

void define(CLI::App* app, ProblemOptions* options);

// A list with one number stands for all axes. Throws std::runtime_error with a sentence that names the option.
sepconv_problem to_problem(const ProblemOptions& options);

}  // namespace sepconv::tools

#endif  // SEPCONV_TOOLS_PROBLEM_OPTIONS_H
