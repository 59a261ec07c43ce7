#include "layer_file.h"

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "json_schema.h"
#include "layers_schema.h"
#include "sepconv/sepconv.hpp"

namespace sepconv::support {
namespace {

using nlohmann::json;

const JsonSchema& schema() {
  static const JsonSchema schema(json::parse(layers_schema()));
  return schema;
}

// Refuses, while a file is parsed, what JSON allows and no layer file needs: keys that stand twice in an object, of
// which readers would take one or the other, and depths at which whoever looks at the value runs out of stack.
class Strict {
 public:
  bool operator()(int depth, json::parse_event_t event, const json& parsed) {
    constexpr int kDeepest = 8;
    if (depth > kDeepest) throw std::invalid_argument("it is nested more than " + std::to_string(kDeepest) + " deep");
    if (event == json::parse_event_t::object_start) keys_.emplace_back();
    if (event == json::parse_event_t::object_end) keys_.pop_back();
    if (event == json::parse_event_t::key && !keys_.back().insert(parsed.get<std::string>()).second)
      throw std::invalid_argument(shown(parsed) + " stands twice in one object");
    return true;
  }

 private:
  std::vector<std::set<std::string>> keys_;
};

// Of what the parser says, which quotes the file.
std::string readable(const std::string& text) {
  constexpr size_t kMost = 300;
  std::string result = text.size() > kMost ? text.substr(0, kMost) + "..." : text;
  for (char& c : result) c = c < ' ' || c > '~' ? '?' : c;
  return result;
}

// Where in which file we are; every error names it.
struct Place {
  std::string file, layer;

  [[noreturn]] void fail(const std::string& sentence) const {
    throw std::runtime_error(file + ": " + (layer.empty() ? "" : "layer \"" + layer + "\": ") + sentence);
  }

  [[noreturn]] void fail(const Violation& found) const {
    fail((found.where.empty() ? "it" : "\"" + found.where + "\"") + " " + found.reason);
  }
};

// The fields of one layer, which keep the schema's rules, and its defaults where the file is silent.
class Fields {
 public:
  Fields(const Place& place, const json& object) : place_(place) {
    if (const auto found = schema().check(object, "layer")) place.fail(*found);
    fields_ = schema().with_defaults(object, "layer");
  }

  const json& operator[](const char* key) const { return fields_.at(key); }

  int64_t integer(const char* key) const { return fields_.at(key).get<int64_t>(); }

  // One number a spatial axis, into `axes`, which keeps what it has where the layer is silent.
  void read_axes(const char* key, int64_t* axes) const {
    if (fields_.contains(key)) read_axes(key, fields_.at(key), axes);
  }

  void read_axes(const std::string& key, const json& list, int64_t* axes) const {
    const size_t rank = fields_.at("spatial").size();
    if (list.size() != rank)
      place_.fail("\"" + key + "\" is " + list.dump() + "; it must have " + std::to_string(rank) + " like \"spatial\"");
    for (size_t axis = 0; axis < rank; ++axis) axes[axis] = list[axis].get<int64_t>();
  }

  // A word of the enumeration.
  template <typename Enum>
  Enum word(const char* key) const {
    const auto found = from_name<Enum>(fields_.at(key).get<std::string>());
    if (!found) place_.fail("\"" + std::string(key) + "\" is " + fields_.at(key).dump() + ", which is not built in");
    return *found;
  }

  sepconv_activation activation(const char* key) const {
    const json& value = fields_.at(key);
    if (value.is_string()) return {word<sepconv_activation_kind>(key), 0, 0};
    const json &lo = value.at("clamp")[0], &hi = value.at("clamp")[1];
    const float infinity = std::numeric_limits<float>::infinity();
    return {SEPCONV_ACTIVATION_CLAMP, lo.is_null() ? -infinity : lo.get<float>(),
            hi.is_null() ? infinity : hi.get<float>()};
  }

