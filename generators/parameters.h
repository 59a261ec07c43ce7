// The schedule's parameters: names, legal values and defaults. The Generator, the table of rows and a tuner all read
// them here.
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
  int vector = 8;  // lanes of the pointwise stage: output channels (channels_first: pixels)
  int depthwise_vector =
      8;                  // lanes of the depthwise stage: input channels, a divisor of chunk (channels_first: pixels)
  int chunk = 16;         // channels staged and convolved together: one cache line of float32
  int tile_pixels = 6;    // pixels of one register tile of the pointwise stage; channels_last only
  int tile_channels = 6;  // output channels of one register tile; channels_first only
  int tile_vectors = 2;   // vectors of one register tile: of output channels, or of pixels with channels_first
  int panel_lanes = 0;    // 1: with channels_first, too, the pointwise stage's vectors are of output channels
  int depthwise_tile =
      4;  // pixels (channels_first: vectors of them) along x of one register tile of the depthwise stage
  int depthwise_rows = 1;  // rows of one register tile of the depthwise stage; channels_first only
  int tap_unroll = 3;      // taps along x unrolled into the depthwise inner loop
  int tap_rows = 0;        // 1: the taps along the other axes are unrolled, too; the weights then stay in registers
  int stage = 1;  // 1: copy a chunk's input, zero-padded and dense, before the taps read it; 0: the taps read the input
  int sum_unroll = 4;    // channels unrolled into the pointwise inner loop
  int sum_block = 256;   // intermediate channels held at a time
  int panel_inner = 0;   // 1: a register tile of pixels goes over all panels before the next one; 0: the other way
  int fetch_ahead = 1;   // 1: the pointwise stage prefetches the next task's input
  int fetch_output = 0;  // 1: a register tile prefetches the lines that it writes of an output that is far
  int strip_pixels = 0;  // output pixels of one task; 0: the planner's choice
};

using ParameterSpec = SpecOf<ScheduleParameters>;

// Every parameter, in the order of ScheduleParameters.
const std::vector<ParameterSpec>& parameter_specs();

// The problem's own constants, as far as the name fixes them; 0 means "any".
struct FixedSizes {
  int64_t sum_channels = 0;  // K, see runtime/include/sepconv/variant_table.h
  int64_t sum_block = 0;     // channels of one sum block after balancing
  bool one_block = false;    // K is known to fit one block
};

// Why the parameters may not be used for this name and target, a sentence that names the parameter and its value; "" if
// they may. The one place where combinations are ruled out: the Generator, the table of rows and every search ask it.
std::string why_illegal(const ScheduleParameters& parameters, const VariantName& name, const std::string& schedule,
                        const Halide::Target& target);

// What a variant is compiled with: the schedule's defaults for this name and target, then `overrides` (parameter name
// -> value). Throws std::invalid_argument for an unknown name, and with why_illegal's sentence.
ScheduleParameters resolve_parameters(const VariantName& name, const std::string& schedule,
                                      const Halide::Target& target, const std::map<std::string, int>& overrides);

// The parameters of a tuning record, "chunk:32,stage:0" or "". Throws std::invalid_argument with a sentence.
std::map<std::string, int> read_record(const std::string& record);

// resolve_parameters for what a tuning record says. A record that may not be used costs its parameters,
// not the build: the defaults, and in `warning` a sentence that says why; else `warning` is "".
ScheduleParameters tuned_parameters(const VariantName& name, const std::string& schedule, const Halide::Target& target,
                                    const std::string& record, std::string* warning);

// The element type of input, weights and output.
Halide::Type element_type(const VariantName& name);

// Elements of the widest vector of the target.
int vector_lanes(const VariantName& name, const Halide::Target& target);

// Whether the row applies an activation to its input. Rows that read it in place do not, nor do those that are compiled
// for one layer with channels first, where staging is a plain copy.
bool takes_input_activation(const VariantName& name, const ScheduleParameters& parameters);

// Whether the taps that read the input itself ask for each sample whether there is one: in a row that fixes no extents
// the compiler has to keep the inside of an image and its borders apart, or leave that to the processor.
bool masks_taps(const VariantName& name, const ScheduleParameters& parameters);

// Whether such a row is for near images and few taps only: each row of taps reads a sample again, and with any dilation
// that may be far; a copy is cheaper where very many taps read it. Measured, with L2 caches of 1 MB.
bool small_images_only(const VariantName& name, const ScheduleParameters& parameters);
constexpr int small_image_bytes = 2 << 20, few_reads = 25;

// Pointwise kernels of so many bytes come from behind the second-level cache each time they are read. Measured, with L2
// caches of 1 MB: from here on their own order of loops gains.
constexpr int64_t large_weights_bytes = 2 << 20;

// What a row's parameters come to, in the terms of variant_table.h.
struct TileSizes {
  int panel_channels, tile_pixels, depthwise_tile, depthwise_rows;
};
TileSizes tile_sizes(const VariantName& name, const ScheduleParameters& parameters);

// Sum blocks of equal length, so that the last one is not a remainder. The runtime does the same for rows that fix
// nothing.
FixedSizes fixed_sizes(const VariantName& name, const ScheduleParameters& parameters);

}  // namespace sepconv

#endif
