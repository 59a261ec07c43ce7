// The choice of a cut: which axis, how many segments, how many panel groups.
#include <inttypes.h>

#include <initializer_list>

#include "error.h"
#include "integers.h"
#include "scratch.h"
#include "strip.h"

namespace sepconv::internal {
namespace {

// Everything the search below asks about.
struct Planner {
  const Geometry& g;
  const sepconv_variant& variant;
  const PackedLayout& packed;
  const CutLimits& limits;
  int64_t threads;

  bool fixed_input() const {
    for (int axis = 0; axis < g.rank; ++axis) {
      if (variant.in_extent[axis] != 0) return true;
    }
    return false;
  }

  // Variants with a fixed in_extent know the width of a row, so their strips keep it.
  int last_cut_axis() const { return g.rank > 1 && fixed_input() ? g.rank - 2 : g.rank - 1; }

  int64_t element() const { return dtype_size(g.problem.output_dtype); }

  // Output pixels inside one sample of the axis.
  int64_t inner_pixels(int cut_axis) const {
    int64_t pixels = 1;
    for (int axis = cut_axis + 1; axis < g.rank; ++axis) pixels *= g.out_extent[axis];
    return pixels;
  }

  int64_t outer_pixels(int cut_axis) const {
    int64_t pixels = 1;
    for (int axis = 0; axis < cut_axis; ++axis) pixels *= g.out_extent[axis];
    return pixels;
  }

  void box(int cut_axis, int64_t segment, int64_t extent[SEPCONV_MAX_SPATIAL_RANK]) const {
    for (int axis = 0; axis < SEPCONV_MAX_SPATIAL_RANK; ++axis) {
      extent[axis] = axis < cut_axis ? 1 : axis == cut_axis ? segment : g.out_extent[axis];
    }
  }

  // Samples of the image between the first and the last that `extent` outputs of an axis read, both included.
  int64_t span(int axis, int64_t extent) const {
    return saturating_add(saturating_multiply(extent - 1, g.stride[axis]), g.reach[axis]);
  }

  // Whether a variant can index everything that a strip touches: the slice of the input (by the addresses it spans),
  // the pixels of the output, coordinates with their padding, and the scratch.
  bool fits(int cut_axis, int64_t segment) const {
    int64_t extent[SEPCONV_MAX_SPATIAL_RANK];
    box(cut_axis, segment, extent);
    int64_t pixels = 1, last = 0;  // last: offset of the strip's last pixel in the output
    for (int axis = g.rank - 1; axis >= 0; --axis) {
      const bool whole = extent[axis] == g.out_extent[axis];
      const int64_t samples = whole ? g.in_extent[axis] : smaller(g.in_extent[axis], span(axis, extent[axis]));
      if (samples > 1 && saturating_multiply(samples, g.input_pitch.axis[axis]) > limits.indices) return false;
      if (saturating_add(span(axis, extent[axis]), g.stride[axis]) > limits.indices) return false;
      if (saturating_add(samples, g.pad_before[axis]) > limits.indices) return false;
      last = saturating_add(last, saturating_multiply(extent[axis] - 1, g.output_pitch.axis[axis]));
      pixels = saturating_multiply(pixels, extent[axis]);
    }
    if (channels_span(g.problem.in_channels, g.input_pitch) > limits.indices) return false;
    const int64_t computed = larger<int64_t>(pixels, variant.tile_pixels);
    if (saturating_multiply(computed, g.problem.out_channels) > limits.indices) return false;
    if (saturating_add(last, channels_span(g.problem.out_channels, g.output_pitch)) > limits.indices) return false;
    return scratch_bytes(g, variant, packed, extent, packed.panels) / element() <= limits.indices;
  }

  // Elements from the first to behind the last channel of a pixel.
  static int64_t channels_span(int64_t channels, const TensorPitch& pitch) {
    return saturating_add(saturating_multiply(channels - 1, pitch.channel), 1);
  }

