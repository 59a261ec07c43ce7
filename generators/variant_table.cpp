// sepconv_variant_table: what the library knows of its variants, for the build and for programs that have no library.
//
//   sepconv_variant_table print LIBRARY VARIANTS OUTPUT
//
// writes the C file with a library's table of variants. VARIANTS is a list as variant_line.h describes it.
//
//   sepconv_variant_table choose VARIANTS TARGETS [depthwise] < LAYERS.json
//
// reads a layer file and prints for each layer a line of JSON: which variant of the list dispatch chooses on a machine
// that runs TARGETS (separated by commas), and of the others why they will not do, or "" if they rank behind it. With
// `depthwise` it is asked about the layers' depthwise stages alone.
//
//   sepconv_variant_table parts < NAMES
//
// prints for each variant name, one a line, what it fixes as a line of JSON; 0 for what is free.
#include <algorithm>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

#include "dispatch.h"
#include "files.h"
#include "layer_file.h"
#include "sepconv/sepconv.hpp"
#include "standard_output.h"
#include "variant_line.h"
#include "variant_name.h"

namespace {

using sepconv::VariantLine;

// "{3, 3, 0}": outermost first.
std::string axes(const int64_t (&values)[SEPCONV_MAX_SPATIAL_RANK]) {
  return "{" + std::to_string(values[0]) + ", " + std::to_string(values[1]) + ", " + std::to_string(values[2]) + "}";
}

template <typename Enum>
std::string word(Enum value) {
  return std::to_string(static_cast<int>(value)) + " /* " + sepconv::name(value) + " */";
}

void print_entry(const VariantLine& line, const sepconv_variant& v, std::ostream& out) {
  const auto field = [&out](const char* name, const auto& value) {
    out << "        ." << name << " = " << value << ",\n";
  };
  out << "    {\n";
  field("name", '"' + line.full_name + '"');
  field("target", '"' + line.target + '"');
  field("entry", line.function + "_argv");
  field("spatial_rank", v.spatial_rank);
  field("layout", word(v.layout));
  field("input_dtype", word(v.input_dtype));
  field("weight_dtype", word(v.weight_dtype));
  field("output_dtype", word(v.output_dtype));
  field("stages", word(v.stages));
  field("activations", v.activations);
  field("input_activation", v.input_activation);
  field("kernel_extent", axes(v.kernel_extent));
  field("stride", axes(v.stride));
  field("dilation", axes(v.dilation));
  field("depth_multiplier", v.depth_multiplier);
  field("in_channels", v.in_channels);
  field("out_channels", v.out_channels);
  field("channels_multiple", v.channels_multiple);
  field("max_image_bytes", v.max_image_bytes);
  field("max_reads", v.max_reads);
  field("min_pointwise_bytes", v.min_pointwise_bytes);
  field("in_extent", axes(v.in_extent));
  field("chunk_channels", v.chunk_channels);
  field("panel_channels", v.panel_channels);
  field("tile_pixels", v.tile_pixels);
  field("depthwise_tile", v.depthwise_tile);
  field("depthwise_rows", v.depthwise_rows);
  field("sum_block", v.sum_block);
  field("strip_pixels", v.strip_pixels);
  field("object_size", v.object_size);
  if (v.dot_group > 0) {
    field("dot_group", v.dot_group);
    field("dot_offset", v.dot_offset);
  }
  if (v.driver != nullptr) {
    field("driver", std::string("&sepconv_") + sepconv::name(v.driver->device) + "_driver");
    field("split", v.split);
    field("block_threads", v.block_threads);
  }
  out << "    },\n";
}

std::string table_source(const std::string& library, const std::vector<VariantLine>& lines) {
  std::ostringstream entries;
  bool drivers = false;
  for (const VariantLine& line : lines) {
    const sepconv_variant entry = sepconv::entry_of(line);
    print_entry(line, entry, entries);
    drivers = drivers || entry.driver != nullptr;
  }
  std::ostringstream out;
  out << "// The variants of " << library << ". Written by the build; edits are lost.\n"
      << "#include \"sepconv/variant_table.h\"\n\n"
      << (drivers ? "#include \"sepconv/gpu.h\"\n\n" : "");
  for (const VariantLine& line : lines) out << "int " << line.function << "_argv(void** arguments);\n";
  out << "\nstatic const sepconv_variant variants[] = {\n"
      << entries.str() << "};\n\n"
      << "const sepconv_variant_table* " << library << "_variants(void);\n\n"
      << "const sepconv_variant_table* " << library << "_variants(void) {\n"
      << "  static const sepconv_variant_table table = {SEPCONV_VARIANT_ABI, sizeof(sepconv_variant), \"" << library
      << "\", variants, sizeof variants / sizeof variants[0]};\n"
      << "  return &table;\n"
      << "}\n";
  return out.str();
}

void print(const std::string& library, const std::string& variants, const std::string& output) {
  sepconv::support::write_file(output, table_source(library, sepconv::read_variant_lines(variants)));
}

sepconv::internal::TargetSet parse_targets(const std::string& list) {
  sepconv::internal::TargetSet targets = 0;
  const char* unknown = nullptr;
  size_t length = 0;
  if (!sepconv::internal::parse_targets(list.c_str(), &targets, &unknown, &length))
    throw std::invalid_argument("no target is called \"" + std::string(unknown, length) + "\"");
  return targets;
}

// The device of the variants for these targets: they are all the processor's, or all of one GPU interface.
sepconv_device device_of(const std::vector<sepconv_variant>& entries, sepconv::internal::TargetSet targets) {
  for (const sepconv_variant& entry : entries) {
    const int target = sepconv::internal::target_index(entry.target);
    if (target >= 0 && (targets >> target & 1) != 0 && entry.driver != nullptr) return entry.driver->device;
  }
  return SEPCONV_DEVICE_CPU;
}

void choose(const std::string& variants, const std::string& targets, bool depthwise) {
  namespace internal = sepconv::internal;
  const std::vector<VariantLine> lines = sepconv::read_variant_lines(variants);
  std::vector<sepconv_variant> entries;
  for (const VariantLine& line : lines) entries.push_back(sepconv::entry_of(line));
  const sepconv_variant_table table = {SEPCONV_VARIANT_ABI, sizeof(sepconv_variant), "variants", entries.data(),
                                       entries.size()};
  internal::Tables tables = {};
  tables.table[tables.count++] = &table;
  const internal::TargetSet machine = parse_targets(targets);
  const sepconv_device device = device_of(entries, machine);
  for (const sepconv::support::Layer& layer : sepconv::support::read_layers(std::cin, "standard input")) {
    const sepconv_problem problem = depthwise ? sepconv::support::depthwise_stage(layer.problem) : layer.problem;
    internal::Geometry geometry;
    if (internal::analyse_problem(&problem, &geometry) != SEPCONV_OK)
      throw std::runtime_error("layer \"" + layer.name + "\": " + sepconv_last_error());
    internal::Request request{&geometry, machine};
    request.device = device;
    const sepconv_variant* chosen = internal::choose_variant(request, tables);
    nlohmann::ordered_json answer = {{"layer", layer.name}, {"variant", nullptr}, {"others", nlohmann::json::object()}};
    if (chosen != nullptr) answer["variant"] = chosen->name;
    for (const sepconv_variant& entry : entries) {
      char reason[160] = "";
      if (&entry == chosen) continue;
      internal::why_not(request, entry, reason, sizeof reason);
      answer["others"][entry.name] = reason;
    }
    std::cout << answer.dump() << "\n";
  }
}

void print_parts() {
  for (std::string text; std::getline(std::cin, text);) {
    const sepconv::VariantName name = sepconv::parse_variant_name(text);
    const nlohmann::ordered_json parts = {{"name", text},
                                          {"rank", name.rank},
                                          {"types", name.types},
                                          {"channels_first", name.channels_first},
                                          {"kernel", name.kernel},
                                          {"stride", name.stride},
                                          {"dilation", name.dilation},
                                          {"multiplier", name.multiplier},
                                          {"in_channels", name.in_channels},
                                          {"channels_multiple", name.channels_multiple},
                                          {"out_channels", name.out_channels},
                                          {"extent", name.extent},
                                          {"family", name.family}};
    std::cout << parts.dump() << "\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  sepconv::support::check_standard_output_at_exit("sepconv_variant_table");
  const std::vector<std::string> words(argv + 1, argv + argc);
  const std::string command = words.empty() ? "" : words[0];
  try {
    if (command == "print" && words.size() == 4) {
      print(words[1], words[2], words[3]);
    } else if (command == "choose" && (words.size() == 3 || (words.size() == 4 && words[3] == "depthwise"))) {
      choose(words[1], words[2], words.size() == 4);
    } else if (command == "parts" && words.size() == 1) {
      print_parts();
    } else {
      std::cerr << "usage: sepconv_variant_table print LIBRARY VARIANTS OUTPUT\n"
                   "       sepconv_variant_table choose VARIANTS TARGETS [depthwise] < LAYERS.json\n"
                   "       sepconv_variant_table parts < NAMES\n";
      return 2;
    }
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "sepconv_variant_table: " << error.what() << "\n";
    return 1;
  }
}
