// The staged input of channels_first: one channel at a time, zero-padded rows, cut into the phases of the stride.
#include <algorithm>

#include "channels_first.h"

using Halide::Expr;
using Halide::Func;
using Halide::max;
using Halide::min;
using Halide::RDom;
using Halide::select;
using Halide::Var;

namespace sepconv {
namespace {

// With longer strides the phases are cut from a copy.
constexpr int64_t most_direct_phases = 3;

// The phases that are read straight from the input; 0: there is none, or the stride is not known.
int64_t direct_phases(const Stages& s, const PipelineInputs& in) {
  const auto stride = Halide::Internal::as_const_int(Halide::Internal::simplify(in.axes[0].stride));
  return s.options.all_activations || !stride || *stride > most_direct_phases ? 0 : *stride;
}

// Samples of one axis: those under the strip's outputs, in image coordinates, and those of them that the image has.
struct Samples {
  Expr first, last, lo, hi;
};

Samples samples_of(const PipelineInputs& in, size_t a, const Expr& outputs) {
  const Axis& axis = in.axes[a];
  Samples result;
  result.first = axis.strip_min * axis.stride - axis.pad_before;
  result.last = result.first + (outputs - 1) * axis.stride + (axis.kernel - 1) * axis.dilation;
  result.lo = max(in.image_min[a], result.first);
  result.hi = min(in.image_min[a] + in.image_extent[a] - 1, result.last);
  return result;
}

// The widest power of 2 that is no larger than `limit` and `count`.
int widest_lanes(int limit, int64_t count) {
  while (limit > 1 && limit > count) limit /= 2;
  return limit;
}

// Builds the updates of one staged function.
struct Copies {
  const Stages& s;
  const PipelineInputs& in;
  const std::string& suffix;
  BlockStages* block;
  Func to;
  Samples x;
  std::vector<Samples> outer;
  bool by_row;  // one row at a time, where the function that reads them says which

  Expr channel() const { return s.g * s.options.chunk + s.l; }
  bool whole_chunks() const {
    return Halide::Internal::is_const_one(Halide::Internal::simplify(in.in_channels % s.options.chunk == 0));
  }

  // The domain of a pass over the rows that the image has: `inner`, three dimensions along x, then y... With `by_row`,
  // over one row, if the image has it.
  RDom rows(Halide::Region inner, const char* name) const {
    for (const Samples& axis : outer) {
      if (!by_row) inner.emplace_back(axis.lo, max(axis.hi - axis.lo + 1, 0));
    }
    RDom domain(inner, name);
    for (size_t a = 0; by_row && a < outer.size(); a++) {
      domain.where(s.x[a + 1] >= outer[a].lo && s.x[a + 1] <= outer[a].hi);
    }
    if (!whole_chunks()) domain.where(channel() < in.in_channels);
    return domain;
  }

  // Coordinates of such a row.
  std::vector<Expr> row_of(const RDom& domain, bool of_input) const {
    std::vector<Expr> at;
    for (size_t a = 0; a < outer.size(); a++) {
      const Expr y = by_row ? Expr(s.x[a + 1]) : Expr(domain[static_cast<int>(a) + 3]);
      const Expr low = in.image_min[a + 1], high = in.image_min[a + 1] + in.image_extent[a + 1] - 1;
      at.push_back(of_input ? Halide::unsafe_promise_clamped(y, low, high) : y);
    }
    return at;
  }