 private:
  const Place& place_;
  json fields_;
};

void read_padding(const Fields& fields, sepconv_problem* problem) {
  const json& value = fields["padding"];
  if (value.is_string()) {
    problem->padding = fields.word<sepconv_padding>("padding");
    return;
  }
  problem->padding = SEPCONV_PADDING_EXPLICIT;
  fields.read_axes("padding.before", value.at("before"), problem->pad_before);
  fields.read_axes("padding.after", value.at("after"), problem->pad_after);
}

sepconv_problem read_problem(const Place& place, const Fields& fields) {
  sepconv_problem problem;
  sepconv_problem_init(&problem, sizeof problem);
  problem.spatial_rank = static_cast<int32_t>(fields["spatial"].size());
  fields.read_axes("spatial", problem.in_extent);
  fields.read_axes("kernel", problem.kernel_extent);
  fields.read_axes("strides", problem.stride);
  fields.read_axes("dilation", problem.dilation);
  read_padding(fields, &problem);
  problem.batch = fields.integer("n");
  problem.in_channels = fields.integer("cin");
  problem.depth_multiplier = fields.integer("mult");
  problem.out_channels = fields.integer("cout");
  problem.layout = fields.word<sepconv_layout>("data_format");
  set_dtype(&problem, fields.word<sepconv_dtype>("dtype"));
  problem.input_activation = fields.activation("input_activation");
  problem.mid_activation = fields.activation("mid_activation");
  problem.out_activation = fields.activation("out_activation");
  problem.has_mid_bias = fields["mid_bias"].get<bool>();
  problem.has_out_bias = fields["out_bias"].get<bool>();
  int64_t output[SEPCONV_MAX_SPATIAL_RANK];
  if (sepconv_output_extent(&problem, output) == SEPCONV_INVALID_ARGUMENT) place.fail(sepconv_last_error());
  return problem;
}

// The layer at `place`, which gets its name.
Layer read_layer(Place* place, const json& object) {
  const json name = object.is_object() ? object.value("name", json()) : json();
  if (!schema().check(name, "line")) place->layer = name.get<std::string>();
  const Fields fields(*place, object);
  Layer layer;
  layer.name = place->layer;
  layer.problem = read_problem(*place, fields);
  layer.fusable = fields["fusable"].get<bool>();
  if (!layer.fusable) layer.between = fields["between"].get<std::string>();
  layer.repeat = fields.integer("repeat");
  return layer;
}

}  // namespace

std::vector<Layer> read_layers(const std::string& path) {
  std::ifstream stream(path);
  if (!stream) Place{path, ""}.fail("cannot open the file");
  return read_layers(stream, path);
}

std::vector<Layer> read_layers(std::istream& stream, const std::string& name) {
  Place place{name, ""};
  const auto most = schema()["x-maxBytes"].get<size_t>();
  std::string text;
  for (char block[4096]; text.size() <= most && stream; text.append(block, static_cast<size_t>(stream.gcount()))) {
    stream.read(block, sizeof block);
  }
  if (stream.bad()) place.fail("cannot read it");
  if (text.size() > most) place.fail("it has more than " + std::to_string(most) + " bytes");
  json file;
  try {
    file = json::parse(text, Strict());
  } catch (const json::exception& error) {
    place.fail("not JSON: " + readable(error.what()));
  } catch (const std::invalid_argument& error) {
    place.fail(error.what());
  }
  const auto found = schema().check(file);
  if (found && found->where.rfind("layers[", 0) != 0) place.fail(*found);
  std::vector<Layer> layers;
  std::set<std::string> names;
  for (const json& object : file["layers"]) {
    place.layer = "number " + std::to_string(layers.size() + 1);
    layers.push_back(read_layer(&place, object));
    if (!names.insert(layers.back().name).second) place.fail("another layer has the same \"name\"");
  }
  return layers;
}

}  // namespace sepconv::support
