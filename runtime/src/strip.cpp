#include "strip.h"

#include <numeric>

#include "integers.h"
#include "scratch.h"

namespace sepconv::internal {

int64_t sample_step(const Geometry& g, const sepconv_variant& variant, int axis, int64_t extent) {
  const bool x = axis == g.rank - 1;
  if (extent == 1 && !x && variant.dilation[axis] != 1) return g.dilation[axis];
  if (x && g.problem.layout == SEPCONV_LAYOUT_CHANNELS_FIRST) return 1;
  if (variant.stride[axis] != 0 || variant.dilation[axis] != 0) return 1;
  for (int a = 0; a < g.rank; ++a) {
    if (variant.in_extent[a] != 0) return 1;
  }
  return std::gcd(g.stride[axis], g.problem.kernel_extent[axis] == 1 ? int64_t{0} : g.dilation[axis]);
}

int64_t seen_samples(const Geometry& g, const sepconv_variant& variant, int axis, int64_t extent) {
  const int64_t span = saturating_add(saturating_multiply(extent - 1, g.stride[axis]), g.reach[axis]);
  return (span - 1) / sample_step(g, variant, axis, extent) + 1;
}

namespace {

// The taps between the first and the last that read a sample of the image, for outputs whose first tap reads from
// `begin` to `last`; where all of them lie in the padding, one of those.
Part taps_inside(const Geometry& g, int axis, int64_t begin, int64_t last) {
  const int64_t taps = g.problem.kernel_extent[axis], dilation = g.dilation[axis], n = g.in_extent[axis];
  const int64_t first = last >= 0 ? 0 : divide_up(-last, dilation);
  const int64_t end = begin >= n ? 0 : smaller(taps, divide_up(n - begin, dilation));
  return first < end ? Part{first, end - first} : Part{0, 1};
}

}  // namespace

double reads_per_sample(const Geometry& g, const sepconv_variant& variant) {
  auto reads = static_cast<double>(g.problem.depth_multiplier);
  for (int axis = 0; axis < g.rank; ++axis) {
    const int64_t outputs = g.out_extent[axis], begin = -g.pad_before[axis];
    const int64_t taps = taps_inside(g, axis, begin, begin + (outputs - 1) * g.stride[axis]).length;
    const int64_t span = saturating_add(saturating_multiply(outputs - 1, g.stride[axis]),
                                        saturating_multiply(taps - 1, g.dilation[axis]));
    const int64_t samples = span / sample_step(g, variant, axis, outputs) + 1;
    reads *= static_cast<double>(outputs) * static_cast<double>(taps) / static_cast<double>(samples);
  }
  return reads;
}

namespace {

// The staged input of one chunk, zero-padded: the samples under the strip; along x the strip's width is rounded up to
// whole depthwise tiles. [(z, y,) x, chunk_channels]
int64_t staged_elements(const Geometry& g, const sepconv_variant& variant, const int64_t* extent) {
  int64_t staged = variant.chunk_channels;
  for (int axis = 0; axis < g.rank; ++axis) {
    const int64_t outputs =
        axis == g.rank - 1 ? saturating_add(extent[axis], variant.depthwise_tile - 1) : extent[axis];
    staged = saturating_multiply(staged, seen_samples(g, variant, axis, outputs));
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
    staged = saturating_multiply(staged, seen_samples(g, variant, axis, outputs));
  }
  // Two integers for each tap along x, for each of two blocks of the sum.
  const int64_t tables = saturating_multiply(4, g.problem.kernel_extent[x]);
  return saturating_add(saturating_add(staged, tables), saturating_add(line, variant.depthwise_tile));
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
  // All may be live at once; each takes a record, a rounding and a guard of the arena.
  const int64_t elements = saturating_add(staged, saturating_add(d, c));
  return saturating_add(saturating_multiply(elements, dtype_size(g.problem.mid_dtype)), 8 * arena_overhead);
}

void adopt_fixed_steps(const sepconv_variant& variant, Geometry* g) {
  for (int axis = 0; axis < g->rank; ++axis) {
    if (variant.stride[axis] != 0) g->stride[axis] = variant.stride[axis];
    if (variant.dilation[axis] != 0) g->dilation[axis] = variant.dilation[axis];
  }
}

bool writes_in_place(const Geometry& g, const sepconv_variant& variant, const Strip& strip, int64_t* step) {
  const bool channels_last = g.problem.layout == SEPCONV_LAYOUT_CHANNELS_LAST;
  *step = channels_last ? g.output_pitch.axis[g.rank - 1] : 1;
  int64_t inside = 0;  // elements from the first to behind the last pixel of the axes inside; 0: none has two pixels
  for (int axis = g.rank - 1; axis >= 0; --axis) {
    if (strip.extent[axis] == 1) continue;
    const int64_t pitch = g.output_pitch.axis[axis];
    if (inside == 0 && channels_last) {
      *step = pitch;
    } else if (pitch != (inside == 0 ? 1 : inside)) {
      return false;
    }
    inside = pitch * strip.extent[axis];
  }
  return strip.pixels >= variant.tile_pixels;
}

Strip strip_at(const Geometry& g, const sepconv_variant& variant, const Cut& cut, int64_t index) {
  Strip strip;
  const Part part = part_of(g.out_extent[cut.cut_axis], cut.unit, cut.segments, index % cut.segments);
  int64_t outer = index / cut.segments;
  strip.pixels = 1;
  for (int axis = cut.cut_axis - 1; axis >= 0; --axis) {
    strip.min[axis] = outer % g.out_extent[axis];
    strip.extent[axis] = 1;
    outer /= g.out_extent[axis];
  }
  strip.min[cut.cut_axis] = part.begin;
  strip.extent[cut.cut_axis] = part.length;
  for (int axis = cut.cut_axis + 1; axis < SEPCONV_MAX_SPATIAL_RANK; ++axis) {
    strip.min[axis] = 0;
    strip.extent[axis] = g.out_extent[axis];
  }
  for (int axis = 0; axis < SEPCONV_MAX_SPATIAL_RANK; ++axis) {
    const int64_t extent = strip.extent[axis], n = g.in_extent[axis];
    strip.pixels *= extent;
    const int64_t step = strip.in_step[axis] = sample_step(g, variant, axis, extent);
    // The sample that the first output's first tap reads, if it is one.
    const int64_t begin = strip.min[axis] * g.stride[axis] - g.pad_before[axis];
    if (step > 1) {
      const int64_t seen = seen_samples(g, variant, axis, extent);
      const int64_t first = begin >= 0 ? 0 : divide_up(-begin, step);
      const int64_t end = begin >= n ? 0 : smaller(seen, divide_up(n - begin, step));
      // Where all that is seen is padding, the slice is a sample behind it that no tap reads.
      strip.before[axis] = first < end ? first : seen;
      strip.in_min[axis] = first < end ? begin + first * step : 0;
      strip.in_extent[axis] = first < end ? end - first : 1;
    } else if (extent == g.out_extent[axis] || (cut.whole_row_input && axis == g.rank - 1)) {
      strip.before[axis] = 0;
      strip.in_min[axis] = 0;
      strip.in_extent[axis] = n;
    } else {
      // A strip whose taps all lie in the padding gets the nearest sample: a slice is never empty.
      const int64_t end = begin + (extent - 1) * g.stride[axis] + g.reach[axis];
      strip.before[axis] = 0;
      strip.in_min[axis] = clamped(begin, 0, n - 1);
      strip.in_extent[axis] = clamped(end, strip.in_min[axis] + 1, n) - strip.in_min[axis];
    }
    const Part taps = variant.kernel_extent[axis] != 0
                          ? Part{0, variant.kernel_extent[axis]}
                          : taps_inside(g, axis, begin, begin + (extent - 1) * g.stride[axis]);
    strip.first_tap[axis] = taps.begin;
    strip.taps[axis] = taps.length;
  }
  return strip;
}

Part samples_ahead(const Geometry& g, const Cut& cut, const Strip& strip, const Strip& next) {
  constexpr int64_t most_bytes = 512 * 1024;
  // Less than this lies in the last-level cache, where the hardware's own prefetching is enough.
  constexpr int64_t near_bytes = 8 << 20;
  const int64_t image = saturating_add(saturating_multiply(g.input_pitch.image, dtype_size(g.problem.input_dtype)),
                                       saturating_multiply(g.output_pitch.image, dtype_size(g.problem.output_dtype)));
  if (saturating_multiply(image, g.problem.batch) <= near_bytes) return {0, 0};
  if (cut.cut_axis != 0 || next.in_step[0] > 1 || g.problem.layout == SEPCONV_LAYOUT_CHANNELS_FIRST) return {0, 0};
  const int64_t begin = larger(next.in_min[0], strip.in_min[0] + strip.in_extent[0]);
  const int64_t end = next.in_min[0] + next.in_extent[0];
  const int64_t sample = saturating_multiply(g.input_pitch.axis[0], dtype_size(g.problem.input_dtype));
  if (end <= begin || end - begin > most_bytes / sample) return {0, 0};
  return {begin, end - begin};
}

}  // namespace sepconv::internal
