// How much scratch a task takes.
#include "cut.h"
#include "integers.h"
#include "scratch.h"
#include "strip.h"

namespace sepconv::internal {
namespace {

// The staged input of one chunk, zero-padded: the samples under the strip; along x the strip's width is rounded up to
// whole depthwise tiles. [(z, y,) x, chunk_channels]
int64_t staged_elements(const Geometry& g, const sepconv_variant& variant, const int64_t* extent) {
  int64_t staged = variant.chunk_channels;
  for (int axis = 0; axis < g.rank; ++axis) {
    const int64_t outputs =
        axis == g.rank - 1 ? saturating_add(extent[axis], variant.depthwise_tile - 1) : extent[axis];
    staged = saturating_multiply(staged, seen_samples(g, variant, axis, extent[axis], outputs));
  }
  return staged;
}

// With channels first, of one channel: the samples cut into the phases of the stride [(z, y,) phase, x], and a row of
// them before. Along x whole depthwise tiles, and two more because vectors may run over.
int64_t staged_elements_channels_first(const Geometry& g, const sepconv_variant& variant, const int64_t* extent) {
  const int x = g.rank - 1;
  const int64_t wide = saturating_add(round_up(extent[x], variant.depthwise_tile), (g.reach[x] - 1) / g.stride[x] + 1);
  const int64_t line = saturating_multiply(saturating_add(wide, 2 * int64_t{variant.depthwise_tile}), g.stride[x]);
  int64_t staged = line;
  for (int axis = 0; axis < x; ++axis) {
    const int64_t outputs = axis == x - 1 ? larger<int64_t>(extent[axis], variant.depthwise_rows) : extent[axis];
    staged = saturating_multiply(staged, seen_samples(g, variant, axis, extent[axis], outputs));
  }
  // Two integers for each tap along x, for each of two blocks of the sum.
  const int64_t tables = saturating_multiply(4, g.problem.kernel_extent[x]);
  return saturating_add(saturating_add(staged, tables), saturating_add(line, variant.depthwise_tile));
}

// Bytes of one element of scratch, at most: what is computed with integers of 8 bits is float32 or int32.
int64_t scratch_element(const Geometry& g) {
  return is_quantised(g.problem.mid_dtype) ? 4 : dtype_size(g.problem.mid_dtype);
}

}  // namespace

int64_t scratch_bytes(const Geometry& g, const sepconv_variant& variant, const PackedLayout& packed,
                      const int64_t extent[SEPCONV_MAX_SPATIAL_RANK], int64_t panels) {
  int64_t pixels = 1, computed = 1;  // those of the strip; with the rows of a depthwise tile that it does not have
  for (int axis = 0; axis < g.rank; ++axis) {
    pixels = saturating_multiply(pixels, extent[axis]);
    const bool y = axis == g.rank - 2;
    computed = saturating_multiply(computed, y ? larger<int64_t>(extent[axis], variant.depthwise_rows) : extent[axis]);
  }
  // 1. The staged input, in one block or, with channels first, in two.
  const int64_t staged = variant.layout == SEPCONV_LAYOUT_CHANNELS_FIRST
                             ? staged_elements_channels_first(g, variant, extent)
                             : staged_elements(g, variant, extent);
  // 2. D, the depthwise stage's result for one block of the sum: flat pixels, the last register tile of either stage
  //    whole. [pixel, sum_block]
  const int64_t d = saturating_multiply(saturating_add(computed, int64_t{variant.tile_pixels} + variant.depthwise_tile),
                                        packed.sum_block);
  // 3. C, the partial sums of the pointwise stage, where the sum takes more than one block: whole tiles of whole
  //    panels. [panel, pixel, panel_channels]
  int64_t c = 0;
  if (packed.sum_channels > packed.sum_block && variant.stages != SEPCONV_STAGES_DEPTHWISE) {
    c = saturating_multiply(round_up(pixels, variant.tile_pixels), saturating_multiply(panels, variant.panel_channels));
  }
  // 4. Weights of 16 or 8 bits as what they are multiplied as, float32 or int16: of a chunk of the depthwise kernel
  //    [m, (z, y,) x, chunk_channels], and of a panel of the block [k, panel_channels].
  int64_t weights = 0;
  if (is_half(g.problem.weight_dtype) || is_quantised(g.problem.weight_dtype)) {
    weights = saturating_add(
        saturating_multiply(saturating_multiply(variant.chunk_channels, g.problem.depth_multiplier), g.taps),
        saturating_multiply(packed.sum_block, variant.panel_channels));
  }
  // All may be live at once; each takes a record, a rounding and a guard of the arena.
  const int64_t elements = saturating_add(saturating_add(staged, weights), saturating_add(d, c));
  return saturating_add(saturating_multiply(elements, scratch_element(g)), 12 * arena_overhead);
}

}  // namespace sepconv::internal