  // Copies the samples that the image has, in groups of `step` neighbours: sample i, which counts from the image's
  // first, goes to place(i). `known`: samples of the image, 0 for any number.
  template <typename Place>
  void copy(int64_t known, int step, Place place) {
    const PipelineOptions& o = s.options;
    const Expr samples = max(x.hi - x.lo + 1, 0), groups = samples / step;
    const auto move = [&](const RDom& domain, const Expr& sample) {
      std::vector<Expr> from = row_of(domain, true), into = place(sample);
      from.insert(from.begin(), sample);
      from.push_back(min(channel(), in.in_channels - 1));
      const std::vector<Expr> row = row_of(domain, false);
      into.insert(into.end(), row.begin(), row.end());
      into.insert(into.end(), {s.l, s.g});
      to(into) = o.input_activation ? clamp_activation(in.input(from), in.in_act) : in.input(from);
      block->nchw.copies.push_back(domain);
    };
    // Vectors of `lanes` groups; the last one of a row moves back to end with it, and copies a few samples again.
    const auto vectors = [&](int lanes, const Expr& count, const Expr& number, const Expr& condition) {
      RDom domain = rows({{Expr(0), Expr(lanes)}, {Expr(0), Expr(step)}, {Expr(0), number}}, "copy");
      if (condition.defined()) domain.where(condition);
      move(domain, x.lo + (min(domain[2] * lanes, count - lanes) + domain[0]) * step + domain[1]);
    };
    if (known > 0) {
      const int count = static_cast<int>(known) / step, lanes = widest_lanes(o.vector, count);
      const Expr whole = samples == static_cast<int>(known);
      if (count > 0) vectors(lanes, count, (count + lanes - 1) / lanes, whole);
      vectors(1, groups, count > 0 ? select(whole, 0, groups) : groups, Expr());
    } else {
      Expr narrow = Halide::Internal::const_true();
      for (const int lanes : {o.vector, o.vector / 2, 1}) {
        vectors(lanes, groups, select(narrow && groups >= lanes, (groups + lanes - 1) / lanes, 0), Expr());
        narrow = narrow && groups < lanes;
      }
    }
    if (step == 1) return;
    const RDom domain = rows({{Expr(0), Expr(1)}, {Expr(0), Expr(1)}, {Expr(0), samples % step}}, "rest");
    move(domain, x.lo + groups * step + domain[2]);
  }

  // Whole vectors of zeros, and as much before them as bounds inference takes a copy of few samples to reach.
  Expr pitch(const Expr& count) const {
    const int lanes = s.options.vector;
    return (count + lanes - 1) / lanes * lanes + lanes;
  }

