#include "row_copies.h"

#include <utility>

using Halide::Expr;
using Halide::Func;
using Halide::max;
using Halide::min;
using Halide::RDom;
using Halide::select;
using Halide::Var;

namespace sepconv {
namespace {

// The widest power of 2 that is no larger than `limit` and `count`.
int widest_lanes(int limit, int64_t count) {
  while (limit > 1 && limit > count) limit /= 2;
  return limit;
}

}  // namespace

Samples samples_of(const PipelineInputs& in, size_t a, const Expr& outputs) {
  const Axis& axis = in.axes[a];
  Samples result;
  result.first = axis.strip_min * axis.stride - axis.pad_before;
  result.last = result.first + (outputs - 1) * axis.stride + (axis.kernel - 1) * axis.dilation;
  result.lo = max(in.image_min[a], result.first);
  result.hi = min(in.image_min[a] + in.image_extent[a] - 1, result.last);
  return result;
}

RowCopies::RowCopies(const Stages& s, const PipelineInputs& in, Func to, bool by_row, ChannelsFirstBlock* block)
    : s_(s),
      in_(in),
      to_(std::move(to)),
      by_row_(by_row),
      block_(block),
      x_(samples_of(in, 0, max(in.axes[0].strip_extent, s.options.depthwise_tile))) {
  for (size_t a = 1; a < s.x.size(); a++) {
    const Expr extent = in.axes[a].strip_extent;
    outer_.push_back(samples_of(in, a, a == 1 ? max(extent, s.options.nchw.depthwise_rows) : extent));
  }
}

Expr RowCopies::channel() const { return s_.g * s_.options.chunk + s_.l; }

bool RowCopies::whole_chunks() const {
  return Halide::Internal::is_const_one(Halide::Internal::simplify(in_.in_channels % s_.options.chunk == 0));
}

// The domain of a pass over the rows that the image has: `inner`, three dimensions along x, then y... With by_row, over
// one row, if the image has it.
RDom RowCopies::rows(Halide::Region inner, const char* name) const {
  for (const Samples& axis : outer_) {
    if (!by_row_) inner.emplace_back(axis.lo, axis.present());
  }
  RDom domain(inner, name);
  for (size_t a = 0; by_row_ && a < outer_.size(); a++) {
    domain.where(s_.x[a + 1] >= outer_[a].lo && s_.x[a + 1] <= outer_[a].hi);
  }
  if (!whole_chunks()) domain.where(channel() < in_.in_channels);
  return domain;
}

// Coordinates of such a row.
std::vector<Expr> RowCopies::row_of(const RDom& domain, bool of_input) const {
  std::vector<Expr> at;
  for (size_t a = 0; a < outer_.size(); a++) {
    const Expr y = by_row_ ? Expr(s_.x[a + 1]) : Expr(domain[static_cast<int>(a) + 3]);
    const Expr low = in_.image_min[a + 1], high = in_.image_min[a + 1] + in_.image_extent[a + 1] - 1;
    at.push_back(of_input ? Halide::unsafe_promise_clamped(y, low, high) : y);
  }
  return at;
}

void RowCopies::move(const RDom& domain, const Expr& sample, std::vector<Expr> into) {
  std::vector<Expr> from = row_of(domain, true);
  from.insert(from.begin(), sample);
  from.push_back(min(channel(), in_.in_channels - 1));
  const std::vector<Expr> row = row_of(domain, false);
  into.insert(into.end(), row.begin(), row.end());
  into.insert(into.end(), {s_.l, s_.g});
  to_(into) = s_.options.input_activation ? clamp_activation(in_.input(from), in_.in_act) : in_.input(from);
  block_->copies.push_back(domain);
}

void RowCopies::copy(int step, const std::function<std::vector<Expr>(const Expr&)>& place) {
  const int vector = s_.options.vector;
  const int64_t known = s_.options.nchw.known_width;
  const Expr samples = x_.present(), groups = samples / step;
  // `number` vectors of `lanes` groups; the last one of a row moves back to end with it, and copies a few samples
  // again.
  const auto vectors = [&](int lanes, const Expr& count, const Expr& number, const Expr& condition) {
    RDom domain = rows({{Expr(0), Expr(lanes)}, {Expr(0), Expr(step)}, {Expr(0), number}}, "copy");
    if (condition.defined()) domain.where(condition);
    const Expr sample = x_.lo + (min(domain[2] * lanes, count - lanes) + domain[0]) * step + domain[1];
    move(domain, sample, place(sample));
  };
  if (known > 0) {
    const int count = static_cast<int>(known) / step, lanes = widest_lanes(vector, count);
    const Expr whole = samples == static_cast<int>(known);
    if (count > 0) vectors(lanes, count, (count + lanes - 1) / lanes, whole);
    vectors(1, groups, count > 0 ? select(whole, 0, groups) : groups, Expr());
  } else {
    Expr narrow = Halide::Internal::const_true();
    for (const int lanes : {vector, vector / 2, 1}) {
      vectors(lanes, groups, select(narrow && groups >= lanes, (groups + lanes - 1) / lanes, 0), Expr());
      narrow = narrow && groups < lanes;
    }
  }
  if (step == 1) return;
  const RDom domain = rows({{Expr(0), Expr(1)}, {Expr(0), Expr(1)}, {Expr(0), samples % step}}, "rest");
  const Expr sample = x_.lo + groups * step + domain[2];
  move(domain, sample, place(sample));
}

Func RowCopies::first_of_block(const std::string& name) const {
  const int chunk = s_.options.chunk;
  const Expr groups = s_.options.depthwise_only ? Expr(1) : in_.sum_block / (in_.multiplier * chunk);
  Expr due = s_.l == 0 && s_.g % max(groups, 1) == 0;
  if (!whole_chunks()) due = due || channel() >= in_.in_channels;
  // A function of its own: bounds inference must not draw conclusions from it.
  Func result(name);
  result(s_.l, s_.g) = Halide::cast<uint8_t>(due);
  return result;
}

void RowCopies::zero(const Expr& first, const Expr& count, const std::vector<Var>& vars, const Func& due) {
  const int lanes = s_.options.vector;
  RDom domain({{Expr(0), Expr(lanes)}, {Expr(0), (count + lanes - 1) / lanes}}, "zero");
  if (due.defined()) domain.where(due(s_.l, s_.g) != 0);
  std::vector<Expr> at(vars.begin(), vars.end());
  at[0] = first + domain.y * lanes + domain.x;
  // A zero that LLVM does not know: from a loop that stores the constant it makes a call of memset.
  to_(at) = Halide::cast(block_->type, min(in_.ahead_lines, 0));
  block_->zeros = domain;
  block_->zeros_due = due;
}

RDom RowCopies::activate() {
  const Expr samples = x_.present() * general_passes(in_.in_act);
  const RDom domain = rows({{x_.lo, samples}, {Expr(0), Expr(1)}, {Expr(0), Expr(1)}}, "input_pass");
  std::vector<Expr> at = row_of(domain, false);
  at.insert(at.begin(), domain[0]);
  at.insert(at.end(), {s_.l, s_.g});
  to_(at) = general_activation(to_(at), in_.in_act);
  return domain;
}

Expr RowCopies::pitch(const Expr& count) const {
  const int lanes = s_.options.vector;
  return (count + lanes - 1) / lanes * lanes + lanes;
}

}  // namespace sepconv
