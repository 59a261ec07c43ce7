#include "staging.h"

using Halide::clamp;
using Halide::Expr;
using Halide::Func;
using Halide::min;
using Halide::RDom;
using Halide::select;
using Halide::Var;

namespace sepconv {
namespace {

std::vector<Var> join(std::vector<Var> first, const std::vector<Var>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// A pass over the staged samples inside the image for the activations that are no clamps.
Expr general_inside(const Stages& s, const PipelineInputs& in, const Expr& value) {
  Expr result = general_activation(value, in.in_act);
  for (size_t a = 0; a < s.x.size(); a++) {
    const Expr lo = in.image_min[a], hi = in.image_min[a] + in.image_extent[a] - 1;
    result = select(s.x[a] < lo || s.x[a] > hi, Halide::Internal::make_zero(value.type()), result);
  }
  return result;
}

}  // namespace

// Channels are cut off vector by vector where C is a multiple of the vector (a schedule specialises on it), else lane
// by lane.
void make_staged(const Stages& s, const PipelineInputs& in, const std::string& suffix, Halide::Type type,
                 BlockStages* block) {
  const PipelineOptions& o = s.options;
  std::vector<Expr> at{Expr()};
  for (size_t a = 0; a < s.x.size(); a++) {
    const Expr lo = in.image_min[a], hi = in.image_min[a] + in.image_extent[a] - 1;
    at.push_back(clamp(Halide::likely(s.x[a]), lo, hi));
  }
  const auto channel = [&](const Expr& c) {
    at[0] = Halide::unsafe_promise_clamped(c, 0, in.in_channels - 1);
    return o.input_activation ? clamp_activation(in.input(at), in.in_act) : in.input(at);
  };
  const Expr zero = Halide::Internal::make_zero(type);
  const Expr base = s.g * o.chunk;
  const Expr vector_base = base + (s.l / o.vector) * o.vector;
  const Expr by_vector =
      select(vector_base < in.in_channels, channel(min(vector_base, in.in_channels - o.vector) + s.l % o.vector), zero);
  const Expr by_lane = select(base + s.l < in.in_channels, channel(min(base + s.l, in.in_channels - 1)), zero);
  const bool whole_chunks = Halide::Internal::is_const_one(Halide::Internal::simplify(in.in_channels % o.chunk == 0));
  // One select an axis: loop partitioning can then drop the test inside the image, axis by axis.
  Expr value = whole_chunks ? channel(base + s.l) : select(s.whole_vectors, by_vector, by_lane);
  for (size_t a = 0; a < s.x.size(); a++) {
    const Expr lo = in.image_min[a], hi = in.image_min[a] + in.image_extent[a] - 1;
    value = select(s.x[a] < lo || s.x[a] > hi, zero, Halide::likely(value));
  }
  block->staged = Func("staged_" + suffix);
  const std::vector<Var> vars = join(join({s.l}, s.x), {s.g});
  block->staged(vars) = value;
  if (!o.all_activations) return;
  block->input_pass = RDom(0, general_passes(in.in_act), "input_pass");
  const Expr old = block->staged(vars);
  block->staged(vars) = in_pass(block->input_pass, general_inside(s, in, old));
}

Expr guarded_sample(const Stages& s, const PipelineInputs& in, const Expr& out_x, RDom* tap) {
  std::vector<Expr> at{Halide::unsafe_promise_clamped(s.g * s.options.chunk + s.l, 0, in.in_channels - 1)};
  for (size_t a = 0; a < in.axes.size(); a++) {
    const Axis& axis = in.axes[a];
    const Expr out = axis.strip_min + (a == 0 ? out_x : Expr(s.y[a - 1]));
    const Expr sample = out * axis.stride + (*tap)[static_cast<int>(a)] * axis.dilation - axis.pad_before;
    const Expr lo = in.image_min[a];
    Expr hi = in.image_min[a] + in.image_extent[a] - 1;
    // The last tile may run past the strip's width: no sample is for its last pixels.
    if (a == 0) hi = select(out_x < axis.strip_extent, hi, lo - 1);
    tap->where(sample >= lo && sample <= hi);
    at.push_back(Halide::unsafe_promise_clamped(sample, lo, hi));
  }
  return in.input(at);
}

Func depthwise_weights(const Stages& s, const PipelineInputs& in, const std::string& suffix, BlockStages* block) {
  if (!s.options.loads_kernel) return in.depthwise;
  const std::vector<Var> at(in.depthwise.dimensions());
  block->kernel = Func("kernel_" + suffix);
  block->kernel(at) = in.depthwise(at);
  return block->kernel;
}

Expr staged_sample(const Stages& s, const PipelineInputs& in, const BlockStages& block, const Expr& out_x) {
  std::vector<Expr> at{s.l};
  for (size_t a = 0; a < in.axes.size(); a++) {
    const Axis& axis = in.axes[a];
    const Expr out = axis.strip_min + (a == 0 ? out_x : Expr(s.y[a - 1]));
    at.push_back(out * axis.stride + block.tap[static_cast<int>(a)] * axis.dilation - axis.pad_before);
  }
  at.push_back(s.g);
  return block.staged(at);
}

}  // namespace sepconv
