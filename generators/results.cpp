#include "results.h"

using Halide::cast;
using Halide::Expr;

namespace sepconv {

Expr start_of_taps(const PipelineInputs& in, const PipelineOptions& o, const Expr& channel) {
  return o.dot.quantised() ? Expr(0.0F) : in.mid_bias(channel);
}

Expr middle_value(const PipelineInputs& in, const PipelineOptions& o, const Expr& taps, const Expr& channel) {
  if (o.dot.quantised()) {
    const Expr sum = cast<int32_t>(taps) + in.mid_bias(channel);
    return cast(o.dot.data, requantise(sum, channel, in.mid_requantiser, o.dot.offset));
  }
  return clamp_activation(o.channels_first ? taps : taps + in.mid_bias(channel), in.mid_act);
}

Expr output_value(const PipelineInputs& in, const PipelineOptions& o, const Expr& sum, const Expr& channel,
                  const Expr& residual) {
  if (o.dot.quantised()) return cast<int8_t>(requantise(sum, channel, in.out_requantiser, 0));
  return clamp_activation(sum + residual, in.out_act);
}

}  // namespace sepconv