  // Whether the whole image can be addressed in its own coordinates.
  bool image_fits() const {
    int64_t last = 0;  // offset of the image's last pixel
    for (int axis = 0; axis < g.rank; ++axis) {
      const int64_t end = larger(g.in_extent[axis], span(axis, g.out_extent[axis]));
      if (saturating_add(end, g.pad_before[axis] + g.stride[axis]) > limits.indices) return false;
      last = saturating_add(last, saturating_multiply(g.in_extent[axis] - 1, g.input_pitch.axis[axis]));
    }
    return saturating_add(last, channels_span(g.problem.in_channels, g.input_pitch)) <= limits.indices;
  }

  // Whether a strip is of the size we like: the variant's wish, or what keeps the scratch inside the cache.
  bool small_enough(int cut_axis, int64_t segment) const {
    if (!fits(cut_axis, segment)) return false;
    if (variant.strip_pixels > 0) {
      // A single row may be half as large again before it is worth cutting.
      const int64_t pixels = saturating_multiply(segment, inner_pixels(cut_axis));
      return pixels <= variant.strip_pixels ||
             (segment == 1 && pixels <= variant.strip_pixels + variant.strip_pixels / 2);
    }
    int64_t extent[SEPCONV_MAX_SPATIAL_RANK];
    box(cut_axis, segment, extent);
    return scratch_bytes(g, variant, packed, extent, packed.panels) <= limits.scratch_bytes;
  }

