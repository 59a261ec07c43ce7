// How long a run takes that is cut in a certain way: a model whose numbers are rough, since it only ranks cuts of one
// run against each other.
#include "cut_planner.h"
#include "strip.h"

namespace sepconv::internal {
namespace {

// All in multiply-adds per intermediate channel, as those of cut_planner.h.
constexpr double gathering_of_sample = 16;   // another copy before that, sample by sample
constexpr double far_sample = 8;             // a staged sample, where they are far too many for a cache
constexpr double reading_of_weight = 4;      // a weight comes from a cache further away than the pixels
constexpr double handing_to_thread = 100e3;  // of one task, all channels together: a few microseconds
constexpr double part_waited_for = 0.125;    // of a task, at the end of a run with several threads
constexpr double many_tasks = 1e6;           // so many that a last round that is not full does not matter

}  // namespace

// Whole register tiles of the pointwise stage and the reading of its weights, the depthwise taps, the staging of the
// input, and a constant.
double Planner::task_cost(int cut_axis, int64_t segment, int64_t groups) const {
  int64_t extent[SEPCONV_MAX_SPATIAL_RANK];
  box(cut_axis, segment, extent);
  double staged = 1, convolved = 1;
  int64_t pixels = 1;
  for (int axis = 0; axis < g.rank; ++axis) {
    pixels *= extent[axis];
    convolved *=
        static_cast<double>(axis == g.rank - 2 ? round_up(extent[axis], variant.depthwise_rows) : extent[axis]);
    staged *= static_cast<double>(seen_samples(g, variant, axis, extent[axis], extent[axis]));
  }
  const int64_t sample = variant.chunk_channels * dtype_size(g.problem.mid_dtype);
  const bool far = staged * static_cast<double>(sample) > 4 * static_cast<double>(limits.scratch_bytes);
  const double staging = staging_of_sample + (gathers ? gathering_of_sample : 0) + (far ? far_sample : 0);
  const double padded = static_cast<double>(round_up(pixels, variant.tile_pixels));
  const double channels = static_cast<double>(divide_up(packed.panels, groups) * variant.panel_channels);
  const double overhead = (threads > 1 ? handing_to_thread : handing_out) / static_cast<double>(packed.sum_channels);
  return (padded + reading_of_weight) * channels + convolved * static_cast<double>(g.taps) + staging * staged +
         overhead;
}

// Rounds of tasks over the threads.
double Planner::run_cost(int cut_axis, int64_t unit, int64_t segments, int64_t groups) const {
  const int64_t length = g.out_extent[cut_axis], units = divide_up(length, unit);
  const int64_t longer = units % segments;
  const double large = task_cost(cut_axis, smaller(divide_up(units, segments) * unit, length), groups);
  const double small = longer == 0 ? large : task_cost(cut_axis, units / segments * unit, groups);
  const double share = longer == 0 ? 1.0 : static_cast<double>(longer) / static_cast<double>(segments);
  const double mean = share * large + (1 - share) * small;
  const double tasks = static_cast<double>(images() * outer_pixels(cut_axis)) * static_cast<double>(segments * groups);
  if (threads == 1) return tasks * mean;
  const double rounds = tasks > many_tasks ? tasks / static_cast<double>(threads)
                                           : static_cast<double>(divide_up(static_cast<int64_t>(tasks), threads));
  return rounds * mean + part_waited_for * large;
}

}  // namespace sepconv::internal
