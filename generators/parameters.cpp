#include "parameters.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "schedules/schedule.h"
#include "sepconv/sum_blocks.hpp"

namespace sepconv {

const std::vector<ParameterSpec>& parameter_specs() {
  static const std::vector<ParameterSpec> specs = {
#define SEPCONV_PARAMETER(name, initial, searched_for, meaning, ...) \
  {#name, meaning, {__VA_ARGS__}, &ScheduleParameters::name, searched_for},
#include "schedule_parameters.inc"
  };
  return specs;
}

Halide::Type element_type(const VariantName& name) {
#define SEPCONV_DTYPE_WORD(value, type_name, variant_name, code, bits) \
  if (name.types == variant_name) return Halide::Type(halide_type_##code, bits, 1);
#include "sepconv/words.inc"
  throw std::invalid_argument("no type is called \"" + name.types + "\"");
}

Halide::Type computed_type(const VariantName& name) {
  return element_type(name).bits() == 64 ? Halide::Float(64) : Halide::Float(32);
}

int dot_group(const VariantName& name, const Halide::Target& target) {
  using Halide::Target;
  // With channels first neighbouring channels lie apart; without a pointwise stage nothing is summed.
  if (!name.integers || name.channels_first || name.depthwise_only()) return 1;
  // vpdpbusd; sdot; pmaddwd and its like. NEON's smlal multiplies one by one.
  if (target.has_feature(Target::AVX512_Zen4) || target.has_feature(Target::ARMDotProd)) return 4;
  return target.arch == Target::X86 || target.arch == Target::WebAssembly ? 2 : 1;
}

int dot_offset(const VariantName& name, const Halide::Target& target) {
  return dot_group(name, target) == 4 && target.has_feature(Halide::Target::AVX512_Zen4) ? 128 : 0;
}

int vector_lanes(const VariantName& name, const Halide::Target& target) {
  // Code for a target without vectors is written for four lanes, too, which the compiler takes apart.
  const Halide::Type type = computed_type(name);
  return std::max(target.natural_vector_size(type), 16 / type.bytes());
}

bool takes_input_activation(const VariantName& name, const ScheduleParameters& p) {
  return p.stage == 1 && (!name.channels_first || name.all_activations() || name.extent.back() == 0);
}

bool guards_taps(const VariantName& name, const ScheduleParameters& p) {
  return p.stage == 0 && name.channels_multiple > 1;
}

bool small_images_only(const VariantName& name, const ScheduleParameters& p) {
  return guards_taps(name, p) && name.dilation.back() == 0;
}

TileSizes tile_sizes(const VariantName& name, const ScheduleParameters& p) {
  if (!name.channels_first) {
    return {p.tile_vectors * p.vector, name.depthwise_only() ? 1 : p.tile_pixels, p.depthwise_tile, 1};
  }
  const int depthwise_tile = p.depthwise_tile * p.depthwise_vector, rows = name.rank == 1 ? 1 : p.depthwise_rows;
  if (p.panel_lanes == 1) return {p.tile_vectors * p.vector, p.tile_pixels, depthwise_tile, rows};
  return {p.tile_channels, (name.depthwise_only() ? 1 : p.tile_vectors) * p.vector, depthwise_tile, rows};
}

FixedSizes fixed_sizes(const VariantName& name, const ScheduleParameters& p) {
  if (name.in_channels == 0 || name.multiplier == 0) return {};
  const internal::SumBlocks blocks =
      internal::cut_sum(name.in_channels, name.multiplier, p.chunk, p.sum_block, name.integers);
  return {blocks.channels, blocks.block, blocks.block >= blocks.channels};
}

std::string why_illegal(const ScheduleParameters& p, const VariantName& name, const std::string& schedule,
                        const Halide::Target& target) {
  std::string illegal_value = why_illegal_value(parameter_specs(), p);
  if (!illegal_value.empty()) return illegal_value;
  const int widest = vector_lanes(name, target);
  const VectorUnit unit = find_schedule(schedule).vector_unit(target);
  for (const auto& [name_of, lanes] :
       {std::pair("vector", p.vector), std::pair("depthwise_vector", p.depthwise_vector)}) {
    if (lanes > widest)
      return illegal_sentence(name_of, lanes, "the target's vectors have " + std::to_string(widest) + " lanes");
  }
  if (!name.channels_first && p.chunk % p.depthwise_vector != 0) {
    return illegal_sentence("chunk", p.chunk,
                            "it must be a multiple of depthwise_vector, " + std::to_string(p.depthwise_vector));
  }
  // Accumulators, the operands of the side that is held, and one of the other side, unless the multiply-add broadcasts
  // it from memory.
  const bool pixel_lanes = name.channels_first && p.panel_lanes == 0;
  const int side = pixel_lanes ? p.tile_channels : p.tile_pixels;
  const int passing = unit.broadcasts_from_memory && p.tile_vectors <= side ? 0 : 1;
  int held = std::min(side, p.tile_vectors) + passing;
  // By elements both sides are held, and loads that run ahead of their use take two more.
  if (unit.by_element && !name.channels_first) held = side + p.tile_vectors + 2;
  if (side * p.tile_vectors + held > unit.registers) {
    return illegal_sentence(pixel_lanes ? "tile_channels" : "tile_pixels", side,
                            "with tile_vectors " + std::to_string(p.tile_vectors) + " the tile spills " +
                                std::to_string(unit.registers) + " registers");
  }
  const int chunk_vectors = name.channels_first ? 1 : p.chunk / p.depthwise_vector;
  const int rows = name.channels_first ? p.depthwise_rows : 1;
  // Sums, weights, and a sample; behind a test the multiply-add reads that from memory.
  if ((p.depthwise_tile * rows + 1) * chunk_vectors + (guards_taps(name, p) ? 0 : 1) > unit.registers) {
    return illegal_sentence(
        "depthwise_tile", p.depthwise_tile,
        "with chunk " + std::to_string(p.chunk) + " the tile spills " + std::to_string(unit.registers) + " registers");
  }
  if (p.panel_lanes == 1 && (!name.channels_first || name.depthwise_only() || name.all_activations())) {
    return illegal_sentence("panel_lanes", 1,
                            "for variants with channels first, both stages, and activations that are clamps");
  }
  if (p.tap_rows != 0 && std::find(name.kernel.begin(), name.kernel.end(), 0) != name.kernel.end()) {
    return illegal_sentence("tap_rows", p.tap_rows, "the name must fix the kernel");
  }
  // Only the taps that read the image are shown to such a variant: groups of them would begin elsewhere in another
  // strip, and a compiler that adds up a group in its own order would give other bits.
  if (p.tap_unroll > 1 && name.kernel.back() == 0) {
    return illegal_sentence("tap_unroll", p.tap_unroll, "the name must fix the kernel");
  }
  if (const int products = p.sum_unroll * dot_group(name, target); name.integers && p.chunk % products != 0) {
    return illegal_sentence("sum_unroll", p.sum_unroll,
                            "chunk " + std::to_string(p.chunk) + " must be a multiple of the " +
                                std::to_string(products) + " channels of the inner loop");
  }
  if (p.stage == 0 && (name.channels_first || name.all_activations())) {
    return illegal_sentence("stage", 0,
                            "variants with channels first, and those that take every activation, stage their input");
  }
  if (p.stage == 0 && !name.channels_come_in(p.chunk)) {
    return illegal_sentence("stage", 0,
                            "the name must fix in_channels to multiples of chunk, " + std::to_string(p.chunk));
  }
  return "";
}

ScheduleParameters resolve_parameters(const VariantName& name, const std::string& schedule,
                                      const Halide::Target& target, const std::map<std::string, int>& overrides) {
  const Halide::Type type = element_type(name);
  if (!type.is_float() && !type.is_bfloat() && type != Halide::Int(8))
    throw std::invalid_argument("variant " + name.text + ": processors have no variants of " + name.types);
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
  return resolve_record(
      name.text, record,
      [&](const std::map<std::string, int>& overrides) {
        return resolve_parameters(name, schedule, target, overrides);
      },
      warning);
}

}  // namespace sepconv