  // The largest segment in [1, length] that passes; 0 if none does. Both tests above grow with the segment.
  template <typename Test>
  int64_t largest(int64_t length, Test passes) const {
    int64_t low = 0, high = length;
    while (low < high) {
      const int64_t middle = low + (high - low + 1) / 2;
      if (passes(middle)) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  // A model of one task's time, in multiply-adds per intermediate channel: whole register tiles of the pointwise stage,
  // the depthwise taps, the staging of the input under the strip (about 8 a sample, halo included), the reading of the
  // weights (about 4 an output channel), and a constant for handing the task out (a few microseconds to another
  // thread).
  double task_cost(int cut_axis, int64_t segment, int64_t groups) const {
    int64_t extent[SEPCONV_MAX_SPATIAL_RANK];
    box(cut_axis, segment, extent);
    double staged = 1, convolved = 1;
    int64_t pixels = 1;
    for (int axis = 0; axis < g.rank; ++axis) {
      pixels *= extent[axis];
      convolved *=
          static_cast<double>(axis == g.rank - 2 ? round_up(extent[axis], variant.depthwise_rows) : extent[axis]);
      staged *= static_cast<double>(seen_samples(g, variant, axis, extent[axis]));
    }
    const double padded = static_cast<double>(round_up(pixels, variant.tile_pixels));
    const double channels = static_cast<double>(divide_up(packed.panels, groups) * variant.panel_channels);
    const double overhead = (threads > 1 ? 100e3 : 10e3) / static_cast<double>(packed.sum_channels);
    return (padded + 4) * channels + convolved * static_cast<double>(g.taps) + 8 * staged + overhead;
  }

  // The model's time of a whole run: rounds of tasks over the threads, and, with threads, an eighth of a task for the
  // wait at the end.
  double run_cost(int cut_axis, int64_t unit, int64_t segments, int64_t groups) const {
    const int64_t length = g.out_extent[cut_axis], units = divide_up(length, unit);
    const int64_t longer = units % segments;
    const double large = task_cost(cut_axis, smaller(divide_up(units, segments) * unit, length), groups);
    const double small = longer == 0 ? large : task_cost(cut_axis, units / segments * unit, groups);
    const double share = longer == 0 ? 1.0 : static_cast<double>(longer) / static_cast<double>(segments);
    const double mean = share * large + (1 - share) * small;
    const double tasks =
        static_cast<double>(images() * outer_pixels(cut_axis)) * static_cast<double>(segments * groups);
    if (threads == 1) return tasks * mean;
    const double rounds = tasks > 1e6 ? tasks / static_cast<double>(threads)
                                      : static_cast<double>(divide_up(static_cast<int64_t>(tasks), threads));
    return rounds * mean + 0.125 * large;
  }

  int64_t images() const { return larger<int64_t>(g.problem.batch, 1); }
};

// The axis to cut and the longest segment along it: whole images if they are small enough, else planes, rows, parts of
// rows.
sepconv_status choose_axis(const Planner& planner, int* cut_axis, int64_t* longest) {
  const Geometry& g = planner.g;
  const int last = planner.last_cut_axis();
  for (int axis = 0; axis <= last; ++axis) {
    *cut_axis = axis;
    *longest = planner.largest(g.out_extent[axis], [&](int64_t n) { return planner.small_enough(axis, n); });
    if (*longest > 0) return SEPCONV_OK;
  }
  // Not even one sample of the last axis is as small as we like; it still has to fit.
  *longest = 1;
  if (planner.fits(last, 1)) return SEPCONV_OK;
  return fail(
      SEPCONV_UNSUPPORTED,
      "the problem is too large for 32-bit indices even when it is cut into the smallest strips: in_channels %" PRId64
      ", out_channels %" PRId64 ", innermost input extent %" PRId64 ", kernel reach %" PRId64 " on it",
      g.problem.in_channels, g.problem.out_channels, g.in_extent[g.rank - 1], g.reach[g.rank - 1]);
}

// Whether single samples of an axis are shown less of the image than several.
bool better_alone(const Geometry& g, const sepconv_variant& variant, int axis) {
  return sample_step(g, variant, axis, 1) > sample_step(g, variant, axis, 2);
}

// The number of segments and groups with the best run_cost. Segments: from the fewest that are short enough, up to a
// few more in search of sizes that fill whole register tiles, or up to what threads can use, as long as a strip keeps
// 96 pixels; a variant that says how long its strips should be gets them so. Groups: for threads only, as each of them
// repeats the depthwise stage.
void choose_counts(const Planner& planner, int64_t longest, Cut* cut) {
  constexpr int64_t least_pixels = 96, tasks_per_thread = 8, most_tries = 24;
  const int axis = cut->cut_axis;
  const int64_t length = planner.g.out_extent[axis], units = divide_up(length, cut->unit);
  const int64_t fewest = longest == length ? 1 : divide_up(units, larger<int64_t>(longest / cut->unit, 1));
  const int64_t rows_of_tasks = saturating_multiply(planner.images(), planner.outer_pixels(axis));
  const int64_t enough = divide_up(tasks_per_thread * planner.threads, rows_of_tasks);  // segments * groups
  int64_t most = fewest;
  if (planner.threads > 1) {
    most = larger(enough, fewest + fewest / 4);
  } else if (planner.variant.strip_pixels == 0) {
    most = fewest + larger<int64_t>(fewest / 4, 4);
  }
  most = smaller(most, saturating_multiply(length, planner.inner_pixels(axis)) / least_pixels);
  most = clamped(most, fewest, units);
  const int64_t step = larger<int64_t>((most - fewest) / most_tries, 1);
  double best = 0;
  cut->segments = 0;
  const auto consider = [&](int64_t segments) {
    int64_t most_groups = planner.threads > 1 ? divide_up(enough, segments) : 1;
    most_groups = smaller(most_groups, planner.packed.panels);
    for (int64_t groups = 1; groups <= most_groups; groups += larger<int64_t>(groups / 4, 1)) {
      const double cost = planner.run_cost(axis, cut->unit, segments, groups);
      if (cut->segments != 0 && cost >= best) continue;
      best = cost;
      cut->segments = segments;
      cut->groups = groups;
    }
  };
  for (int64_t segments = fewest; segments <= most; segments += step) consider(segments);
  if (better_alone(planner.g, planner.variant, axis)) consider(length);  // single rows, whatever their number
}

// More groups, if the pointwise kernel of one would overrun the indices.
void bound_groups(const Planner& planner, Cut* cut) {
  if (planner.variant.stages == SEPCONV_STAGES_DEPTHWISE) return;
  const int64_t panel_elements = planner.packed.channels * planner.variant.panel_channels;
  const int64_t panels_at_once = larger<int64_t>(planner.limits.indices / panel_elements, 1);
  cut->groups = larger(cut->groups, divide_up(planner.packed.panels, panels_at_once));
}

}  // namespace

void measure_cut(const Geometry& g, const sepconv_variant& variant, const PackedLayout& packed, const Strip& largest,
                 const Strip& smallest, Cut* cut) {
  const int64_t group_panels = divide_up(packed.panels, cut->groups), element = dtype_size(g.problem.output_dtype);
  const bool summed = variant.stages != SEPCONV_STAGES_DEPTHWISE;
  const int64_t group_outputs = summed ? group_panels * variant.panel_channels : g.problem.out_channels;
  cut->arena_bytes = round_up(scratch_bytes(g, variant, packed, largest.extent, group_panels), scratch_alignment);
  cut->tile_bytes = cut->residual_bytes = cut->zero_bytes = 0;
  int64_t step, pixels = 0;  // of the largest strip that cannot be written in its place
  for (const Strip* strip : {&smallest, &largest}) {
    if (!writes_in_place(g, variant, *strip, &step)) pixels = larger<int64_t>(strip->pixels, variant.tile_pixels);
  }
  if (pixels > 0) {
    const int64_t elements = saturating_multiply(pixels, group_outputs);
    cut->tile_bytes = round_up(saturating_multiply(elements, element), scratch_alignment);
    if (g.problem.has_residual) cut->residual_bytes = cut->tile_bytes;
  }
  if (summed && !g.problem.has_residual) {
    const bool channels_first = g.problem.layout == SEPCONV_LAYOUT_CHANNELS_FIRST;
    const int64_t dense = channels_first ? larger<int64_t>(largest.pixels, variant.tile_pixels) : group_outputs;
    cut->zero_bytes = round_up(element * dense, scratch_alignment);
  }
  cut->worker_bytes = saturating_add(cut->arena_bytes, saturating_add(cut->tile_bytes, cut->residual_bytes));
}

sepconv_status cut_image(const Geometry& g, const sepconv_variant& variant, const PackedLayout& packed, int threads,
                         const CutLimits& limits, Cut* cut) {
  const Planner planner{g, variant, packed, limits, threads};
  int64_t longest = 0;
  if (sepconv_status status = choose_axis(planner, &cut->cut_axis, &longest)) return status;
  const int axis = cut->cut_axis;
  // Parts of a row, and of a plane, end at whole register tiles.
  const bool whole_rows = axis == g.rank - 2 && !better_alone(g, variant, axis);
  const int64_t tile = axis == g.rank - 1 ? variant.tile_pixels : whole_rows ? variant.depthwise_rows : 1;
  cut->unit = longest >= tile ? tile : 1;
  choose_counts(planner, longest, cut);
  bound_groups(planner, cut);
  cut->strips = planner.outer_pixels(axis) * cut->segments;
  cut->tasks = saturating_multiply(cut->strips, cut->groups);
  cut->whole_row_input = planner.fixed_input();
  cut->local_coordinates = !planner.image_fits();
  if (cut->local_coordinates && cut->whole_row_input) {
    return fail(SEPCONV_UNSUPPORTED, "variant %s has a fixed input extent that is too large for 32-bit indices",
                variant.name);
  }

  // The largest strip is the first; the smallest is the last, or the one before it.
  measure_cut(g, variant, packed, strip_at(g, variant, *cut, 0), strip_at(g, variant, *cut, cut->segments - 1), cut);
  if (saturating_multiply(cut->worker_bytes, threads) >= PTRDIFF_MAX || cut->tasks == too_large) {
    return fail(SEPCONV_UNSUPPORTED, "the workspace of %d threads, %" PRId64 " bytes each, is too large", threads,
                cut->worker_bytes);
  }
  return SEPCONV_OK;
}

}  // namespace sepconv::internal
