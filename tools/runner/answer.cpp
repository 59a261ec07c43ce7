#include "answer.h"

#include <cmath>
#include <cstdio>
#include <iostream>
#include <stdexcept>

#include "layer_file.h"
#include "numbers.h"

namespace sepconv::runner {
namespace {

// As JSON has it: between quotes, without what would end the text.
std::string quoted(const std::string& text) {
  std::string safe;
  for (const char c : text) safe += c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ' ? '\'' : c;
  return '"' + safe + '"';
}

void print(const Result& r) {
  if (!r.failed.empty()) {
    std::printf("{\"failed\": %s}", quoted(r.failed).c_str());
    return;
  }
  if (std::isfinite(r.max_error)) {
    std::printf("{\"max_error\": %.3g", r.max_error);
  } else {
    std::printf("{\"max_error\": null");
  }
  if (r.right) {
    std::printf(", \"ms_min\": %.6g, \"ms_median\": %.6g, \"ratio\": %.6g, \"samples\": %d", r.time.min * 1e3,
                r.time.median * 1e3, r.time.ratio, r.time.samples);
  }
  std::printf("}");
}

// What follows the first `skipped` characters of a word.
double positive(const std::string& word, size_t skipped) {
  const auto value = support::parse_number<double>(std::string_view(word).substr(skipped));
  if (!value || *value <= 0) throw std::runtime_error("\"" + word + "\" has no number above 0 as value");
  return *value;
}

}  // namespace

CommandLine read_command_line(int argc, char** argv) {
  CommandLine line;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "peak") {
      line.peak = true;
    } else if (word == "depthwise") {
      line.depthwise = true;
    } else if (word.rfind("budget=", 0) == 0) {
      line.budget = positive(word, 7);
    } else if (word.rfind("slower=", 0) == 0) {
      line.slower = positive(word, 7);
    } else {
      throw std::runtime_error("\"" + word + "\" is neither peak, depthwise, budget=SECONDS nor slower=RATIO");
    }
  }
  return line;
}

sepconv_problem read_problem(const CommandLine& line) {
  const std::vector<support::Layer> layers = support::read_layers(std::cin, "standard input");
  if (layers.size() != 1)
    throw std::runtime_error("standard input has " + std::to_string(layers.size()) + " layers, not one");
  return line.depthwise ? support::depthwise_stage(layers[0].problem) : layers[0].problem;
}

void print_answer(const std::string& cpu, const std::string& machine, const std::vector<Result>& results) {
  std::printf("{\"cpu\": %s, %s\"candidates\": [", quoted(cpu).c_str(), machine.c_str());
  for (size_t i = 0; i < results.size(); ++i) {
    if (i > 0) std::printf(", ");
    print(results[i]);
  }
  std::printf("]}\n");
}

}  // namespace sepconv::runner
