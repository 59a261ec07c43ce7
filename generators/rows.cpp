// sepconv_rows: writes the C file with a library's variant table. The build compiles it into the library.
//
//   sepconv_rows LIBRARY ROWS_FILE OUTPUT
//
// ROWS_FILE has one line a compiled variant, written by cmake/SepconvVariants.cmake:
//
//   <name> <target> <schedule> <Halide target> <function> <object file> [tuned=<record> | <parameter>=<value> ...]
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "device_parameters.h"
#include "parameters.h"

namespace {

using sepconv::VariantName;

struct Row {
  std::string name, target, schedule, halide_target, function, object, tuned;
  std::map<std::string, int> overrides;
};

Row parse_row(const std::string& line) {
  std::istringstream words(line);
  Row row;
  if (!(words >> row.name >> row.target >> row.schedule >> row.halide_target >> row.function >> row.object)) {
    throw std::invalid_argument("row \"" + line + "\" has fewer than six words");
  }
  std::string word;
  while (words >> word) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos)
      throw std::invalid_argument("\"" + word + "\" in row \"" + line + "\" is not <parameter>=<value>");
    if (word.substr(0, equals) == "tuned") {
      row.tuned = word.substr(equals + 1);
    } else {
      row.overrides[word.substr(0, equals)] = std::stoi(word.substr(equals + 1));
    }
  }
  return row;
}

// "{3, 3, 0}": outermost first, padded with 0 to the largest rank.
std::string axes(std::vector<int64_t> values) {
  values.resize(3, 0);
  return "{" + std::to_string(values[0]) + ", " + std::to_string(values[1]) + ", " + std::to_string(values[2]) + "}";
}

// What the table says about a row besides its name.
struct Numbers {
  int chunk, sum_block, strip_pixels, input_activation, split;
  bool small_images_only;
  sepconv::TileSizes tile;
};

Numbers numbers(const VariantName& name, const Row& row, const Halide::Target& target) {
  std::string warning;  // the generator has shown it
  const sepconv::ScheduleParameters p = row.overrides.empty()
                                            ? sepconv::tuned_parameters(name, row.schedule, target, row.tuned, &warning)
                                            : sepconv::resolve_parameters(name, row.schedule, target, row.overrides);
  const int input_activation = sepconv::takes_input_activation(name, p) ? 1 : 0;
  return {p.chunk,
          p.sum_block,
          p.strip_pixels,
          input_activation,
          0,
          sepconv::small_images_only(name, p),
          sepconv::tile_sizes(name, p)};
}

// A GPU row sums all channels at once, and knows no strips.
Numbers device_numbers(const VariantName& name, const Row& row) {
  std::string warning;
  const sepconv::DeviceParameters p = row.overrides.empty()
                                          ? sepconv::tuned_device_parameters(name, row.tuned, &warning)
                                          : sepconv::resolve_device_parameters(name, row.overrides);
  const sepconv::DeviceTile tile = sepconv::device_tile(name, p);
  return {p.chunk, 0, 0, 1, p.split, false, {tile.channels, tile.pixels, 1, 1}};
}

// The driver is named as the target is, up to what follows a "_".
std::string driver_of(const std::string& target) { return target.substr(0, target.find('_')); }

