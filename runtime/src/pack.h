// The packed weights: where each part lies, the header in front of them, and the copy that fills them.
//
//   header      64 bytes      SealedHeader; a run checks it, and nothing behind it
//   mid_bias    [k]           packed channels; zeros where the problem has none
//   depthwise   [q, (z, y,) x, lane]      outermost first; lane < chunk_channels
//   pointwise   [panel, k, lane]          lane < panel_channels
//   out_bias    [panel * panel_channels]
//
// Of int8, whose biases are int32, with what the zero points add to the sums; channels whose products are summed
// together are neighbours in the pointwise kernel, [panel, k / dot_group, lane, k % dot_group]; and then
//
//   mid_scale   [row, k]                  row < 2
//   out_scale   [row, panel * panel_channels]
//   numbers     QuantisedNumbers
//
// Every part begins at a multiple of 64 bytes, and the gaps and the channels past C and F are zeros. The packed channel
// order is that of variant_table.h: q = (c / L) * M + m and k = q * L + c % L, with L = chunk_channels.
#ifndef SEPCONV_SRC_PACK_H
#define SEPCONV_SRC_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "problem.h"
#include "sealed.h"
#include "sepconv/variant_table.h"

namespace sepconv::internal {

inline constexpr size_t packed_alignment = 64;

// Everything about one plan's packed weights. Counts are in elements, offsets and size in bytes.
struct PackedLayout {
  int64_t chunks;        // Q = ceil(C / L) * M
  int64_t channels;      // Q * L, the extent of k
  int64_t panels;        // ceil(F / panel_channels); 1 without a pointwise stage
  int64_t sum_channels;  // K that a run sums over: 4 * ceil(C / 4) where M = 1, else all of `channels`
  int64_t sum_block;     // how many of them at a time: the variant's, evened out over the blocks; a multiple of L * M
  size_t mid_bias, depthwise, pointwise, out_bias;
  size_t mid_scale, out_scale, numbers;  // of int8 only
  size_t size;
  SealedHeader header;  // with a checksum of 0, which is not known before the weights
};

// Q and Q * L of PackedLayout; saturating.
int64_t packed_chunks(const Geometry& geometry, const sepconv_variant& variant);
int64_t packed_channels(const Geometry& geometry, const sepconv_variant& variant);

// Hash of (rank, dtypes, chunk_channels, panel_channels): variants with the same one read the same packed weights.
uint64_t packing_id_of(const sepconv_variant& variant);

// Hash of the problem as far as the weights know it: rank, stages, dtypes, C, M, F, kernel extents, biases. Not batch,
// image size, stride, dilation, padding or activations.
uint64_t weights_hash_of(const Geometry& geometry);

// Errors: SEPCONV_INVALID_ARGUMENT if the size overflows; SEPCONV_UNSUPPORTED if a part is too large for the variant's
// 32-bit indices.
sepconv_status lay_out_packed(const Geometry& geometry, const sepconv_variant& variant, PackedLayout* layout);

// Fills `packed` (layout.size bytes, 64-byte aligned). Weights that the problem does not have are NULL; a depthwise
// kernel that is missing is a tap of 1. Errors: those of pack_quantised; then there are zeros.
sepconv_status pack_weights(const Geometry& geometry, const sepconv_variant& variant, const PackedLayout& layout,
                            const sepconv_weights& weights, void* packed);

// SEPCONV_BAD_PACKED, in a sentence that says what is wrong, unless the header is the one the layout asks for. `name`
// is what the caller's function calls the packed weights.
sepconv_status check_header(const PackedLayout& layout, const void* packed, const char* name);

// The same, and that the weights behind the header have its checksum.
sepconv_status check_packed(const PackedLayout& layout, const void* packed, const char* name);

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_PACK_H
