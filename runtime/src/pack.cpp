#include "pack.h"

#include <string.h>

#include <initializer_list>

#include "error.h"
#include "integers.h"
#include "quantise.h"
#include "sepconv/sum_blocks.hpp"
#include "terms.h"

namespace sepconv::internal {
namespace {

constexpr uint64_t packed_magic = 0x766e6f6370657301u;  // "\1sepconv" in a little-endian file
constexpr uint64_t packed_version = 3;

constexpr SealedKind packed_weights = {
    SEPCONV_BAD_PACKED, "packed weights",
    "is in the packing of another variant: pack with this plan, or plan with packing_of",
    "holds the weights of another problem (channels, kernel extents or biases differ)"};

// `one` is the number 1 of the weights' type, of which T has the bits.
template <typename T>
void fill(const Geometry& g, const sepconv_variant& variant, const PackedLayout& layout, const sepconv_weights& weights,
          T one, void* packed) {
  const int64_t channels = g.problem.in_channels, multiplier = g.problem.depth_multiplier,
                outputs = g.problem.out_channels;
  const int64_t lanes = variant.chunk_channels, panel = variant.panel_channels;
  const T *depthwise = static_cast<const T*>(weights.depthwise_kernel),
          *pointwise = static_cast<const T*>(weights.pointwise_kernel),
          *mid_bias = static_cast<const T*>(weights.mid_bias);
  char* base = static_cast<char*>(packed);
  T* mid_bias_to = reinterpret_cast<T*>(base + layout.mid_bias);
  T* depthwise_to = reinterpret_cast<T*>(base + layout.depthwise);
  T* pointwise_to = reinterpret_cast<T*>(base + layout.pointwise);
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t m = 0; m < multiplier; ++m) {
      const int64_t source = c * multiplier + m;  // Keras's channel of the intermediate
      const int64_t chunk = c / lanes * multiplier + m, lane = c % lanes;
      const int64_t k = chunk * lanes + lane;
      if (mid_bias != nullptr) mid_bias_to[k] = mid_bias[source];
      for (int64_t tap = 0; tap < g.taps; ++tap) {
        depthwise_to[(chunk * g.taps + tap) * lanes + lane] =
            depthwise != nullptr ? depthwise[tap * g.mid_channels + source] : one;
      }
      for (int64_t f = 0; pointwise != nullptr && f < outputs; f += panel) {
        memcpy(pointwise_to + (f / panel * layout.channels + k) * panel, pointwise + source * outputs + f,
               static_cast<size_t>(smaller(panel, outputs - f)) * sizeof(T));
      }
    }
  }
  if (weights.out_bias != nullptr) {
    memcpy(base + layout.out_bias, weights.out_bias, static_cast<size_t>(outputs) * sizeof(T));
  }
}

}  // namespace

uint64_t packing_id_of(const sepconv_variant& variant) {
  Hash hash;
  for (int64_t word : {int64_t{variant.spatial_rank}, int64_t{variant.input_dtype}, int64_t{variant.weight_dtype},
                       int64_t{variant.output_dtype}, int64_t{variant.chunk_channels}, int64_t{variant.panel_channels},
                       int64_t{variant.stages}}) {
    hash.add(word);
  }
  if (is_quantised(variant.weight_dtype)) {
    hash.add(variant.dot_group);
    hash.add(variant.dot_offset);
  }
  return hash.value;
}

int64_t packed_chunks(const Geometry& g, const sepconv_variant& variant) {
  return saturating_multiply(divide_up(g.problem.in_channels, variant.chunk_channels), g.problem.depth_multiplier);
}

int64_t packed_channels(const Geometry& g, const sepconv_variant& variant) {
  return saturating_multiply(packed_chunks(g, variant), variant.chunk_channels);
}

uint64_t weights_hash_of(const Geometry& g) {
  const sepconv_problem& p = g.problem;
  Hash hash;
  for (int64_t word : {int64_t{p.spatial_rank}, int64_t{p.weight_dtype}, int64_t{p.mid_dtype}, p.in_channels,
                       p.depth_multiplier, p.out_channels, p.kernel_extent[0], p.kernel_extent[1], p.kernel_extent[2],
                       int64_t{p.has_mid_bias != 0}, int64_t{p.has_out_bias != 0}, int64_t{p.stages}}) {
    hash.add(word);
  }
  return hash.value;
}

