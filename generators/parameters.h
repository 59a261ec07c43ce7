// The schedule's parameters (schedule_parameters.inc), and what follows from them and the name.
#ifndef SEPCONV_GENERATORS_PARAMETERS_H
#define SEPCONV_GENERATORS_PARAMETERS_H

#include <map>
#include <string>
#include <vector>

#include "Halide.h"
#include "parameter_spec.h"
#include "variant_name.h"

namespace sepconv {

struct ScheduleParameters {
#define SEPCONV_PARAMETER(name, initial, ...) int name = initial;
#include "schedule_parameters.inc"
};

using ParameterSpec = SpecOf<ScheduleParameters>;

// Every parameter, in the order of the list.
const std::vector<ParameterSpec>& parameter_specs();

// Why the parameters may not be used for this name and target, a sentence that names the parameter and its value; "" if
// they may. The one place where combinations are ruled out: the Generator, the table of variants and every search ask.
std::string why_illegal(const ScheduleParameters& parameters, const VariantName& name, const std::string& schedule,
                        const Halide::Target& target);

// What a variant is compiled with: the schedule's defaults for this name and target, then `overrides` (parameter name
// -> value). Throws std::invalid_argument for an unknown name, and with why_illegal's sentence.
ScheduleParameters resolve_parameters(const VariantName& name, const std::string& schedule,
                                      const Halide::Target& target, const std::map<std::string, int>& overrides);

// resolve_parameters for what a tuning record says. A record that may not be used costs its parameters,
// not the build: the defaults, and in `warning` a sentence that says why; else `warning` is "".
ScheduleParameters tuned_parameters(const VariantName& name, const std::string& schedule, const Halide::Target& target,
                                    const std::string& record, std::string* warning);

constexpr int cache_line_bytes = 64;

// The element type of input, weights and output.
Halide::Type element_type(const VariantName& name);

// The type of all sums and of the intermediate: float64 with float64 tensors, else float32.
Halide::Type computed_type(const VariantName& name);

// How many neighbouring products one lane of the target's instruction for the pointwise stage sums.
int dot_group(const VariantName& name, const Halide::Target& target);

// What the intermediate of 8-bit integers has added, so that it is unsigned: where the instruction asks for that.
int dot_offset(const VariantName& name, const Halide::Target& target);

// Elements of the widest vector of the target.
int vector_lanes(const VariantName& name, const Halide::Target& target);

// Whether the variant applies an activation to its input. Variants that read it in place do not, nor do those that are
// compiled for one layer with channels first, where staging is a plain copy.
bool takes_input_activation(const VariantName& name, const ScheduleParameters& parameters);

// Whether the taps that read the input itself ask for each sample whether there is one: in a variant that fixes no
// extents the compiler has to keep the inside of an image and its borders apart, or leave that to the processor.
bool guards_taps(const VariantName& name, const ScheduleParameters& parameters);

// Whether such a variant is for small images and few taps only: each row of taps reads a sample again, and with any
// dilation that may be far; a copy is cheaper where very many taps read it. Measured, with L2 caches of 1 MB.
bool small_images_only(const VariantName& name, const ScheduleParameters& parameters);
constexpr int small_image_bytes = 2 << 20, few_reads = 25;

// Pointwise kernels of so many bytes come from behind the second-level cache each time they are read. Measured, with L2
// caches of 1 MB: from here on their own order of loops gains.
constexpr int64_t large_weights_bytes = 2 << 20;

// What a variant's parameters come to, in the terms of variant_table.h.
struct TileSizes {
  int panel_channels, tile_pixels, depthwise_tile, depthwise_rows;
};
TileSizes tile_sizes(const VariantName& name, const ScheduleParameters& parameters);

// The sizes of the channel sum (sepconv/sum_blocks.hpp) as far as the name fixes them; 0 means "any".
struct FixedSizes {
  int64_t sum_channels = 0, sum_block = 0;
  bool one_block = false;  // all channels are known to fit one block
};
FixedSizes fixed_sizes(const VariantName& name, const ScheduleParameters& parameters);

}  // namespace sepconv

#endif
