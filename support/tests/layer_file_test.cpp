// Tests of the reader of layer files. check_reader.py holds it to the schema, key by key.
#include "layer_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "json_schema.h"
#include "layers_schema.h"
#include "sepconv/sepconv.hpp"

namespace sepconv::support {
namespace {

using nlohmann::json;

const char* const kBase = R"("name": "a", "spatial": [5, 7], "cin": 3, "cout": 4, "kernel": [3, 1])";
std::string with(const std::string& more) { return std::string("{") + kBase + ", " + more + "}"; }

std::vector<Layer> read(const std::string& contents) {
  std::istringstream stream(contents);
  return read_layers(stream, "x.json");
}

std::string file_with(const std::string& layers) { return R"({"version": 1, "layers": [)" + layers + "]}"; }

Layer parse_layer(const std::string& layer) { return read(file_with(layer)).at(0); }

// What reading a file with these contents complains about, without the file's name; "" if nothing.
std::string complaint_of_file(const std::string& contents) {
  try {
    read(contents);
  } catch (const std::runtime_error& error) {
    const std::string text = error.what();
    EXPECT_EQ(text.rfind("x.json: ", 0), 0U) << text;
    return text.substr(8);
  }
  return "";
}

std::string complaint(const std::string& layer) { return complaint_of_file(file_with(layer)); }

TEST(Layer, HasTheSchemasDefaults) {
  const Layer layer = parse_layer("{" + std::string(kBase) + "}");
  const sepconv_problem& problem = layer.problem;
  EXPECT_EQ(layer.name, "a");
  EXPECT_TRUE(layer.fusable);
  EXPECT_EQ(layer.repeat, 1);
  EXPECT_EQ(problem.spatial_rank, 2);
  EXPECT_EQ(problem.padding, SEPCONV_PADDING_VALID);
  EXPECT_EQ(problem.batch, 1);
  EXPECT_EQ(problem.depth_multiplier, 1);
  EXPECT_EQ(problem.in_extent[0], 5);
  EXPECT_EQ(problem.in_extent[1], 7);
  EXPECT_EQ(problem.kernel_extent[0], 3);
  EXPECT_EQ(problem.kernel_extent[1], 1);
  for (int axis = 0; axis < 2; ++axis) {
    EXPECT_EQ(problem.stride[axis], 1);
    EXPECT_EQ(problem.dilation[axis], 1);
  }
  EXPECT_EQ(flops(problem), 2.0 * 3 * 7 * 3 * (3 + 4));
}

TEST(Layer, HasEveryKey) {
  const Layer layer = parse_layer(R"({
    "name": "b", "n": 2, "spatial": [9], "cin": 3, "mult": 2, "cout": 4, "kernel": [3], "strides": [2], "dilation": [4],
    "padding": {"before": [5], "after": [6]}, "data_format": "channels_first", "dtype": "float16",
    "input_activation": "relu", "mid_bias": true, "mid_activation": {"clamp": [-1, null]}, "out_bias": true,
    "out_activation": "relu6", "fusable": false, "between": "a norm", "repeat": 7, "residual": 3, "source": "s"})");
  const sepconv_problem& problem = layer.problem;
  EXPECT_EQ(problem.spatial_rank, 1);
  EXPECT_EQ(problem.batch, 2);
  EXPECT_EQ(problem.depth_multiplier, 2);
  EXPECT_EQ(problem.stride[0], 2);
  EXPECT_EQ(problem.dilation[0], 4);
  EXPECT_EQ(problem.padding, SEPCONV_PADDING_EXPLICIT);
  EXPECT_EQ(problem.pad_before[0], 5);
  EXPECT_EQ(problem.pad_after[0], 6);
  EXPECT_EQ(problem.layout, SEPCONV_LAYOUT_CHANNELS_FIRST);
  EXPECT_EQ(problem.output_dtype, SEPCONV_DTYPE_F16);
  EXPECT_EQ(problem.input_activation.kind, SEPCONV_ACTIVATION_RELU);
  EXPECT_EQ(problem.mid_activation.kind, SEPCONV_ACTIVATION_CLAMP);
  EXPECT_EQ(problem.mid_activation.lo, -1);
  EXPECT_EQ(problem.mid_activation.hi, std::numeric_limits<float>::infinity());
  EXPECT_EQ(problem.out_activation.kind, SEPCONV_ACTIVATION_RELU6);
  EXPECT_TRUE(problem.has_mid_bias && problem.has_out_bias);
  EXPECT_FALSE(layer.fusable);
  EXPECT_EQ(layer.between, "a norm");
  EXPECT_EQ(layer.repeat, 7);
}

TEST(Layer, SaysWhatIsWrong) {
  EXPECT_EQ(complaint(with(R"("strdies": [1, 1])")), R"(layer "a": "strdies" is not a known key)");
  EXPECT_EQ(complaint(R"({"name": "a"})"), R"(layer "a": "spatial" is missing)");
  EXPECT_EQ(complaint(with(R"("mult": 0)")), R"(layer "a": "mult" is 0; it must be an integer of at least 1)");
  EXPECT_EQ(complaint(with(R"("mult": 1.5)")), R"(layer "a": "mult" is 1.5; it must be an integer of at least 1)");
  EXPECT_EQ(complaint(with(R"("mult": 1e30)")), R"(layer "a": "mult" is 1e+30, which is too large)");
  EXPECT_EQ(complaint(with(R"("strides": [1, -1])")),
            R"(layer "a": "strides[1]" is -1; it must be an integer of at least 1)");
  EXPECT_EQ(complaint(with(R"("strides": [1])")), R"(layer "a": "strides" is [1]; it must have 2 like "spatial")");
  EXPECT_EQ(complaint(with(R"("strides": 1)")),
            R"(layer "a": "strides" is 1; it must be a list of 1 to 3, each an integer of at least 1)");
  EXPECT_EQ(complaint(with(R"("padding": "full")")),
            R"(layer "a": "padding" is "full"; it must be "valid", "same" or "causal" or an object with "before" and )"
            R"("after")");
  EXPECT_EQ(complaint(with(R"("padding": {"before": [0, 0]})")), R"(layer "a": "padding.after" is missing)");
  EXPECT_EQ(complaint(with(R"("mid_bias": 1)")), R"(layer "a": "mid_bias" is 1; it must be true or false)");
  EXPECT_EQ(complaint(with(R"("out_activation": {"clamp": [1]})")),
            R"(layer "a": "out_activation.clamp" is [1]; it must be a list of 2, each number or null)");
  EXPECT_EQ(complaint(with(R"("fusable": false)")), R"(layer "a": "between" is missing, where "fusable" is false)");
  EXPECT_NE(complaint(with(R"("dilation": [9, 1])")).find("layer \"a\": "), std::string::npos) << "an empty output";
}

// The words that a schema allows, also through what it refers to.
std::set<std::string> words_of(const json& document, const json& rule) {
  std::set<std::string> words;
  if (rule.contains("$ref"))
    words = words_of(document, document.at(json::json_pointer(rule["$ref"].get<std::string>().substr(1))));
  for (const json& one : rule.value("oneOf", json::array())) words.merge(words_of(document, one));
  for (const json& word : rule.value("enum", json::array())) words.insert(word.get<std::string>());
  return words;
}

// What a key of a layer may say are the library's names, but for these.
template <typename Enum>
void expect_words(const char* key, const std::set<std::string>& but) {
  const json document = json::parse(layers_schema());
  std::set<std::string> words = words_of(document, document["$defs"]["layer"]["properties"][key]), known;
  words.insert(but.begin(), but.end());
  for (int i = 0; const char* word = name(static_cast<Enum>(i)); ++i) known.insert(word);
  EXPECT_EQ(words, known) << key;
}

TEST(Layer, HasTheWordsOfTheLibrary) {
  expect_words<sepconv_dtype>("dtype", {"int8", "uint8", "int32"});  // which take scales, too
  expect_words<sepconv_layout>("data_format", {});
  expect_words<sepconv_padding>("padding", {"explicit"});
  for (const char* key : {"input_activation", "mid_activation", "out_activation"})
    expect_words<sepconv_activation_kind>(key, {"clamp"});
}

TEST(JsonSchema, RefusesAKeywordThatItDoesNotImplement) {
  EXPECT_THROW(JsonSchema(json::parse(R"({"properties": {"a": {"maximum": 3}}})")), std::logic_error);
  EXPECT_THROW(JsonSchema(json::parse(R"({"additionalProperties": {"type": "string"}})")), std::logic_error);
}

TEST(LayerFile, SaysWhatIsWrong) {
  const std::string layer = "{" + std::string(kBase) + "}";
  EXPECT_EQ(complaint("").substr(0, 37), R"("layers" is []; it must be a list of )");
  EXPECT_EQ(complaint_of_file(R"({"version": 2, "layers": []})"), R"("version" is 2; it must be 1)");
  EXPECT_EQ(complaint_of_file(R"({"version": 1, "layer": []})"), R"("layer" is not a known key)");
  EXPECT_EQ(complaint(layer + ", " + layer), R"(layer "a": another layer has the same "name")");
  EXPECT_EQ(complaint(layer + ", 3").substr(0, 26), R"(layer "number 2": it is 3;)");
  EXPECT_EQ(complaint_of_file("{").substr(0, 8), "not JSON");
  EXPECT_EQ(complaint(R"({"name": "a", "cin": 1e400})").substr(0, 21), "a number is too large");
  EXPECT_THROW(read_layers("/none.json"), std::runtime_error);
  const auto nested = [](size_t lists) { return std::string(lists, '[') + std::string(lists, ']'); };
  EXPECT_EQ(complaint(nested(200'000)), "lists and objects are nested more than 16 deep");
  EXPECT_EQ(
      complaint(nested(9)),
      R"(layer "number 1": it is [[[[[[[[[]]]]]]]]]; it must be an object with "name", "spatial", "cin", "cout" and )"
      R"("kernel")");
}

TEST(ShippedLayerFiles, AreReadable) {
  size_t layers = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SEPCONV_LAYERS_DIR)) {
    for (const Layer& layer : read_layers(entry.path().string())) {
      EXPECT_GT(flops(layer.problem), 0) << layer.name;
      ++layers;
    }
  }
  EXPECT_EQ(layers, 148U);
}

}  // namespace
}  // namespace sepconv::support
