// The choice of a cut: which axis, how many segments, how many panel groups.
#include <inttypes.h>
#include <stdio.h>

#include <initializer_list>

#include "cut.h"
#include "cut_planner.h"
#include "error.h"
#include "gather.h"
#include "integers.h"
#include "scratch.h"
#include "strip.h"
#include "terms.h"

namespace sepconv::internal {
namespace {

// The longest segment in [1, length] that passes; 0 if none does. What passes for a segment passes for shorter ones.
template <typename Test>
int64_t longest_segment(int64_t length, Test passes) {
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

// The axis to cut and the longest segment along it.
struct Choice {
  int axis;
  int64_t longest;
};

// Whole images if they are small enough, else planes, rows, parts of rows. `first` is the outermost axis to try. Where
// not even one sample of the last axis is small enough, it is one sample; it still has to fit.
bool choose_small(const Planner& planner, int first, Choice* choice) {
  const Geometry& g = planner.g;
  const int last = planner.last_cut_axis();
  for (int axis = first; axis <= last; ++axis) {
    const int64_t longest =
        longest_segment(g.out_extent[axis], [&](int64_t n) { return planner.small_enough(axis, n); });
    *choice = {axis, longest};
    if (longest > 0) return true;
  }
  *choice = {last, 1};
  return planner.fits(last, 1);
}

// Of the fewest segments, or of one a thread.
double cost_of(const Planner& planner, const Choice& choice) {
  const int64_t length = planner.g.out_extent[choice.axis], fewest = divide_up(length, choice.longest);
  const int64_t shared = smaller(length, larger(fewest, planner.threads));
  return smaller(planner.run_cost(choice.axis, 1, fewest, 1), planner.run_cost(choice.axis, 1, shared, 1));
}

// The same where small strips would stage far more than is read: strips longer than a cache likes have a smaller part
// in common with their neighbours, single samples of an axis may be shown only what their taps read.
void choose_large(const Planner& planner, Choice* choice) {
  double best = cost_of(planner, *choice);
  for (int axis = 0; axis <= planner.last_cut_axis(); ++axis) {
    const int64_t length = planner.g.out_extent[axis];
    const auto consider = [&](int64_t longest) {
      const Choice other = {axis, longest};
      if (!planner.fits(axis, longest)) return;
      const double cost = cost_of(planner, other);
      if (cost >= best) return;
      best = cost;
      *choice = other;
    };
    for (int64_t longest = 1; longest < length; longest *= 2) consider(longest);
    consider(length);
  }
}

// Why not even the smallest strips fit.
sepconv_status too_large_to_cut(const Planner& planner) {
  const Planner::Misfit misfit = planner.misfit(planner.last_cut_axis(), 1);
  char what[160];
  snprintf(what, sizeof what, "%s for 32-bit indices, even when the problem is cut into the smallest strips",
           misfit.what);
  return fail_for(SEPCONV_UNSUPPORTED, planner.g, misfit.terms, what);
}

// Whether single samples of an axis are shown less of the image than several.
bool better_alone(const Geometry& g, const sepconv_variant& variant, int axis) {
  return sample_step(g, variant, axis, 1) > sample_step(g, variant, axis, 2);
}

// How many segments are worth a try: a few more than the fewest that are short enough, in search of sizes that fill
// whole register tiles, or, with threads, as many as `enough` for all of them. A strip keeps 96 pixels: for fewer, what
// a task costs besides them is no longer small. A variant that says how long its strips should be gets them so.
int64_t most_segments(const Planner& planner, int axis, int64_t fewest, int64_t enough) {
  constexpr int64_t least_pixels = 96;
  int64_t most = fewest;
  if (planner.threads > 1) {
    most = larger(enough, fewest + fewest / 4);
  } else if (planner.variant.strip_pixels == 0) {
    most = fewest + larger<int64_t>(fewest / 4, 4);
  }
  return smaller(most, saturating_multiply(planner.g.out_extent[axis], planner.inner_pixels(axis)) / least_pixels);
}

// The number of segments and groups with the best run_cost. Groups are for threads only, as each of them repeats the
// depthwise stage.
void choose_counts(const Planner& planner, int64_t longest, Cut* cut) {
  constexpr int64_t tasks_per_thread = 8;  // so that the last ones even out what the others took
  constexpr int64_t most_tries = 24;
  const int axis = cut->cut_axis;
  const int64_t length = planner.g.out_extent[axis], units = divide_up(length, cut->unit);
  const int64_t fewest = longest == length ? 1 : divide_up(units, larger<int64_t>(longest / cut->unit, 1));
  const int64_t cut_lines = saturating_multiply(planner.images(), planner.outer_pixels(axis));
  const int64_t enough = divide_up(tasks_per_thread * planner.threads, cut_lines);  // segments * groups
  const int64_t most = clamped(most_segments(planner, axis, fewest, enough), fewest, units);
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
  // Single rows, whatever their number.
  if (cut->unit == 1 && better_alone(planner.g, planner.variant, axis)) consider(length);
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
  const int64_t scratch = cut->gathers
                              ? scratch_bytes(gathered_geometry(g), variant, packed, largest.extent, group_panels)
                              : scratch_bytes(g, variant, packed, largest.extent, group_panels);
  cut->arena_bytes = round_up(scratch, scratch_alignment);
  cut->tile_bytes = cut->residual_bytes = cut->zero_bytes = cut->gathered_bytes = 0;
  if (cut->gathers) {
    cut->gathered_bytes = round_up(gathered_bytes(g, variant, largest.extent[g.rank - 1]), scratch_alignment);
  }
  int64_t step, pixels = 0;  // of the largest strip that cannot be written in its place
  for (const Strip* strip : {&smallest, &largest}) {
    if (!writes_in_place(g, variant, *strip, &step)) pixels = larger<int64_t>(strip->pixels, variant.tile_pixels);
  }
  // A run of pixels that are gathered alike may be short.
  if (cut->gathers) pixels = larger<int64_t>(pixels, variant.tile_pixels);
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
  cut->worker_bytes = saturating_add(saturating_add(cut->arena_bytes, cut->gathered_bytes),
                                     saturating_add(cut->tile_bytes, cut->residual_bytes));
}

namespace {

// The rest of the cut, once its axis is chosen. `g` is the problem's own geometry.
sepconv_status cut_along(const Geometry& g, const Planner& planner, const Choice& choice, Cut* cut) {
  const sepconv_variant& variant = planner.variant;
  const int axis = choice.axis;
  cut->cut_axis = axis;
  cut->gathers = planner.gathers;
  // Parts of a row, and of a plane, end at whole register tiles.
  const bool whole_rows = axis == g.rank - 2 && !better_alone(g, variant, axis);
  const int64_t tile = axis == g.rank - 1 ? variant.tile_pixels : whole_rows ? variant.depthwise_rows : 1;
  cut->unit = choice.longest >= tile ? tile : 1;
  choose_counts(planner, choice.longest, cut);
  bound_groups(planner, cut);
  cut->strips = planner.outer_pixels(axis) * cut->segments;
  cut->tasks = saturating_multiply(cut->strips, cut->groups);
  cut->whole_row_input = planner.fixed_input();
  cut->local_coordinates = cut->gathers || !planner.image_fits();
  if (cut->local_coordinates && cut->whole_row_input) {
    return fail(SEPCONV_UNSUPPORTED, "variant %s has a fixed input extent that is too large for 32-bit indices",
                variant.name);
  }

  // The largest strip is the first; the smallest is the last, or the one before it.
  measure_cut(g, variant, planner.packed, strip_at(g, variant, *cut, 0), strip_at(g, variant, *cut, cut->segments - 1),
              cut);
  if (cut->tasks == too_large)
    return fail_for(SEPCONV_UNSUPPORTED, g, term_out_channels | term_out_extent, "the tasks are too many to count");
  if (saturating_multiply(cut->worker_bytes, planner.threads) >= PTRDIFF_MAX) {
    return fail(SEPCONV_UNSUPPORTED,
                "options.max_threads is %" PRId64 ": with %" PRId64 " bytes each the workspace is too large",
                planner.threads, cut->worker_bytes);
  }
  return SEPCONV_OK;
}

}  // namespace

sepconv_status cut_image(const Geometry& g, const sepconv_variant& variant, const PackedLayout& packed, int threads,
                         const CutLimits& limits, Cut* cut) {
  constexpr double most_staged = 4;  // samples for each that is read, before other cuts are looked at
  const Planner planner{g, variant, packed, limits, threads, false};
  Choice choice;
  const bool fits = choose_small(planner, 0, &choice);
  // Strips of less than a register tile compute it whole all the same.
  const int64_t pixels = saturating_multiply(choice.longest, planner.inner_pixels(choice.axis));
  const bool fills_tiles = pixels >= smaller<int64_t>(variant.tile_pixels, g.out_pixels);
  double staged = planner.staged_for_each_read(choice.axis, choice.longest);
  const bool single_rows = choice.axis < g.rank - 1 && better_alone(g, variant, choice.axis);
  if (single_rows) staged = smaller(staged, planner.staged_for_each_read(choice.axis, 1));
  if (fits && fills_tiles && staged <= most_staged) {
    return cut_along(g, planner, choice, cut);
  }
  if (fits) choose_large(planner, &choice);
  if (can_gather(g, variant)) {
    const Geometry copy = gathered_geometry(g);
    const Planner gathering{copy, variant, packed, limits, threads, true};
    Choice gathered;
    if (choose_small(gathering, g.rank - 1, &gathered) &&
        (!fits || cost_of(gathering, gathered) < cost_of(planner, choice))) {
      return cut_along(g, gathering, gathered, cut);
    }
  }
  return fits ? cut_along(g, planner, choice, cut) : too_large_to_cut(planner);
}

}  // namespace sepconv::internal