sepconv_status lay_out_packed(const Geometry& g, const sepconv_variant& variant, PackedLayout* layout) {
  const sepconv_problem& p = g.problem;
  const int64_t lanes = variant.chunk_channels, panel = variant.panel_channels;
  layout->chunks = packed_chunks(g, variant);
  layout->channels = packed_channels(g, variant);
  const bool summed = p.stages != SEPCONV_STAGES_DEPTHWISE;
  layout->panels = summed ? divide_up(p.out_channels, panel) : 1;
  const int64_t depthwise = saturating_multiply(layout->channels, g.taps);
  const int64_t pointwise_panel = summed ? saturating_multiply(layout->channels, panel) : 0;
  const int64_t pointwise = saturating_multiply(pointwise_panel, layout->panels);
  const int64_t out_bias = summed ? saturating_multiply(layout->panels, panel) : 0;

  // Parts in their order, each with its count of elements, their size, and where to note its offset.
  const int64_t element = dtype_size(p.weight_dtype), bias = bias_size(p.weight_dtype);
  const bool quantised = is_quantised(p.weight_dtype);
  constexpr int64_t scale_rows = 2, scale = sizeof(int32_t);
  const struct {
    int64_t count, size;
    size_t* offset;
  } parts[] = {{layout->channels, bias, &layout->mid_bias},
               {depthwise, element, &layout->depthwise},
               {pointwise, element, &layout->pointwise},
               {out_bias, bias, &layout->out_bias},
               {quantised ? saturating_multiply(scale_rows, layout->channels) : 0, scale, &layout->mid_scale},
               {quantised ? saturating_multiply(scale_rows, out_bias) : 0, scale, &layout->out_scale},
               {quantised ? 1 : 0, sizeof(QuantisedNumbers), &layout->numbers}};
  const int64_t alignment = static_cast<int64_t>(packed_alignment);
  int64_t size = sizeof(SealedHeader);
  for (const auto& part : parts) {
    *part.offset = static_cast<size_t>(size);
    size = saturating_add(size, round_up(saturating_multiply(part.count, part.size), alignment));
  }
  if (static_cast<uint64_t>(size) >= static_cast<uint64_t>(PTRDIFF_MAX)) {
    return fail_for(SEPCONV_INVALID_ARGUMENT, g, term_in_channels | term_multiplier | term_out_channels | term_taps,
                    "the byte count of the packed weights overflows");
  }
  layout->size = static_cast<size_t>(size);
  // The pointwise kernel is handed over a group of panels at a time, so only one panel has to fit.
  const struct {
    int64_t elements;
    unsigned terms;
    const char* excess;
  } parts_at_once[] = {{depthwise, term_in_channels | term_multiplier | term_taps,
                        "the depthwise kernel is too large for 32-bit indices"},
                       {pointwise_panel, term_in_channels | term_multiplier,
                        "the pointwise kernel's columns are too long for 32-bit indices"},
                       {p.out_channels, term_out_channels, "the output channels are too many for 32-bit indices"}};
  for (const auto& part : parts_at_once) {
    if (part.elements > INT32_MAX) return fail_for(SEPCONV_UNSUPPORTED, g, part.terms, part.excess);
  }

  const SumBlocks blocks =
      cut_sum(p.in_channels, p.depth_multiplier, lanes, variant.sum_block, is_quantised(p.weight_dtype));
  layout->sum_channels = blocks.channels;
  layout->sum_block = summed ? blocks.block : lanes * p.depth_multiplier;

  layout->header = {packed_magic, packed_version, packing_id_of(variant), weights_hash_of(g), layout->size, 0, 0, 0};
  return SEPCONV_OK;
}

sepconv_status pack_weights(const Geometry& g, const sepconv_variant& variant, const PackedLayout& layout,
                            const sepconv_weights& weights, void* packed) {
  memset(packed, 0, layout.size);
  switch (g.problem.weight_dtype) {
    case SEPCONV_DTYPE_F64:
      fill<double>(g, variant, layout, weights, 1, packed);
      break;
    case SEPCONV_DTYPE_F16:
      fill<uint16_t>(g, variant, layout, weights, 0x3c00, packed);
      break;
    case SEPCONV_DTYPE_BF16:
      fill<uint16_t>(g, variant, layout, weights, 0x3f80, packed);
      break;
    case SEPCONV_DTYPE_I8:
      if (sepconv_status status = pack_quantised(g, variant, layout, weights, packed)) return status;
      break;
    default:
      fill<float>(g, variant, layout, weights, 1, packed);
      break;
  }
  seal(layout.header, packed);
  return SEPCONV_OK;
}

sepconv_status check_header(const PackedLayout& layout, const void* packed, const char* name) {
  return check_header(packed_weights, layout.header, packed, name);
}

sepconv_status check_packed(const PackedLayout& layout, const void* packed, const char* name) {
  return check_sealed(packed_weights, layout.header, packed, name);
}

}  // namespace sepconv::internal
