// The staged input of channels_first: one channel at a time, zero-padded rows, cut into the phases of the stride.
#include "channels_first.h"
#include "row_copies.h"

using Halide::Expr;
using Halide::Func;
using Halide::max;
using Halide::Var;

namespace sepconv {
namespace {

// With longer strides the phases are cut from a copy.
constexpr int64_t most_direct_phases = 3;

// The phases that are read straight from the input; 0: there is none, or the stride is not known.
int64_t direct_phases(const Stages& s, const PipelineInputs& in) {
  const auto stride = Halide::Internal::as_const_int(Halide::Internal::simplify(in.axes[0].stride));
  if (!s.options.nchw.phases || s.options.all_activations) return 0;
  return !stride || *stride > most_direct_phases ? 0 : *stride;
}

// staged(x, h, y..., l, g), straight from the input.
Func stage_phases(const Stages& s, const PipelineInputs& in, const std::string& suffix, int stride,
                  const std::vector<Var>& vars, ChannelsFirstBlock* block) {
  const Axis& x = in.axes[0];
  Func staged("staged_" + suffix);
  staged(vars) = Halide::undef(block->type);
  RowCopies copies(s, in, staged, false, block);
  const Expr samples = max(x.strip_extent, s.options.depthwise_tile) + (x.kernel - 1) * x.dilation / stride;
  copies.zero(x.strip_min, samples, vars, copies.first_of_block("zeros_due_" + suffix));
  block->row_pitch = copies.pitch(samples);
  copies.copy(stride, [&](const Expr& sample) {
    const Expr at = sample + x.pad_before;
    return std::vector<Expr>{at / stride, at % stride};
  });
  return staged;
}

// row(x, y..., l, g)
Func stage_rows(const Stages& s, const PipelineInputs& in, const std::string& suffix, const std::vector<Var>& vars,
                BlockStages* block) {
  Func row("row_" + suffix);
  row(vars) = Halide::undef(block->nchw.type);
  const bool by_row = s.options.nchw.phases;
  RowCopies copies(s, in, row, by_row, &block->nchw);
  const Samples& along = copies.along_x();
  copies.zero(along.first, along.count(), vars, by_row ? Func() : copies.first_of_block("zeros_due_" + suffix));
  block->nchw.row_pitch = copies.pitch(along.count());
  copies.copy(1, [](const Expr& sample) { return std::vector<Expr>{sample}; });
  if (s.options.all_activations) block->input_pass = copies.activate();
  return row;
}

// staged(x, h, y..., l, g), from rows; and which sample of which phase a tap reads, divided out once and not at every
// tile.
Func cut_phases(const Stages& s, const PipelineInputs& in, const std::string& suffix, const std::vector<Var>& vars,
                std::vector<Expr> at, ChannelsFirstBlock* block) {
  const Axis& x = in.axes[0];
  at[0] = s.x[0] * x.stride + s.h - x.pad_before;
  Func staged("staged_" + suffix);
  staged(vars) = block->row(at);
  block->tap_shift = Func("tap_shift_" + suffix);
  block->tap_phase = Func("tap_phase_" + suffix);
  const Var tap("tap");
  const Expr stride = max(x.stride, 1);  // a divisor that may be 0 has code of its own
  block->tap_shift(tap) = tap * x.dilation / stride;
  block->tap_phase(tap) = tap * x.dilation % stride;
  return staged;
}

}  // namespace

void make_staged_channels_first(const Stages& s, const PipelineInputs& in, const std::string& suffix, Halide::Type type,
                                BlockStages* block) {
  block->nchw.type = type;
  std::vector<Var> vars = s.x;
  vars.insert(vars.end(), {s.l, s.g});
  std::vector<Var> phase_vars = vars;
  phase_vars.insert(phase_vars.begin() + 1, s.h);
  if (const int64_t phases = direct_phases(s, in); phases > 0) {
    block->staged = stage_phases(s, in, suffix, static_cast<int>(phases), phase_vars, &block->nchw);
    block->nchw.row = block->staged;
    return;
  }
  block->staged = block->nchw.row = stage_rows(s, in, suffix, vars, block);
  if (!s.options.nchw.phases) return;
  block->staged = cut_phases(s, in, suffix, phase_vars, {vars.begin(), vars.end()}, &block->nchw);
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
