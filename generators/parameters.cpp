#include "parameters.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "schedules/schedule.h"

namespace sepconv {

const std::vector<ParameterSpec>& parameter_specs() {
  static const std::vector<ParameterSpec> specs = {
      {"vector", "lanes of the pointwise stage", {2, 4, 8, 16}, &ScheduleParameters::vector, kPointwise},
      {"depthwise_vector", "lanes of the depthwise stage", {2, 4, 8, 16}, &ScheduleParameters::depthwise_vector},
      {"chunk",
       "channels staged and convolved together",
       {4, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96},
       &ScheduleParameters::chunk, kChannelsLast},
      {"tile_pixels",
       "pixels of one register tile (channels_last)",
       {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 25, 28},
       &ScheduleParameters::tile_pixels, kPointwise},
      {"tile_channels",
       "output channels of one register tile (channels_first)",
       {1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28},
       &ScheduleParameters::tile_channels, kPointwise | kChannelsFirst},
      {"tile_vectors",
       "vectors of one register tile: of output channels, or of pixels (channels_first)",
       {1, 2, 3, 4, 5, 6},
       &ScheduleParameters::tile_vectors, kPointwise},
      {"panel_lanes",
       "1: the pointwise stage's vectors are of output channels with channels_first, too",
       {0, 1},
       &ScheduleParameters::panel_lanes, kPointwise | kChannelsFirst},
      {"depthwise_tile",
       "pixels, or vectors of pixels (channels_first), along x of one depthwise tile",
       {1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16},
       &ScheduleParameters::depthwise_tile},
      {"depthwise_rows",
       "rows of one depthwise tile (channels_first)",
       {1, 2, 4, 7, 8, 14},
       &ScheduleParameters::depthwise_rows, kChannelsFirst},
      {"tap_unroll",
       "taps along x in the depthwise inner loop",
       {1, 2, 3, 4, 5, 7, 9, 11, 13, 15},
       &ScheduleParameters::tap_unroll},
      {"tap_rows",
       "1: all taps in the depthwise inner loop, 0: those of one row",
       {0, 1},
       &ScheduleParameters::tap_rows, kChannelsLast},
      {"stage",
       "1: copy a chunk's input before the taps read it, 0: read the input",
       {0, 1},
       &ScheduleParameters::stage, kChannelsLast | kOneSize},
      {"sum_unroll", "channels in the pointwise inner loop", {1, 2, 4}, &ScheduleParameters::sum_unroll, kPointwise},
      {"sum_block",
       "intermediate channels held at a time",
       {32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048},
       &ScheduleParameters::sum_block, kPointwise},
      {"panel_inner",
       "1: all panels of a tile's pixels before the next pixels, 0: all pixels of a panel before the next",
       {0, 1},
       &ScheduleParameters::panel_inner, kPointwise | kChannelsLast},
      {"fetch_ahead",
       "1: the pointwise stage prefetches the next task's input",
       {0, 1},
       &ScheduleParameters::fetch_ahead, kPointwise | kChannelsLast},
      {"fetch_output",
       "1: a register tile prefetches the lines of an output larger than the caches (channels_last)",
       {0, 1},
       &ScheduleParameters::fetch_output, kPointwise | kChannelsLast},
      {"strip_pixels",
       "output pixels of one task, 0 for the planner's choice",
       {0, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048},
       &ScheduleParameters::strip_pixels, kPointwise | kOneSize},
  };
  return specs;
}

Halide::Type element_type(const VariantName& name) {
  if (name.types == "bf16") return Halide::BFloat(16);
  return Halide::Float(name.types == "f64" ? 64 : name.types == "f16" ? 16 : 32);
}

int vector_lanes(const VariantName& name, const Halide::Target& target) {
  // Code for a target without vectors is written for four lanes, too, which the compiler takes apart.
  const Halide::Type type = element_type(name);
  return std::max(target.natural_vector_size(type), 16 / type.bytes());
}

bool takes_input_activation(const VariantName& name, const ScheduleParameters& p) {
  return p.stage == 1 && (!name.channels_first || name.curves() || name.extent.back() == 0);
}

bool masks_taps(const VariantName& name, const ScheduleParameters& p) {
  return p.stage == 0 && name.channels_multiple > 1;
}

bool small_images_only(const VariantName& name, const ScheduleParameters& p) {
  return masks_taps(name, p) && name.dilation.back() == 0;
}

TileSizes tile_sizes(const VariantName& name, const ScheduleParameters& p) {
  if (!name.channels_first) {
    return {p.tile_vectors * p.vector, name.depthwise_only() ? 1 : p.tile_pixels, p.depthwise_tile, 1};
  }
  const int depthwise_tile = p.depthwise_tile * p.depthwise_vector, rows = name.rank == 1 ? 1 : p.depthwise_rows;
  if (p.panel_lanes == 1) return {p.tile_vectors * p.vector, p.tile_pixels, depthwise_tile, rows};
  return {p.tile_channels, (name.depthwise_only() ? 1 : p.tile_vectors) * p.vector, depthwise_tile, rows};
}

FixedSizes fixed_sizes(const VariantName& name, const ScheduleParameters& parameters) {
  FixedSizes sizes;
  if (name.in_channels == 0 || name.multiplier == 0) return sizes;
  const int64_t chunks = (name.in_channels + parameters.chunk - 1) / parameters.chunk;
  sizes.sum_channels =
      name.multiplier == 1 ? (name.in_channels + 3) / 4 * 4 : chunks * name.multiplier * parameters.chunk;
  const int64_t blocks = (sizes.sum_channels + parameters.sum_block - 1) / parameters.sum_block;
  const int64_t length = (sizes.sum_channels + blocks - 1) / blocks, group = parameters.chunk * name.multiplier;
  sizes.sum_block = (length + group - 1) / group * group;
  sizes.one_block = sizes.sum_block >= sizes.sum_channels;
  return sizes;
}

std::string why_illegal(const ScheduleParameters& p, const VariantName& name, const std::string& schedule,
                        const Halide::Target& target) {
  for (const ParameterSpec& spec : parameter_specs()) {
    const int value = p.*(spec.member);
    if (std::find(spec.legal.begin(), spec.legal.end(), value) != spec.legal.end()) continue;
    std::string legal;
    for (const int v : spec.legal) legal += " " + std::to_string(v);
    return "schedule parameter " + std::string(spec.name) + " is " + std::to_string(value) + "; legal:" + legal;
  }
  const int widest = vector_lanes(name, target), registers = find_schedule(schedule).registers(target);
  const auto sentence = [](const char* parameter, int value, const std::string& rule) {
    return "schedule parameter " + std::string(parameter) + " is " + std::to_string(value) + ": " + rule;
  };
  for (const auto& [name_of, lanes] :
       {std::pair("vector", p.vector), std::pair("depthwise_vector", p.depthwise_vector)}) {
    if (lanes > widest)
      return sentence(name_of, lanes, "the target's vectors have " + std::to_string(widest) + " lanes");
  }
  if (!name.channels_first && p.chunk % p.depthwise_vector != 0) {
    return sentence("chunk", p.chunk,
                    "it must be a multiple of depthwise_vector, " + std::to_string(p.depthwise_vector));
  }
  // Accumulators, the operands of the side that is held, and one of the other side, unless the multiply-add broadcasts
  // it from memory.
  const bool pixel_lanes = name.channels_first && p.panel_lanes == 0;
  const int side = pixel_lanes ? p.tile_channels : p.tile_pixels;
  const int passing = target.has_feature(Halide::Target::AVX512) && p.tile_vectors <= side ? 0 : 1;
  int held = std::min(side, p.tile_vectors) + passing;
  // By elements both sides are held, and loads that run ahead of their use take two more.
  if (find_schedule(schedule).by_element && !name.channels_first) held = side + p.tile_vectors + 2;
  if (side * p.tile_vectors + held > registers) {
    return sentence(pixel_lanes ? "tile_channels" : "tile_pixels", side,
                    "with tile_vectors " + std::to_string(p.tile_vectors) + " the tile spills " +
                        std::to_string(registers) + " registers");
  }
  const int chunk_vectors = name.channels_first ? 1 : p.chunk / p.depthwise_vector;
  const int rows = name.channels_first ? p.depthwise_rows : 1;
  // Sums, weights, and a sample; behind a test the multiply-add reads that from memory.
  if ((p.depthwise_tile * rows + 1) * chunk_vectors + (masks_taps(name, p) ? 0 : 1) > registers) {
    return sentence(
        "depthwise_tile", p.depthwise_tile,
        "with chunk " + std::to_string(p.chunk) + " the tile spills " + std::to_string(registers) + " registers");
  }
  if (p.panel_lanes == 1 && (!name.channels_first || name.depthwise_only() || name.curves())) {
    return sentence("panel_lanes", 1, "for rows with channels first, both stages, and activations that are clamps");
  }
  if (p.tap_rows != 0 && std::find(name.kernel.begin(), name.kernel.end(), 0) != name.kernel.end()) {
    return sentence("tap_rows", p.tap_rows, "the name must fix the kernel");
  }
  // Only the taps that read the image are shown to such a row: groups of them would begin elsewhere in another strip,
  // and a compiler that adds up a group in its own order would give other bits.
  if (p.tap_unroll > 1 && name.kernel.back() == 0) {
    return sentence("tap_unroll", p.tap_unroll, "the name must fix the kernel");
  }
  if (p.stage == 0 && (name.channels_first || name.curves())) {
    return sentence("stage", 0, "rows with channels first, and rows that take every activation, stage their input");
  }
  if (p.stage == 0 && !name.channels_come_in(p.chunk)) {
    return sentence("stage", 0, "the name must fix in_channels to multiples of chunk, " + std::to_string(p.chunk));
  }
  return "";
}

ScheduleParameters resolve_parameters(const VariantName& name, const std::string& schedule,
                                      const Halide::Target& target, const std::map<std::string, int>& overrides) {
  if (element_type(name).bits() == 16)
    throw std::invalid_argument("variant " + name.text + ": float16 and bfloat16 are for GPUs");
  ScheduleParameters parameters = find_schedule(schedule).defaults(name, target);
  override_parameters(parameter_specs(), overrides, "schedule parameter", &parameters);
  const std::string illegal = why_illegal(parameters, name, schedule, target);
  if (!illegal.empty()) throw std::invalid_argument("variant " + name.text + ": " + illegal);
  return parameters;
}

std::map<std::string, int> read_record(const std::string& record) {
  std::map<std::string, int> parameters;
  std::istringstream words(record);
  for (std::string word; std::getline(words, word, ',');) {
    const size_t colon = std::min(word.find(':'), word.size());
    const std::string value = word.substr(std::min(colon + 1, word.size()));
    if (value.empty() || value.size() > 6 || value.find_first_not_of("0123456789") != std::string::npos)
      throw std::invalid_argument("\"" + word + "\" is not <parameter>:<value>");
    parameters[word.substr(0, colon)] = std::stoi(value);
  }
  return parameters;
}

ScheduleParameters tuned_parameters(const VariantName& name, const std::string& schedule, const Halide::Target& target,
                                    const std::string& record, std::string* warning) {
  warning->clear();
  try {
    return resolve_parameters(name, schedule, target, read_record(record));
  } catch (const std::invalid_argument& reason) {
    *warning = "the tuning record of " + name.text + " is not used: " + reason.what();
    return resolve_parameters(name, schedule, target, {});
  }
}

}  // namespace sepconv
