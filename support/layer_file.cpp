#include "layer_file.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>

#include "sepconv/sepconv.hpp"

namespace sepconv::support {
namespace {

using nlohmann::json;

// Where in which file we are; every error names it.
struct Place {
  std::string file, layer;

  [[noreturn]] void fail(const std::string& sentence) const {
    throw std::runtime_error(file + ": " + (layer.empty() ? "" : "layer \"" + layer + "\": ") + sentence);
  }
};

const char* const kKnownKeys[] = {
    "name",
    "n",
    "spatial",
    "cin",
    "mult",
    "cout",
    "kernel",
    "strides",
    "dilation",
    "padding",
    "data_format",
    "dtype",
    "input_activation",
    "mid_bias",
    "mid_activation",
    "out_bias",
    "out_activation",
    "repeat",
    "residual",
    "fusable",
    "between",
    "source",
};

int64_t read_integer(const Place& place, const json& value, const std::string& key, int64_t minimum) {
  if (!value.is_number_integer() || value < minimum || value > std::numeric_limits<int64_t>::max()) {
    place.fail("\"" + key + "\" is " + value.dump() + "; it must be an integer of at least " + std::to_string(minimum));
  }
  return value.get<int64_t>();
}

int64_t read_integer(const Place& place, const json& layer, const char* key, int64_t minimum, int64_t absent) {
  return layer.contains(key) ? read_integer(place, layer[key], key, minimum) : absent;
}

bool read_flag(const Place& place, const json& layer, const char* key, bool absent) {
  if (!layer.contains(key)) return absent;
  if (!layer[key].is_boolean())
    place.fail(std::string("\"") + key + "\" is " + layer[key].dump() + "; it must be true or false");
  return layer[key].get<bool>();
}

std::string read_text(const Place& place, const json& layer, const char* key) {
  if (!layer.contains(key)) return "";
  if (!layer[key].is_string())
    place.fail(std::string("\"") + key + "\" is " + layer[key].dump() + "; it must be a string");
  return layer[key].get<std::string>();
}

// One number a spatial axis.
void read_axes(const Place& place, const json& owner, const char* key, int rank, int64_t minimum, int64_t* axes) {
  const json& list = owner[key];
  if (!list.is_array() || list.size() != static_cast<size_t>(rank)) {
    place.fail(std::string("\"") + key + "\" is " + list.dump() + "; it must be a list of " + std::to_string(rank) +
               " numbers, like \"spatial\"");
  }
  for (int axis = 0; axis < rank; ++axis)
    axes[axis] = read_integer(place, list[static_cast<size_t>(axis)], key, minimum);
}

// A word of an enumeration, but for one that layer files write otherwise.
template <typename Enum>
Enum read_name(const Place& place, const char* key, const json& value, std::optional<Enum> but = std::nullopt) {
  const auto found = value.is_string() ? from_name<Enum>(value.get<std::string>()) : std::nullopt;
  if (found && found != but) return *found;
  std::string known;
  for (int i = 0; const char* word = name(static_cast<Enum>(i)); ++i) {
    if (static_cast<Enum>(i) != but) known += (known.empty() ? "\"" : ", \"") + std::string(word) + "\"";
  }
  place.fail(std::string("\"") + key + "\" is " + value.dump() + "; known are " + known);
}

sepconv_activation read_activation(const Place& place, const json& layer, const char* key) {
  if (!layer.contains(key)) return {SEPCONV_ACTIVATION_NONE, 0, 0};
  const json& value = layer[key];
  if (!value.is_object())
    return {read_name<sepconv_activation_kind>(place, key, value, SEPCONV_ACTIVATION_CLAMP), 0, 0};
  const json clamp = value.value("clamp", json());
  const auto is_bound = [](const json& bound) { return bound.is_null() || bound.is_number(); };
  if (value.size() != 1 || !clamp.is_array() || clamp.size() != 2 || !is_bound(clamp[0]) || !is_bound(clamp[1])) {
    place.fail(std::string("\"") + key + "\" is " + value.dump() +
               "; a clamp is {\"clamp\": [lo, hi]}, null for no bound");
  }
  const float infinity = std::numeric_limits<float>::infinity();
  return {SEPCONV_ACTIVATION_CLAMP, clamp[0].is_null() ? -infinity : clamp[0].get<float>(),
          clamp[1].is_null() ? infinity : clamp[1].get<float>()};
}

void read_padding(const Place& place, const json& layer, sepconv_problem* problem) {
  if (!layer.contains("padding")) return;
  const json& value = layer["padding"];
  if (!value.is_object()) {
    problem->padding = read_name<sepconv_padding>(place, "padding", value, SEPCONV_PADDING_EXPLICIT);
    return;
  }
  if (value.size() != 2 || !value.contains("before") || !value.contains("after")) {
    place.fail("\"padding\" is " + value.dump() + "; explicit zeros are {\"before\": [...], \"after\": [...]}");
  }
  problem->padding = SEPCONV_PADDING_EXPLICIT;
  read_axes(place, value, "before", problem->spatial_rank, 0, problem->pad_before);
  read_axes(place, value, "after", problem->spatial_rank, 0, problem->pad_after);
}

void check_keys(const Place& place, const json& layer) {
  for (const auto& item : layer.items()) {
    if (std::find(std::begin(kKnownKeys), std::end(kKnownKeys), item.key()) == std::end(kKnownKeys)) {
      place.fail("the key \"" + item.key() + "\" is not known");
    }
  }
  for (const char* key : {"name", "spatial", "cin", "cout", "kernel"}) {
    if (!layer.contains(key)) place.fail(std::string("the key \"") + key + "\" is missing");
  }
}

Layer read_layer(const Place& place, const json& object) {
  check_keys(place, object);
  Layer layer;
  layer.name = place.layer;
  sepconv_problem& problem = layer.problem;
  sepconv_problem_init(&problem, sizeof problem);

  const json& spatial = object["spatial"];
  if (!spatial.is_array() || spatial.empty() || spatial.size() > SEPCONV_MAX_SPATIAL_RANK) {
    place.fail("\"spatial\" is " + spatial.dump() + "; it must be a list of 1 to 3 extents");
  }
  problem.spatial_rank = static_cast<int32_t>(spatial.size());
  read_axes(place, object, "spatial", problem.spatial_rank, 1, problem.in_extent);
  read_axes(place, object, "kernel", problem.spatial_rank, 1, problem.kernel_extent);
  if (object.contains("strides")) read_axes(place, object, "strides", problem.spatial_rank, 1, problem.stride);
  if (object.contains("dilation")) read_axes(place, object, "dilation", problem.spatial_rank, 1, problem.dilation);
  read_padding(place, object, &problem);

  problem.batch = read_integer(place, object, "n", 1, 1);
  problem.in_channels = read_integer(place, object, "cin", 1, 0);
  problem.depth_multiplier = read_integer(place, object, "mult", 1, 1);
  problem.out_channels = read_integer(place, object, "cout", 1, 0);

  if (object.contains("data_format")) {
    problem.layout = read_name<sepconv_layout>(place, "data_format", object["data_format"]);
  }
  if (object.contains("dtype")) {
    const auto dtype = read_name<sepconv_dtype>(place, "dtype", object["dtype"]);
    problem.input_dtype = problem.weight_dtype = problem.mid_dtype = problem.output_dtype = dtype;
  }
  problem.input_activation = read_activation(place, object, "input_activation");
  problem.mid_activation = read_activation(place, object, "mid_activation");
  problem.out_activation = read_activation(place, object, "out_activation");
  problem.has_mid_bias = read_flag(place, object, "mid_bias", false);
  problem.has_out_bias = read_flag(place, object, "out_bias", false);

  layer.repeat = read_integer(place, object, "repeat", 1, 1);
  layer.residual = read_integer(place, object, "residual", 0, 0);
  layer.fusable = read_flag(place, object, "fusable", true);
  layer.between = read_text(place, object, "between");
  if (!layer.fusable && layer.between.empty()) place.fail("\"fusable\" is false, so \"between\" must say why");
  read_text(place, object, "source");
  return layer;
}

json parse_stream(const Place& place, std::istream& stream) {
  try {
    return json::parse(stream);
  } catch (const json::parse_error& error) {
    place.fail(std::string("not JSON: ") + error.what());
  }
}

}  // namespace

std::vector<Layer> read_layers(const std::string& path) {
  std::ifstream stream(path);
  if (!stream) Place{path, ""}.fail("cannot open the file");
  return read_layers(stream, path);
}

std::vector<Layer> read_layers(std::istream& stream, const std::string& name) {
  Place place{name, ""};
  const json file = parse_stream(place, stream);
  if (!file.is_object()) place.fail("the top level must be an object with \"version\" and \"layers\"");
  if (file.value("version", json()) != 1) {
    place.fail("\"version\" is " + file.value("version", json()).dump() + "; this program reads version 1");
  }
  for (const auto& item : file.items()) {
    const std::set<std::string> known = {"$schema", "version", "description", "layers"};
    if (known.count(item.key()) == 0) place.fail("the key \"" + item.key() + "\" is not known");
  }
  if (!file.contains("layers") || !file["layers"].is_array() || file["layers"].empty()) {
    place.fail("\"layers\" must be a list of at least one layer");
  }
  std::vector<Layer> layers;
  std::set<std::string> names;
  for (const json& object : file["layers"]) {
    place.layer = "number " + std::to_string(layers.size() + 1);
    if (!object.is_object()) place.fail("it is " + object.dump() + "; it must be an object");
    if (object.contains("name") && object["name"].is_string()) place.layer = object["name"].get<std::string>();
    if (!names.insert(place.layer).second) place.fail("another layer has the same \"name\"");
    layers.push_back(read_layer(place, object));
  }
  return layers;
}

}  // namespace sepconv::support
