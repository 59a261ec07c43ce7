// What plans promise of geometries far beyond those whose answers are checked (paddings, strides, dilations and extents
// in ten thousands, and of 1): a task never asks for more scratch than the plan has, and strips never stage far more
// than taps read. Of each problem a few tasks are computed, on zeros.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>

#include "cut_planner.h"
#include "gather.h"
#include "plan.h"
#include "support/describe.h"
#include "support/harness.h"
#include "support/random_problem.h"
#include "support/seeds.h"
#include "support/variants.h"
#include "task.h"

namespace sepconv::test {
namespace {

constexpr int kGeometries = 20'000;
constexpr int64_t kMostBytes = int64_t{128} << 20;  // of a tensor

// Small numbers are as likely as large ones.
int64_t log_uniform(Random& random, double most) {
  const double part = static_cast<double>(uniform(random, 0, 1 << 20)) / (1 << 20);
  return static_cast<int64_t>(std::exp(part * std::log(most)));
}

void draw_axis(Random& random, sepconv_problem* p, int axis, double most_samples) {
  const bool pointwise = p->stages == SEPCONV_STAGES_POINTWISE;
  p->kernel_extent[axis] = pointwise ? 1 : log_uniform(random, 12);
  p->dilation[axis] = pointwise ? 1 : log_uniform(random, 20'000);
  p->stride[axis] = log_uniform(random, 20'000);
  p->in_extent[axis] = log_uniform(random, most_samples);
  const int64_t window = (p->kernel_extent[axis] - 1) * p->dilation[axis] + 1;
  p->pad_before[axis] = one_in(random, 3) ? 0 : log_uniform(random, 20'000);
  p->pad_after[axis] = one_in(random, 3) ? 0 : log_uniform(random, 20'000);
  const int64_t padded = p->pad_before[axis] + p->in_extent[axis] + p->pad_after[axis];
  if (padded < window) p->pad_before[axis] += window - padded;
  const int64_t room = std::max(padded, window) - window;
  p->stride[axis] = std::max(p->stride[axis], static_cast<int64_t>(static_cast<double>(room) / most_samples) + 1);
}

sepconv_problem draw(Random& random) {
  Features features = all_features;
  features.pitches = false;
  sepconv_problem p = random_problem(random, features, Sizes::kSmall);
  p.batch = 1;
  p.padding = SEPCONV_PADDING_EXPLICIT;
  const int long_axis = static_cast<int>(uniform(random, 0, p.spatial_rank - 1));
  for (int axis = 0; axis < p.spatial_rank; ++axis) draw_axis(random, &p, axis, axis == long_axis ? 50e3 : 30);
  return p;
}

struct FreeMemory {
  void operator()(void* memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<char, FreeMemory>;

// Zeros, which take memory only where somebody writes.
Memory zeros(int64_t size) { return Memory(static_cast<char*>(std::calloc(static_cast<size_t>(size), 1))); }

Memory aligned(size_t size) { return Memory(static_cast<char*>(std::aligned_alloc(64, (size + 127) / 64 * 64))); }

// The plan of a problem that can be run here, or null.
PlanPointer plan_of(const sepconv_problem& problem, int32_t threads) {
  sepconv_options options = default_options();
  options.max_threads = threads;
  sepconv_status status;
  PlanPointer plan = make_plan(problem, &options, &status);
  // A few are too large for 32-bit indices.
  EXPECT_TRUE(status == SEPCONV_OK || status == SEPCONV_UNSUPPORTED) << describe(problem) << sepconv_last_error();
  if (plan == nullptr) return nullptr;
  const internal::Geometry& g = plan->geometry;
  return g.input_bytes <= kMostBytes && g.output_bytes <= kMostBytes ? std::move(plan) : nullptr;
}

TEST(Plans, TasksNeverAskForMoreScratchThanThereIs) {
  tables_under_test();
  const Memory input = zeros(kMostBytes), output = zeros(kMostBytes);
  ASSERT_TRUE(input != nullptr && output != nullptr);
  int64_t computed = 0, gathered = 0;
  for_each_seed(test_count(kGeometries), [&](Random& random) {
    const sepconv_problem problem = draw(random);
    const PlanPointer plan = plan_of(problem, static_cast<int32_t>(uniform(random, 1, 6)));
    if (plan == nullptr) return;
    const internal::Cut& cut = plan->cut;
    const Memory packed = zeros(static_cast<int64_t>(plan->packed.size) + 64),
                 slice = aligned(static_cast<size_t>(cut.worker_bytes)), bias = zeros(cut.zero_bytes + 1);
    char* const weights = packed.get() + (64 - reinterpret_cast<uintptr_t>(packed.get()) % 64) % 64;
    const bool residual = problem.has_residual != 0;
    const internal::TaskBuffers buffers = {
        weights, input.get(), residual ? input.get() : nullptr, bias.get(), output.get(), 1, nullptr, 0};
    for (const int64_t index : {int64_t{0}, cut.tasks - 1, uniform(random, 0, cut.tasks - 1)}) {
      ASSERT_EQ(internal::compute_task(*plan, buffers, index, slice.get()), 0)
          << describe(problem) << " by " << plan->variant->name << ": task " << index << " of " << cut.tasks << ", "
          << cut.arena_bytes << " bytes of scratch";
    }
    ++computed;
    gathered += cut.gathers ? 1 : 0;
  });
  EXPECT_GE(computed, test_count(kGeometries) * 9 / 10);
  EXPECT_TRUE(gathered > 0 || computed < 1000);
  std::printf("%lld geometries, of which %lld gather their taps\n", static_cast<long long>(computed),
              static_cast<long long>(gathered));
}

// Samples that a variant stages under one strip, zeros included.
double staged_samples(const sepconv_plan& plan, const internal::Strip& strip) {
  double staged = 1;
  for (int axis = 0; axis < plan.geometry.rank; ++axis) {
    const bool copied = plan.cut.gathers && axis == plan.geometry.rank - 1;
    const int64_t span = (strip.extent[axis] - 1) * strip.stride[axis] + (strip.taps[axis] - 1) * strip.dilation[axis];
    staged *= static_cast<double>(copied ? strip.extent[axis] * strip.taps[axis] : span + 1);
  }
  return staged;
}

// The same in a whole run; of many strips every n-th is looked at.
double staged_samples(const sepconv_plan& plan) {
  const int64_t step = std::max<int64_t>(plan.cut.strips / 64, 1);
  double staged = 0;
  for (int64_t index = 0; index < plan.cut.strips; index += step) {
    const internal::Strip strip = internal::strip_at(plan.geometry, *plan.variant, plan.cut, index);
    staged += staged_samples(plan, strip) * static_cast<double>(step);
  }
  return staged;
}

// Samples that could be staged in the time of what has to be done for one input channel: its taps, its share of the
// pointwise stage, and a task a row.
double unavoidable_samples(const sepconv_plan& plan) {
  const internal::Geometry& g = plan.geometry;
  const auto pixels = static_cast<double>(g.out_pixels), taps = static_cast<double>(g.taps);
  const double rows = pixels / static_cast<double>(g.out_extent[g.rank - 1]);
  const bool summed = g.problem.stages != SEPCONV_STAGES_DEPTHWISE;
  const double outputs = summed ? static_cast<double>(g.problem.out_channels) : 0;
  const double work = pixels * static_cast<double>(g.problem.depth_multiplier) * (taps + outputs) +
                      rows * internal::handing_out / static_cast<double>(plan.packed.sum_channels);
  // With channels first neighbours along x share a cache line, of which all is moved.
  const bool channels_first = g.problem.layout == SEPCONV_LAYOUT_CHANNELS_FIRST;
  const double moved = channels_first ? pixels * static_cast<double>(std::min<int64_t>(g.stride[g.rank - 1], 16)) : 0;
  return std::max({pixels * taps, work / internal::staging_of_sample, moved});
}

double staged_too_often(const sepconv_plan& plan) { return staged_samples(plan) / unavoidable_samples(plan); }

constexpr double kMostStaged = 20;

TEST(Plans, StripsNeverStageFarMoreThanTheWorkIsWorth) {
  tables_under_test();
  double worst = 0;
  for_each_seed(test_count(kGeometries), [&](Random& random) {
    const sepconv_problem problem = draw(random);
    const PlanPointer plan = plan_of(problem, 1);
    if (plan == nullptr) return;
    const double staged = staged_too_often(*plan);
    worst = std::max(worst, staged);
    ASSERT_LE(staged, kMostStaged) << describe(problem) << " by " << plan->variant->name << ": " << plan->cut.strips
                                   << " strips";
  });
  std::printf("at most %.1f times the samples are staged that the work is worth\n", worst);
}

// Signals whose taps are further apart than a cache is large.
TEST(Plans, LongDilationsCostWhatTheyCompute) {
  tables_under_test();
  for (const sepconv_layout layout : {SEPCONV_LAYOUT_CHANNELS_LAST, SEPCONV_LAYOUT_CHANNELS_FIRST}) {
    for (int64_t dilation = 1; dilation <= 1 << 20; dilation *= 2) {
      sepconv_problem problem = default_problem();
      problem.spatial_rank = 1;
      problem.layout = layout;
      problem.in_channels = problem.out_channels = 16;
      problem.kernel_extent[0] = 2;
      problem.dilation[0] = dilation;
      problem.in_extent[0] = (1 << 16) + dilation;
      const PlanPointer plan = make_plan(problem);
      ASSERT_NE(plan, nullptr) << sepconv_last_error();
      EXPECT_LE(staged_too_often(*plan), kMostStaged) << describe(problem);
    }
  }
}

}  // namespace
}  // namespace sepconv::test