  // Zeros, `count` from `first` on, in every row. What the copies leave alone stays as it is from one channel to the
  // next, so with `once` the first channel of a block does, and those past the last.
  void zero(const Expr& first, const Expr& count, bool once, const std::vector<Var>& vars) {
    const int lanes = s.options.vector;
    RDom domain({{Expr(0), Expr(lanes)}, {Expr(0), (count + lanes - 1) / lanes}}, "zero");
    if (once) {
      const Expr groups = s.options.depthwise_only ? Expr(1) : in.sum_block / (in.multiplier * s.options.chunk);
      Expr due = s.l == 0 && s.g % max(groups, 1) == 0;
      if (!whole_chunks()) due = due || channel() >= in.in_channels;
      // A function of its own: bounds inference must not draw conclusions from it.
      block->nchw.zeros_due = Func("zeros_due_" + suffix);
      block->nchw.zeros_due(s.l, s.g) = Halide::cast<uint8_t>(due);
      domain.where(block->nchw.zeros_due(s.l, s.g) != 0);
    }
    std::vector<Expr> at(vars.begin(), vars.end());
    at[0] = first + domain.y * lanes + domain.x;
    // A zero that LLVM does not know: from a loop that stores the constant it makes a call of memset.
    to(at) = Halide::cast(block->nchw.type, min(in.ahead_lines, 0));
    block->nchw.zeros = domain;
  }
};

std::vector<Var> row_vars(const Stages& s) {
  std::vector<Var> vars = s.x;
  vars.insert(vars.end(), {s.l, s.g});
  return vars;
}

}  // namespace

void make_staged_channels_first(const Stages& s, const PipelineInputs& in, const std::string& suffix, Halide::Type type,
                                BlockStages* block) {
  const PipelineOptions& o = s.options;
  const Axis& x = in.axes[0];
  block->nchw.type = type;
  const Expr outputs = max(x.strip_extent, o.depthwise_tile);
  Copies copies{s, in, suffix, block, Func("row_" + suffix), samples_of(in, 0, outputs), {}, false};
  for (size_t a = 1; a < s.x.size(); a++) {
    const Expr extent = in.axes[a].strip_extent;
    copies.outer.push_back(samples_of(in, a, a == 1 ? max(extent, o.nchw.depthwise_rows) : extent));
  }
  std::vector<Var> vars = row_vars(s), phase_vars = vars;
  phase_vars.insert(phase_vars.begin() + 1, s.h);
  const Samples& along = copies.x;
  const int64_t phases = o.nchw.phases ? direct_phases(s, in) : 0;
  if (phases > 0) {
    // staged(x, h, y..., l, g)
    copies.to = Func("staged_" + suffix);
    copies.to(phase_vars) = Halide::undef(type);
    const int stride = static_cast<int>(phases);
    const Expr reach = (x.kernel - 1) * x.dilation / stride;
    copies.zero(x.strip_min, outputs + reach, true, phase_vars);
    block->nchw.row_pitch = copies.pitch(outputs + reach);
    copies.copy(o.nchw.known_width, stride, [&](const Expr& sample) {
      const Expr at = sample + x.pad_before;
      return std::vector<Expr>{at / stride, at % stride};
    });
    block->nchw.row = block->staged = copies.to;
    return;
  }

  copies.by_row = o.nchw.phases;
  copies.to(vars) = Halide::undef(type);
  copies.zero(along.first, along.last - along.first + 1, !o.nchw.phases, vars);
  block->nchw.row_pitch = copies.pitch(along.last - along.first + 1);
  copies.copy(o.nchw.known_width, 1, [](const Expr& sample) { return std::vector<Expr>{sample}; });
  block->nchw.row = copies.to;
  if (o.all_activations) {
    const Expr samples = max(along.hi - along.lo + 1, 0) * general_passes(in.in_act);
    block->input_pass = copies.rows({{along.lo, samples}, {Expr(0), Expr(1)}, {Expr(0), Expr(1)}}, "input_pass");
    std::vector<Expr> at = copies.row_of(block->input_pass, false);
    at.insert(at.begin(), block->input_pass[0]);
    at.insert(at.end(), {s.l, s.g});
    block->nchw.row(at) = general_activation(block->nchw.row(at), in.in_act);
  }
  if (!o.nchw.phases) {
    block->staged = block->nchw.row;
    return;
  }
  // staged(x, h, y..., l, g)
  std::vector<Expr> at(vars.begin(), vars.end());
  at[0] = s.x[0] * x.stride + s.h - x.pad_before;
  block->staged = Func("staged_" + suffix);
  block->staged(phase_vars) = block->nchw.row(at);

  // Which sample of which phase a tap reads, divided out once and not at every tile.
  block->nchw.tap_shift = Func("tap_shift_" + suffix);
  block->nchw.tap_phase = Func("tap_phase_" + suffix);
  const Var tap("tap");
  const Expr stride = max(x.stride, 1);  // a divisor that may be 0 has code of its own
  block->nchw.tap_shift(tap) = tap * x.dilation / stride;
  block->nchw.tap_phase(tap) = tap * x.dilation % stride;
}

Expr staged_sample_channels_first(const Stages& s, const PipelineInputs& in, const BlockStages& block,
                                  const Expr& out_x) {
  std::vector<Expr> at;
  for (size_t a = 0; a < in.axes.size(); a++) {
    const Axis& axis = in.axes[a];
    const Expr out = axis.strip_min + (a == 0 ? out_x : Expr(s.y[a - 1]));
    const Expr tap = block.tap[static_cast<int>(a)] * axis.dilation;
    if (a > 0 || !s.options.nchw.phases) {
      at.push_back(out * axis.stride + tap - axis.pad_before);
      continue;
    }
    // stride > 0, which interval arithmetic does not know.
    const Expr reach = (axis.kernel - 1) * axis.dilation;
    const bool table = block.nchw.tap_shift.defined();
    const Expr shift = table ? Expr(block.nchw.tap_shift(block.tap[0])) : tap / axis.stride;
    const Expr phase = table ? Expr(block.nchw.tap_phase(block.tap[0])) : tap % axis.stride;
    at.push_back(out + Halide::unsafe_promise_clamped(shift, 0, reach / axis.stride));
    at.push_back(Halide::unsafe_promise_clamped(phase, 0, axis.stride - 1));
  }
  at.insert(at.end(), {s.l, s.g});
  return block.staged(at);
}

}  // namespace sepconv
