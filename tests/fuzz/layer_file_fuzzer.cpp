// Bytes as a layer file: read, or refused in a sentence that begins with the file's name. Bytes that do not begin like
// one choose the words of one instead, so that more files get as far as their numbers.
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "fuzz/fuzz.h"
#include "layer_file.h"

namespace sepconv::test {
namespace {

// One of the words, which '|' separates.
std::string word(Draw& draw, const std::string& words) {
  std::vector<std::string> all;
  std::istringstream stream(words);
  for (std::string one; std::getline(stream, one, '|');) all.push_back(one);
  return all[draw.between<size_t>(0, all.size() - 1)];
}

std::string list(Draw& draw, int rank, const std::string& numbers) {
  std::string text = "[";
  for (int i = 0; i < rank; ++i) text += (i == 0 ? "" : ", ") + word(draw, numbers);
  return text + "]";
}

std::string drawn_layer(Draw& draw, const std::string& name) {
  const std::string number =
      draw.hostile() ? "1|2|5.0|1e9|9223372036854775807|18446744073709551615|0|-1|1e300|null|0.5" : "1|2|3|4.0|9";
  const std::string extent = draw.hostile() ? number : "30|31|40", pad = draw.hostile() ? number : "0|1|2";
  const std::string activation =
      R"("none"|"relu6"|"gelu"|{"clamp": [null, 6]}|{"clamp": [-1e300, 1e300]}|{"clamp": [2, 2]})";
  const int rank = draw.between(1, 3);
  const auto length = [&] { return draw.hostile() && draw.one_in(8) ? draw.between(0, 4) : rank; };
  const auto pads = [&] { return list(draw, length(), pad); };
  std::string text = "{\"name\": \"" + name + "\", \"spatial\": " + list(draw, rank, extent);
  for (const char* key : {"cin", "cout"}) text += ", \"" + std::string(key) + "\": " + word(draw, number);
  text += ", \"kernel\": " + list(draw, length(), number);
  const auto add = [&](const char* key, const std::string& value) {
    if (draw.one_in(3)) text += ", \"" + std::string(key) + "\": " + value;
  };
  add("n", word(draw, number));
  add("mult", word(draw, number));
  add("strides", list(draw, length(), number));
  add("dilation", list(draw, length(), draw.hostile() ? number : "1|2|3"));
  const std::string causal = rank == 1 || draw.hostile() ? R"(|"causal")" : "";
  add("padding", word(draw, R"("valid"|"same"|{"before": )" + pads() + R"(, "after": )" + pads() + "}" + causal));
  add("data_format", word(draw, R"("channels_last"|"channels_first")"));
  add("dtype", word(draw, R"("float32"|"float64"|"float16"|"bfloat16")"));
  for (const char* key : {"input_activation", "mid_activation", "out_activation"}) add(key, word(draw, activation));
  for (const char* key : {"mid_bias", "out_bias"}) add(key, word(draw, "true|false"));
  add("repeat", word(draw, number));
  add("fusable", word(draw, std::string(R"(true|false, "between": "x")") + (draw.hostile() ? "|false" : "")));
  if (draw.hostile()) add("residual", word(draw, number));
  return text + "}";
}

std::string drawn_file(Draw& draw) {
  std::string text = R"({"version": 1, "layers": [)" + drawn_layer(draw, "a");
  if (draw.one_in(3)) text += ", " + drawn_layer(draw, draw.hostile() && draw.one_in(4) ? "a" : "b");
  return text + "]}";
}

void check(const support::Layer& layer) {
  require(!layer.name.empty() && layer.repeat >= 1, "a layer has what the schema asks for");
  int64_t out_extent[SEPCONV_MAX_SPATIAL_RANK];
  require(sepconv_output_extent(&layer.problem, out_extent) == SEPCONV_OK, "a layer that is read is legal");
}

void read(const std::string& text) {
  std::istringstream stream(text);
  std::vector<support::Layer> layers;
  try {
    layers = support::read_layers(stream, "a file");
  } catch (const std::runtime_error& error) {  // of any other kind there is none
    require(std::string(error.what()).rfind("a file: ", 0) == 0, "a refusal says where");
    return;
  }
  require(!layers.empty(), "a file has layers");
  for (const support::Layer& layer : layers) check(layer);
  count_reached();
}

}  // namespace

void fuzz(Draw& draw) {
  const std::string text(draw.whole());
  read(text.rfind('{', 0) == 0 ? text : drawn_file(draw));
}

}  // namespace sepconv::test
