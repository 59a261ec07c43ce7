#include "staging.h"

using Halide::clamp;
using Halide::Expr;
using Halide::Func;
using Halide::max;
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
Expr curve_inside(const Stages& s, const PipelineInputs& in, const Expr& value) {
  Expr result = curve_activation(value, in.in_act);
  for (size_t a = 0; a < s.x.size(); a++) {
    const Expr lo = in.image_min[a], hi = in.image_min[a] + in.image_extent[a] - 1;
    result = select(s.x[a] < lo || s.x[a] > hi, Halide::Internal::make_zero(value.type()), result);
  }
  return result;
}

// Channels are cut off vector by vector where C is a multiple of the vector (a schedule specialises on it), else lane
// by lane.
void stage_channels_last(const Stages& s, const PipelineInputs& in, const std::string& suffix, Halide::Type type,
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
  if (!o.curves) return;
  block->curve_pass = RDom(0, curve_passes(in.in_act), "curve_pass");
  const Expr old = block->staged(vars);
  block->staged(vars) = in_pass(block->curve_pass, curve_inside(s, in, old));
}

// A row of zeros first, then the samples of the image copied into it: no test in the loops, and nothing beside the row
// is read.
void stage_channels_first(const Stages& s, const PipelineInputs& in, const std::string& suffix, Halide::Type type,
                          BlockStages* block) {
  const PipelineOptions& o = s.options;
  const Axis& x = in.axes[0];
  const Expr tiles = (x.strip_extent + o.depthwise_tile - 1) / o.depthwise_tile;
  const Expr first = x.strip_min * x.stride - x.pad_before;
  const Expr last = first + (tiles * o.depthwise_tile - 1) * x.stride + (x.kernel - 1) * x.dilation;
  const Expr lo = max(in.image_min[0], first), hi = min(in.image_min[0] + in.image_extent[0] - 1, last);

  const std::vector<Var> vars = join(s.x, {s.l, s.g});
  block->row = Func("row_" + suffix);
  // A zero that LLVM does not know: from a loop that stores the constant it makes a call of memset.
  block->row(vars) = Halide::cast(type, min(x.strip_extent, 0));

  // Whether there is anything to copy to a row, and its coordinates inside the image in any case.
  const Expr c = s.g * o.chunk + s.l, count = max(hi - lo + 1, 0);
  Expr there = c < in.in_channels;
  std::vector<Expr> from{Expr()}, to{Expr()};
  for (size_t a = 1; a < s.x.size(); a++) {
    const Expr low = in.image_min[a], high = in.image_min[a] + in.image_extent[a] - 1;
    there = there && s.x[a] >= low && s.x[a] <= high;
    from.push_back(clamp(s.x[a], low, high));
    to.push_back(s.x[a]);
  }
  from.push_back(min(c, in.in_channels - 1));
  to.insert(to.end(), {s.l, s.g});

  // The widest vectors that fit: the last one of a row moves back to end with it, and copies a few samples again.
  Expr narrow = Halide::Internal::const_true();
  for (const int lanes : {o.vector, o.vector / 2, 1}) {
    RDom copy({{Expr(0), Expr(lanes)}, {Expr(0), select(narrow && count >= lanes, (count + lanes - 1) / lanes, 0)}},
              "copy");
    copy.where(there);
    narrow = narrow && count < lanes;
    const Expr x_at = lo + min(copy.y * lanes, count - lanes) + copy.x;
    from[0] = to[0] = x_at;
    const Expr sample = in.input(from);
    block->row(to) = o.input_activation ? clamp_activation(sample, in.in_act) : sample;
    block->vectors.push_back(copy);
  }
  if (o.curves) {
    block->curve_pass = RDom(lo, count * curve_passes(in.in_act), "curve_pass");
    block->curve_pass.where(there);
    to[0] = block->curve_pass;
    block->row(to) = curve_activation(block->row(to), in.in_act);
  }

  if (!o.phases) {
    block->staged = block->row;
    return;
  }
  // staged(x, h, y..., l, g)
  std::vector<Var> phase_vars = vars;
  phase_vars.insert(phase_vars.begin() + 1, s.h);
  std::vector<Expr> at(vars.begin(), vars.end());
  at[0] = s.x[0] * x.stride + s.h - x.pad_before;
  block->staged = Func("staged_" + suffix);
  block->staged(phase_vars) = block->row(at);

  // Which sample of which phase a tap reads, divided out once and not at every tile.
  block->tap_shift = Func("tap_shift_" + suffix);
  block->tap_phase = Func("tap_phase_" + suffix);
  const Var tap("tap");
  const Expr stride = max(x.stride, 1);  // a divisor that may be 0 has code of its own
  block->tap_shift(tap) = tap * x.dilation / stride;
  block->tap_phase(tap) = tap * x.dilation % stride;
}

}  // namespace

void make_staged(const Stages& s, const PipelineInputs& in, const std::string& suffix, Halide::Type type,
                 BlockStages* block) {
  if (s.options.channels_first) {
    stage_channels_first(s, in, suffix, type, block);
  } else {
    stage_channels_last(s, in, suffix, type, block);
  }
}

Expr staged_sample(const Stages& s, const PipelineInputs& in, const BlockStages& block, const Expr& out_x) {
  std::vector<Expr> at;
  for (size_t a = 0; a < in.axes.size(); a++) {
    const Axis& axis = in.axes[a];
    const Expr out = axis.strip_min + (a == 0 ? out_x : Expr(s.y[a - 1]));
    const Expr tap = block.tap[static_cast<int>(a)] * axis.dilation;
    if (a > 0 || !s.options.phases) {
      at.push_back(out * axis.stride + tap - axis.pad_before);
      continue;
    }
    // stride > 0, which interval arithmetic does not know.
    const Expr reach = (axis.kernel - 1) * axis.dilation;
    at.push_back(out + Halide::unsafe_promise_clamped(block.tap_shift(block.tap[0]), 0, reach / axis.stride));
    at.push_back(Halide::unsafe_promise_clamped(block.tap_phase(block.tap[0]), 0, axis.stride - 1));
  }
  if (s.options.channels_first) {
    at.insert(at.end(), {s.l, s.g});
  } else {
    at.insert(at.begin(), s.l);
    at.push_back(s.g);
  }
  return block.staged(at);
}

}  // namespace sepconv
