#include "variant_line.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "device_parameters.h"
#include "numbers.h"
#include "parameters.h"
#include "sepconv/sepconv.hpp"

namespace sepconv {
namespace {

VariantLine parse_line(const std::string& text) {
  std::istringstream words(text);
  VariantLine line;
  if (!(words >> line.name >> line.target >> line.schedule >> line.halide_target >> line.function >> line.object))
    throw std::invalid_argument("line \"" + text + "\" has fewer than six words");
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos)
      throw std::invalid_argument("\"" + word + "\" in line \"" + text + "\" is not <parameter>=<value>");
    const std::string key = word.substr(0, equals), value = word.substr(equals + 1);
    if (key == "tuned") {
      line.tuned = value;
    } else {
      const auto number = support::parse_number<int>(value);
      if (!number) throw std::invalid_argument("\"" + word + "\" in line \"" + text + "\" has no number as value");
      line.overrides[key] = *number;
    }
  }
  line.full_name = line.name + "_" + line.target;
  return line;
}

sepconv_dtype dtype_of(const std::string& types) {
#define SEPCONV_DTYPE_WORD(enumerator, name, in_variants, ...) \
  if (types == in_variants) return SEPCONV_DTYPE_##enumerator;
#include "sepconv/words.inc"
  throw std::invalid_argument("no data type is called " + types);
}

// The driver is named as the target is, up to what follows a "_". The library has the real one; here it stands for its
// device.
const sepconv_driver* driver_of(const std::string& target) {
  static sepconv_driver drivers[SEPCONV_DEVICE_COUNT];
  const auto device = from_name<sepconv_device>(target.substr(0, target.find('_')));
  if (!device) throw std::invalid_argument("target " + target + " is of no device");
  drivers[*device].device = *device;
  return &drivers[*device];
}

void copy_axes(const std::vector<int64_t>& from, int64_t* to) { std::copy(from.begin(), from.end(), to); }

void set_parameters(const VariantLine& line, const VariantName& name, sepconv_variant* variant) {
  const Halide::Target target(line.halide_target);
  std::string warning;  // the generator has shown it
  const ScheduleParameters p = line.overrides.empty()
                                   ? tuned_parameters(name, line.schedule, target, line.tuned, &warning)
                                   : resolve_parameters(name, line.schedule, target, line.overrides);
  const TileSizes tile = tile_sizes(name, p);
  variant->input_activation = takes_input_activation(name, p) ? 1 : 0;
  if (small_images_only(name, p)) {
    variant->max_image_bytes = small_image_bytes;
    variant->max_reads = few_reads;
  }
  variant->chunk_channels = p.chunk;
  variant->panel_channels = tile.panel_channels;
  variant->tile_pixels = tile.tile_pixels;
  variant->depthwise_tile = tile.depthwise_tile;
  variant->depthwise_rows = tile.depthwise_rows;
  variant->sum_block = p.sum_block;
  variant->strip_pixels = p.strip_pixels;
  if (!name.integers) return;
  variant->dot_group = dot_group(name, target);
  variant->dot_offset = dot_offset(name, target);
}

// A GPU variant sums all channels at once, and knows no strips.
void set_device_parameters(const VariantLine& line, const VariantName& name, sepconv_variant* variant) {
  std::string warning;
  const DeviceParameters p = line.overrides.empty() ? tuned_device_parameters(name, line.tuned, &warning)
                                                    : resolve_device_parameters(name, line.overrides);
  const DeviceTile tile = device_tile(name, p);
  variant->input_activation = 1;
  variant->chunk_channels = p.chunk;
  variant->panel_channels = tile.channels;
  variant->tile_pixels = tile.pixels;
  variant->depthwise_tile = 1;
  variant->depthwise_rows = p.window;
  variant->block_threads = p.threads_x * p.threads_y * p.threads_z;
  variant->driver = driver_of(line.target);
  variant->split = p.split;
}

}  // namespace

std::vector<VariantLine> read_variant_lines(const std::string& file) {
  std::ifstream stream(file);
  if (!stream) throw std::runtime_error("cannot read " + file);
  std::vector<VariantLine> lines;
  for (std::string text; std::getline(stream, text);) {
    if (!text.empty()) lines.push_back(parse_line(text));
  }
  return lines;
}

sepconv_variant entry_of(const VariantLine& line) {
  const VariantName name = parse_variant_name(line.name);
  sepconv_variant variant = {};
  variant.name = line.full_name.c_str();
  variant.target = line.target.c_str();
  variant.spatial_rank = name.rank;
  variant.layout = name.channels_first ? SEPCONV_LAYOUT_CHANNELS_FIRST : SEPCONV_LAYOUT_CHANNELS_LAST;
  variant.input_dtype = variant.weight_dtype = variant.output_dtype = dtype_of(name.types);
  variant.stages = name.depthwise_only() ? SEPCONV_STAGES_DEPTHWISE : SEPCONV_STAGES_BOTH;
  variant.activations = name.all_activations() ? 1 : 0;
  copy_axes(name.kernel, variant.kernel_extent);
  copy_axes(name.stride, variant.stride);
  copy_axes(name.dilation, variant.dilation);
  copy_axes(name.extent, variant.in_extent);
  variant.depth_multiplier = name.multiplier;
  variant.in_channels = name.in_channels;
  variant.out_channels = name.out_channels;
  variant.channels_multiple = name.channels_multiple;
  variant.min_pointwise_bytes = name.large_weights_only() ? large_weights_bytes : 0;
  if (is_device_schedule(line.schedule)) {
    set_device_parameters(line, name, &variant);
  } else {
    set_parameters(line, name, &variant);
  }
  if (line.object != "-") variant.object_size = static_cast<uint32_t>(std::filesystem::file_size(line.object));
  return variant;
}

}  // namespace sepconv
