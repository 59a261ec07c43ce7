#include "problem_words.h"

#include <cstdlib>
#include <map>
#include <sstream>
#include <stdexcept>

#include "sepconv/sepconv.hpp"

namespace sepconv::runner {
namespace {

using Words = std::map<std::string, std::string>;

int64_t number(const std::string& text) {
  char* end = nullptr;
  const long long value = std::strtoll(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0') throw std::runtime_error("\"" + text + "\" is no number");
  return value;
}

std::vector<int64_t> numbers(const std::string& text) {
  std::vector<int64_t> values;
  std::istringstream list(text);
  for (std::string word; std::getline(list, word, ',');) values.push_back(number(word));
  return values;
}

template <typename Enum>
Enum named(const std::string& word) {
  const auto found = from_name<Enum>(word);
  if (!found) throw std::runtime_error("\"" + word + "\" is not known");
  return *found;
}

sepconv_activation activation(const std::string& word) {
  const size_t colon = word.find(':');
  if (colon == std::string::npos) return {named<sepconv_activation_kind>(word), 0, 0};
  return {SEPCONV_ACTIVATION_CLAMP, std::strtof(word.substr(0, colon).c_str(), nullptr),
          std::strtof(word.substr(colon + 1).c_str(), nullptr)};
}

void read_axes(const Words& words, const char* key, int32_t rank, int64_t* axes) {
  const auto word = words.find(key);
  if (word == words.end()) return;
  const std::vector<int64_t> values = numbers(word->second);
  if (values.size() != static_cast<size_t>(rank))
    throw std::runtime_error(std::string(key) + "=" + word->second + " has not one number for each axis");
  for (size_t axis = 0; axis < values.size(); ++axis) axes[axis] = values[axis];
}

}  // namespace

sepconv_problem problem_of(const std::vector<std::string>& all) {
  Words words;
  for (const std::string& word : all) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos) throw std::runtime_error("\"" + word + "\" is not <key>=<value>");
    words[word.substr(0, equals)] = word.substr(equals + 1);
  }
  const auto text = [&](const char* key, const char* otherwise) {
    const auto word = words.find(key);
    return word == words.end() ? std::string(otherwise) : word->second;
  };
  sepconv_problem problem;
  sepconv_problem_init(&problem, sizeof problem);
  problem.spatial_rank = static_cast<int32_t>(numbers(text("spatial", "")).size());
  if (problem.spatial_rank < 1 || problem.spatial_rank > SEPCONV_MAX_SPATIAL_RANK)
    throw std::runtime_error("spatial=" + text("spatial", "") + " has not one to three extents");
  read_axes(words, "spatial", problem.spatial_rank, problem.in_extent);
  read_axes(words, "kernel", problem.spatial_rank, problem.kernel_extent);
  read_axes(words, "strides", problem.spatial_rank, problem.stride);
  read_axes(words, "dilation", problem.spatial_rank, problem.dilation);
  read_axes(words, "before", problem.spatial_rank, problem.pad_before);
  read_axes(words, "after", problem.spatial_rank, problem.pad_after);
  problem.padding = named<sepconv_padding>(text("padding", "valid"));
  problem.layout = named<sepconv_layout>(text("data_format", "channels_last"));
  problem.stages = named<sepconv_stages>(text("stages", "both"));
  problem.input_dtype = problem.weight_dtype = problem.mid_dtype = problem.output_dtype =
      named<sepconv_dtype>(text("dtype", "float32"));
  problem.batch = number(text("n", "1"));
  problem.in_channels = number(text("cin", ""));
  problem.out_channels = number(text("cout", problem.stages == SEPCONV_STAGES_DEPTHWISE ? "0" : ""));
  problem.depth_multiplier = number(text("mult", "1"));
  problem.has_mid_bias = static_cast<int32_t>(number(text("mid_bias", "0")));
  problem.has_out_bias = static_cast<int32_t>(number(text("out_bias", "0")));
  problem.input_activation = activation(text("input_activation", "none"));
  problem.mid_activation = activation(text("mid_activation", "none"));
  problem.out_activation = activation(text("out_activation", "none"));
  return problem;
}

}  // namespace sepconv::runner
