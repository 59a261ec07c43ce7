#include "strip.h"

#include <numeric>

#include "integers.h"

namespace sepconv::internal {

int64_t sample_step(const Geometry& g, const sepconv_variant& variant, int axis, int64_t extent) {
  const bool x = axis == g.rank - 1;
  bool fixed_image = false;  // then rows are shown whole
  for (int a = 0; a < g.rank; ++a) fixed_image = fixed_image || variant.in_extent[a] != 0;
  if (x && (fixed_image || g.problem.layout == SEPCONV_LAYOUT_CHANNELS_FIRST)) return 1;
  if (extent == 1 && variant.dilation[axis] != 1) return g.dilation[axis];
  if (fixed_image || g.stride[axis] == 1 || variant.stride[axis] != 0 || variant.dilation[axis] != 0) return 1;
  return std::gcd(g.stride[axis], g.problem.kernel_extent[axis] == 1 ? int64_t{0} : g.dilation[axis]);
}

namespace {

// The steps between the samples that are shown, every step-th of the image, under `extent` outputs.
int64_t shown_stride(const Geometry& g, const sepconv_variant& variant, int axis, int64_t extent, int64_t step) {
  return effective_step(larger<int64_t>(g.stride[axis] / step, 1), extent, variant.stride[axis]);
}

int64_t shown_dilation(const Geometry& g, int axis, int64_t step) {
  return larger<int64_t>(g.dilation[axis] / step, 1);
}

}  // namespace

int64_t seen_samples(const Geometry& g, const sepconv_variant& variant, int axis, int64_t extent, int64_t outputs) {
  const int64_t step = sample_step(g, variant, axis, extent);
  const int64_t span = saturating_multiply(outputs - 1, shown_stride(g, variant, axis, extent, step));
  const int64_t taps = g.problem.kernel_extent[axis];
  return saturating_add(span, saturating_multiply(taps - 1, shown_dilation(g, axis, step)) + 1);
}

Part taps_inside(const Geometry& g, int axis, int64_t begin, int64_t last) {
  const int64_t taps = g.problem.kernel_extent[axis], dilation = g.dilation[axis], n = g.in_extent[axis];
  const int64_t first = last >= 0 ? 0 : divide_up(-last, dilation);
  const int64_t end = begin >= n ? 0 : smaller(taps, divide_up(n - begin, dilation));
  return first < end ? Part{first, end - first} : Part{0, 0};
}

double reads_per_sample(const Geometry& g, const sepconv_variant& variant) {
  auto reads = static_cast<double>(g.problem.depth_multiplier);
  for (int axis = 0; axis < g.rank; ++axis) {
    const int64_t outputs = g.out_extent[axis], begin = -g.pad_before[axis];
    const int64_t inside = taps_inside(g, axis, begin, begin + (outputs - 1) * g.stride[axis]).length;
    const int64_t taps = larger<int64_t>(inside, 1);
    const int64_t span = saturating_add(saturating_multiply(outputs - 1, g.stride[axis]),
                                        saturating_multiply(taps - 1, g.dilation[axis]));
    const int64_t samples = span / sample_step(g, variant, axis, outputs) + 1;
    reads *= static_cast<double>(outputs) * static_cast<double>(taps) / static_cast<double>(samples);
  }
  return reads;
}

void adopt_fixed_steps(const sepconv_variant& variant, Geometry* g) {
  for (int axis = 0; axis < g->rank; ++axis) {
    g->stride[axis] = effective_step(g->problem.stride[axis], g->out_extent[axis], variant.stride[axis]);
    g->dilation[axis] =
        effective_step(g->problem.dilation[axis], g->problem.kernel_extent[axis], variant.dilation[axis]);
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

namespace {

// The output pixels of strip `index`.
void set_pixels(const Geometry& g, const Cut& cut, int64_t index, Strip* strip) {
  const Part part = part_of(g.out_extent[cut.cut_axis], cut.unit, cut.segments, index % cut.segments);
  int64_t outer = index / cut.segments;
  for (int axis = cut.cut_axis - 1; axis >= 0; --axis) {
    strip->min[axis] = outer % g.out_extent[axis];
    strip->extent[axis] = 1;
    outer /= g.out_extent[axis];
  }
  strip->min[cut.cut_axis] = part.begin;
  strip->extent[cut.cut_axis] = part.length;
  for (int axis = cut.cut_axis + 1; axis < SEPCONV_MAX_SPATIAL_RANK; ++axis) {
    strip->min[axis] = 0;
    strip->extent[axis] = g.out_extent[axis];
  }
  strip->pixels = 1;
  for (int64_t extent : strip->extent) strip->pixels *= extent;
}

// The slice of one axis of which every sample is shown. `begin` is the sample that the first output's first tap reads,
// if it is one.
void set_slice(const Geometry& g, const sepconv_variant& variant, const Cut& cut, int axis, int64_t begin,
               Strip* strip) {
  const int64_t extent = strip->extent[axis], n = g.in_extent[axis];
  strip->stride[axis] = shown_stride(g, variant, axis, extent, 1);
  strip->dilation[axis] = shown_dilation(g, axis, 1);
  if (strip->stride[axis] != g.stride[axis]) strip->of_its_own[axis] = true;  // of one output, whose place it told
  if ((extent == g.out_extent[axis] && !cut.gathers) || (cut.whole_row_input && axis == g.rank - 1)) {
    strip->in_min[axis] = 0;
    strip->in_extent[axis] = n;
  } else {
    // A strip whose taps all lie in the padding gets the nearest sample: a slice is never empty.
    const int64_t end = begin + (extent - 1) * g.stride[axis] + g.reach[axis];
    strip->in_min[axis] = clamped(begin, 0, n - 1);
    strip->in_extent[axis] = clamped(end, strip->in_min[axis] + 1, n) - strip->in_min[axis];
  }
  strip->pad_before[axis] = strip->in_min[axis] - begin;
  const int64_t first = begin + strip->first_tap[axis] * g.dilation[axis];
  const int64_t seen = (extent - 1) * g.stride[axis] + (strip->taps[axis] - 1) * g.dilation[axis] + 1;
  if (first + seen > 0 && first < n) return;
  // All that is seen is padding. The slice is put right behind it, where no tap reads: a variant with channels first
  // holds all samples from the first that a tap reads to the slice.
  strip->pad_before[axis] = first - begin + seen;
  strip->of_its_own[axis] = true;
}

// The same where only every step-th sample is shown.
void set_stepped_slice(const Geometry& g, const sepconv_variant& variant, int axis, int64_t begin, Strip* strip) {
  const int64_t step = strip->in_step[axis], extent = strip->extent[axis], n = g.in_extent[axis];
  strip->stride[axis] = shown_stride(g, variant, axis, extent, step);
  strip->dilation[axis] = shown_dilation(g, axis, step);
  const int64_t seen = seen_samples(g, variant, axis, extent, extent);
  const int64_t first = begin >= 0 ? 0 : divide_up(-begin, step);
  const int64_t end = begin >= n ? 0 : smaller(seen, divide_up(n - begin, step));
  // Where all that is seen is padding, the slice is a sample behind it that no tap reads.
  strip->pad_before[axis] = first < end ? first : seen;
  strip->in_min[axis] = first < end ? begin + first * step : 0;
  strip->in_extent[axis] = first < end ? end - first : 1;
}

}  // namespace

Strip strip_at(const Geometry& g, const sepconv_variant& variant, const Cut& cut, int64_t index) {
  Strip strip;
  set_pixels(g, cut, index, &strip);
  for (int axis = 0; axis < SEPCONV_MAX_SPATIAL_RANK; ++axis) {
    const int64_t extent = strip.extent[axis];
    const int64_t begin = strip.min[axis] * g.stride[axis] - g.pad_before[axis];
    const Part taps = variant.kernel_extent[axis] != 0
                          ? Part{0, variant.kernel_extent[axis]}
                          : taps_inside(g, axis, begin, begin + (extent - 1) * g.stride[axis]);
    strip.first_tap[axis] = taps.begin;
    strip.taps[axis] = larger<int64_t>(taps.length, 1);
    strip.in_step[axis] = cut.gathers && axis == g.rank - 1 ? 1 : sample_step(g, variant, axis, extent);
    strip.of_its_own[axis] = strip.in_step[axis] > 1 || cut.local_coordinates;
    if (strip.in_step[axis] > 1) {
      set_stepped_slice(g, variant, axis, begin, &strip);
    } else {
      set_slice(g, variant, cut, axis, begin, &strip);
    }
  }
  return strip;
}

Part samples_ahead(const Geometry& g, const Cut& cut, const Strip& strip, const Strip& next) {
  constexpr int64_t most_bytes = 512 * 1024;
  // Less than this lies in the last-level cache, where the hardware's own prefetching is enough.
  constexpr int64_t cached_bytes = 8 << 20;
  const int64_t image = saturating_add(saturating_multiply(g.input_pitch.image, dtype_size(g.problem.input_dtype)),
                                       saturating_multiply(g.output_pitch.image, dtype_size(g.problem.output_dtype)));
  if (saturating_multiply(image, g.problem.batch) <= cached_bytes) return {0, 0};
  if (cut.cut_axis != 0 || next.in_step[0] > 1 || g.problem.layout == SEPCONV_LAYOUT_CHANNELS_FIRST) return {0, 0};
  const int64_t begin = larger(next.in_min[0], strip.in_min[0] + strip.in_extent[0]);
  const int64_t end = next.in_min[0] + next.in_extent[0];
  const int64_t sample = saturating_multiply(g.input_pitch.axis[0], dtype_size(g.problem.input_dtype));
  if (end <= begin || end - begin > most_bytes / sample) return {0, 0};
  return {begin, end - begin};
}

}  // namespace sepconv::internal