void write_row(std::ostream& out, const Row& row) {
  const VariantName name = sepconv::parse_variant_name(row.name);
  const Halide::Target target(row.halide_target);
  const bool device = sepconv::is_device_schedule(row.schedule);
  const Numbers n = device ? device_numbers(name, row) : numbers(name, row, target);
  static const std::map<std::string, const char*> dtypes = {{"f32", "SEPCONV_DTYPE_F32"},
                                                            {"f64", "SEPCONV_DTYPE_F64"},
                                                            {"f16", "SEPCONV_DTYPE_F16"},
                                                            {"bf16", "SEPCONV_DTYPE_BF16"}};
  const char* dtype = dtypes.at(name.types);
  out << "    {\n"
      << "        .name = \"" << row.name << "_" << row.target << "\",\n"
      << "        .target = \"" << row.target << "\",\n"
      << "        .entry = " << row.function << "_argv,\n"
      << "        .spatial_rank = " << name.rank << ",\n"
      << "        .layout = "
      << (name.channels_first ? "SEPCONV_LAYOUT_CHANNELS_FIRST" : "SEPCONV_LAYOUT_CHANNELS_LAST") << ",\n"
      << "        .input_dtype = " << dtype << ",\n"
      << "        .weight_dtype = " << dtype << ",\n"
      << "        .output_dtype = " << dtype << ",\n"
      << "        .stages = " << (name.depthwise_only() ? "SEPCONV_STAGES_DEPTHWISE" : "SEPCONV_STAGES_BOTH") << ",\n"
      << "        .activations = " << (name.curves() ? 1 : 0) << ",\n"
      << "        .input_activation = " << n.input_activation << ",\n"
      << "        .kernel_extent = " << axes(name.kernel) << ",\n"
      << "        .stride = " << axes(name.stride) << ",\n"
      << "        .dilation = " << axes(name.dilation) << ",\n"
      << "        .depth_multiplier = " << name.multiplier << ",\n"
      << "        .in_channels = " << name.in_channels << ",\n"
      << "        .out_channels = " << name.out_channels << ",\n"
      << "        .channels_multiple = " << name.channels_multiple << ",\n"
      << "        .max_image_bytes = " << (n.small_images_only ? sepconv::small_image_bytes : 0) << ",\n"
      << "        .max_reads = " << (n.small_images_only ? sepconv::few_reads : 0) << ",\n"
      << "        .min_pointwise_bytes = " << (name.large_weights_only() ? sepconv::large_weights_bytes : 0) << ",\n"
      << "        .in_extent = " << axes(name.extent) << ",\n"
      << "        .chunk_channels = " << n.chunk << ",\n"
      << "        .panel_channels = " << n.tile.panel_channels << ",\n"
      << "        .tile_pixels = " << n.tile.tile_pixels << ",\n"
      << "        .depthwise_tile = " << n.tile.depthwise_tile << ",\n"
      << "        .depthwise_rows = " << n.tile.depthwise_rows << ",\n"
      << "        .sum_block = " << n.sum_block << ",\n"
      << "        .strip_pixels = " << n.strip_pixels << ",\n"
      << "        .object_size = " << std::filesystem::file_size(row.object) << ",\n";
  if (device) {
    out << "        .driver = &sepconv_" << driver_of(row.target) << "_driver,\n"
        << "        .split = " << n.split << ",\n";
  }
  out << "    },\n";
}

std::string table_source(const std::string& library, std::istream& lines) {
  std::vector<Row> rows;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) rows.push_back(parse_row(line));
  }
  std::ostringstream out;
  out << "// The variants of " << library << ". Written by the build; edits are lost.\n"
      << "#include \"sepconv/variant_table.h\"\n\n";
  if (std::any_of(rows.begin(), rows.end(), [](const Row& row) { return sepconv::is_device_schedule(row.schedule); })) {
    out << "#include \"sepconv/gpu.h\"\n\n";
  }
  for (const Row& row : rows) out << "int " << row.function << "_argv(void** arguments);\n";
  out << "\nstatic const sepconv_variant rows[] = {\n";
  for (const Row& row : rows) write_row(out, row);
  out << "};\n\n"
      << "const sepconv_variant_table* " << library << "_variants(void);\n\n"
      << "const sepconv_variant_table* " << library << "_variants(void) {\n"
      << "  static const sepconv_variant_table table = {SEPCONV_VARIANT_ABI, sizeof(sepconv_variant), \"" << library
      << "\", rows, sizeof rows / sizeof rows[0]};\n"
      << "  return &table;\n"
      << "}\n";
  return out.str();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: sepconv_rows LIBRARY ROWS_FILE OUTPUT\n";
    return 2;
  }
  try {
    std::ifstream lines(argv[2]);
    if (!lines) throw std::runtime_error(std::string("cannot read ") + argv[2]);
    const std::string source = table_source(argv[1], lines);
    std::ofstream(argv[3]) << source;
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "sepconv_rows: " << error.what() << "\n";
    return 1;
  }
}
