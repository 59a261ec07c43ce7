#include "plain.h"

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace sepconv {

Halide::Expr plain_output(const PipelineInputs& in, const PipelineOptions& o, const Var& f, const Var& p,
                          Halide::Type type) {
  const size_t rank = in.axes.size();
  const Var k("k");
  std::vector<Var> pixel;
  for (size_t a = 0; a < rank; a++) pixel.emplace_back(std::string(1, "xyz"[a]));

  // The samples, zero outside the image; a channel past the last meets weights of zero.
  Func sample("sample");
  std::vector<Var> at{k};
  at.insert(at.end(), pixel.begin(), pixel.end());
  std::vector<Expr> inside{clamp(k, 0, in.in_channels - 1)};
  Expr outside = Halide::Internal::const_false();
  for (size_t a = 0; a < rank; a++) {
    const Expr lo = in.image_min[a], hi = in.image_min[a] + in.image_extent[a] - 1;
    inside.push_back(clamp(pixel[a], lo, hi));
    outside = outside || pixel[a] < lo || pixel[a] > hi;
  }
  sample(at) = select(outside, Halide::Internal::make_zero(type), clamp_activation(in.input(inside), in.in_act));

  // The depthwise stage, at pixels of the strip.
  Halide::Region extents;
  for (const Axis& axis : in.axes) extents.emplace_back(Expr(0), axis.kernel);
  const RDom taps(extents, "tap");
  std::vector<Expr> read{k}, weight{k % o.chunk};
  for (size_t a = 0; a < rank; a++) {
    const Axis& axis = in.axes[a];
    const Halide::RVar tap = taps[static_cast<int>(a)];
    read.push_back((pixel[a] + axis.strip_min) * axis.stride + tap * axis.dilation - axis.pad_before);
    weight.emplace_back(tap);
  }
  weight.push_back(k / o.chunk);
  Func depthwise("depthwise_stage"), middle("middle"), pointwise("pointwise_stage");
  depthwise(at) = in.mid_bias(k);
  depthwise(at) += sample(read) * in.depthwise(weight);
  middle(at) = clamp_activation(depthwise(at), in.mid_act);

  // The pointwise stage, at the flat pixels of the output.
  const RDom sum({{Expr(0), in.sum_channels}}, "sum");
  std::vector<Expr> flat{sum.x};
  Expr rest = p;
  for (size_t a = 0; a + 1 < rank; a++) {
    flat.push_back(rest % in.axes[a].strip_extent);
    rest = rest / in.axes[a].strip_extent;
  }
  flat.push_back(rest);
  pointwise(f, p) = in.out_bias(f);
  pointwise(f, p) += middle(flat) * in.pointwise(f % o.panel, sum.x, f / o.panel);
  return clamp_activation(pointwise(f, p) + in.residual(f, p), in.out_act);
}

}  // namespace sepconv
