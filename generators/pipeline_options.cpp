#include "pipeline_options.h"

#include <algorithm>

namespace sepconv {
namespace {

// With a fixed kernel there are as many outputs along x as SAME gives, with its padding or the one that PyTorch and
// ONNX write for it.
void set_usual_width(const VariantName& name, ChannelsFirstOptions* options) {
  const int64_t width = options->known_width, stride = name.stride.back();
  if (width == 0 || stride == 0 || name.kernel.back() == 0 || name.dilation.back() == 0) return;
  options->usual_width = (width + stride - 1) / stride;
  const int64_t reach = (name.kernel.back() - 1) * name.dilation.back();
  const int64_t same = std::max<int64_t>((options->usual_width - 1) * stride + reach + 1 - width, 0) / 2;
  options->usual_pads.push_back(static_cast<int>(same));
  if (reach / 2 != same) options->usual_pads.push_back(static_cast<int>(reach / 2));
}

DotProduct dot_product(const VariantName& name, const Halide::Target& target) {
  const Halide::Type computed = computed_type(name);
  if (!name.integers) return {1, computed, computed, computed};
  DotProduct dot;
  dot.group = dot_group(name, target);
  dot.offset = dot_offset(name, target);
  dot.sum = Halide::Int(32);
  dot.data = dot.offset != 0                           ? Halide::UInt(8)
             : dot.group == 4 || name.depthwise_only() ? Halide::Int(8)
                                                       : Halide::Int(16);
  dot.weight = dot.group == 4 ? Halide::Int(8) : Halide::Int(16);
  return dot;
}

}  // namespace

int64_t known_width(const VariantName& name) { return name.channels_first && name.rank > 1 ? name.extent.back() : 0; }

PipelineOptions pipeline_options(const VariantName& name, const ScheduleParameters& p, const Halide::Target& target) {
  const TileSizes tile = tile_sizes(name, p);
  PipelineOptions options;
  options.vector = p.depthwise_vector;
  // Most channel counts are multiples of 8; a copy in such pieces costs no more than one in wider vectors.
  if (!name.channels_first && !name.channels_come_in(options.vector)) options.vector = std::min(options.vector, 8);
  options.sum_vector = p.vector;
  options.chunk = p.chunk;
  options.panel = tile.panel_channels;
  options.tile_pixels = tile.tile_pixels;
  options.depthwise_tile = tile.depthwise_tile;
  options.sum_unroll = p.sum_unroll;
  options.one_block = fixed_sizes(name, p).one_block;
  options.depthwise_only = name.depthwise_only();
  options.all_activations = name.all_activations();
  options.input_activation = takes_input_activation(name, p);
  options.guarded_taps = guards_taps(name, p);
  options.dot = dot_product(name, target);
  // Weights are read again for each tile. Where panels follow one another inside a tile of pixels, with channels last,
  // each is read but once there.
  const int stored_bits = element_type(name).bits();
  options.loads_kernel = options.guarded_taps || stored_bits < computed_type(name).bits();
  options.widened_panels =
      options.dot.weight.bits() > stored_bits && !name.depthwise_only() && (name.channels_first || p.panel_inner == 0);
  options.channels_first = name.channels_first;
  options.nchw.depthwise_rows = p.depthwise_rows;
  options.nchw.panel_lanes = p.panel_lanes == 1;
  options.nchw.phases = name.channels_first && name.stride.back() != 1;
  options.nchw.known_width = known_width(name);
  set_usual_width(name, &options.nchw);
  return options;
}

}  // namespace sepconv
