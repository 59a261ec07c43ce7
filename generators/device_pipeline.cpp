#include "device_pipeline.h"

#include <string>

using Halide::cast;
using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::select;
using Halide::Tuple;
using Halide::undef;

namespace sepconv {
namespace {

constexpr int lanes = DeviceOptions::lanes, granule = DeviceOptions::granule;

// One element of a flat array.
Expr element(const DeviceInputs& in, const Func& array, const Expr& index, const Expr& extent) {
  return in.storage.widen(array(Halide::unsafe_promise_clamped(index, 0, extent - 1)));
}

// Numbers that are known not to be negative divide as unsigned ones, which is cheaper.
Expr quotient(const Expr& a, const Expr& b) { return cast<int32_t>(cast<uint32_t>(a) / cast<uint32_t>(b)); }
Expr remainder(const Expr& a, const Expr& b) { return cast<int32_t>(cast<uint32_t>(a) % cast<uint32_t>(b)); }

// origin(p): first sample of each axis, image, place in the output, place in the residual.
Func make_origin(const DeviceStages& s, const DeviceInputs& in, const std::string& name) {
  std::vector<Expr> values;
  Expr rest = s.p, output = in.output_offset, residual = in.residual_offset;
  for (const DeviceAxis& axis : in.axes) {
    const Expr at = remainder(rest, axis.out_extent);
    rest = quotient(rest, axis.out_extent);
    values.push_back(at * axis.stride - axis.pad_before);
    output += at * axis.out_pitch;
    residual += at * axis.residual_pitch;
  }
  // The last block's tile runs past the last pixel.
  const Expr image = Halide::min(rest, in.batch - 1);
  values.push_back(image);
  values.push_back(output + image * in.out_image_pitch);
  values.push_back(residual + image * in.residual_image_pitch);
  Func origin(name);
  origin(s.p) = Tuple(values);
  return origin;
}

// One element of the packed weights: `index` after the beginning of a part.
Expr packed(const DeviceInputs& in, const Expr& part, const Expr& index) {
  return element(in, in.packed, part * granule + index, in.packed_extent);
}

void make_sample(const DeviceInputs& in, DeviceStages* s) {
  const int rank = static_cast<int>(in.axes.size());
  const Func& origin = s->origin_of_mid;
  const Tuple start = origin(s->p);
  const Expr channel = quotient(s->q, in.multiplier) * s->options.chunk + s->l;
  Expr inside = channel < in.in_channels;
  if (!s->options.channels_first) inside = select(in.vectors, channel / lanes < in.in_channels / lanes, inside);
  Expr by_lane = in.input_offset + channel * in.in_channel_pitch + start[rank] * in.in_image_pitch;
  // The same in units of 4 elements, for samples whose channels are adjacent.
  Expr by_vector = in.input_offset / lanes + channel / lanes + start[rank] * (in.in_image_pitch / lanes);
  for (int a = 0; a < rank; a++) {
    const DeviceAxis& axis = in.axes[a];
    const Expr at = start[a] + s->tap_at[a] * axis.dilation;
    inside = inside && cast<uint32_t>(at) < cast<uint32_t>(axis.in_extent);
    by_lane += at * axis.in_pitch;
    by_vector += at * (axis.in_pitch / lanes);
  }
  const auto read = [&](const Expr& index) { return element(in, in.input, index, in.input_extent); };
  const Expr value = s->options.channels_first
                         ? read(select(inside, by_lane, 0))
                         : select(in.vectors, read(select(inside, by_vector, 0) * lanes + s->l % lanes),
                                  read(select(inside, by_lane, 0)));
  std::vector<Expr> at{s->l, s->p, s->q};
  at.insert(at.end(), s->tap_at.begin(), s->tap_at.end());
  s->sample = Func("sample");
  s->sample(at) = select(inside, clamp_activation(value, in.in_act), 0.0f);
  if (!s->options.all_activations) return;
  s->sample_pass = RDom(0, general_passes(in.in_act), "sample_pass");
  const Expr old = s->sample(at);
  s->sample(at) = in_pass(s->sample_pass, select(inside, general_activation(old, in.in_act), 0.0f));
}

// taps and mid
void make_mid(const DeviceInputs& in, DeviceStages* s) {
  const int rank = static_cast<int>(in.axes.size()), chunk = s->options.chunk;
  Halide::Region bounds;
  Expr tap_index = 0, tap_count = 1;
  for (const DeviceAxis& axis : in.axes) bounds.emplace_back(Expr(0), axis.kernel);
  s->tap = RDom(bounds, "tap");
  std::vector<Expr> at{s->l, s->p, s->q};
  for (int a = 0; a < rank; a++) {
    at.emplace_back(s->tap[a]);
    tap_index += s->tap[a] * tap_count;
    tap_count *= in.axes[a].kernel;
  }
  s->taps = Func("taps");
  s->taps(s->l, s->p, s->q) +=
      s->sample(at) * packed(in, in.depthwise_at, s->l + chunk * (tap_index + tap_count * s->q));
  s->mid = Func("mid");
  s->mid(s->l, s->p, s->q) =
      clamp_activation(s->taps(s->l, s->p, s->q) + packed(in, in.mid_bias_at, s->l + chunk * s->q), in.mid_act);
  if (!s->options.all_activations) return;
  s->mid_pass = RDom(0, general_passes(in.mid_act), "mid_pass");
  s->mid(s->l, s->p, s->q) = in_pass(s->mid_pass, general_activation(s->mid(s->l, s->p, s->q), in.mid_act));
}

void make_sum(const DeviceInputs& in, DeviceStages* s) {
  const int chunk = s->options.chunk, panel = s->options.block_channels();
  // Halide computes what a loop needs in the order of the names, and takes the last stage of the loop that reads an
  // array for the last that needs it, though the loop goes on. Named so, the weights come before what reads `origin`,
  // and so do not get its memory.
  s->weight = Func("a_weight");
  s->weight(s->f, s->l, s->q, s->panel) =
      packed(in, in.pointwise_at, s->f + panel * (s->l + chunk * (s->q + in.chunks * s->panel)));
  s->k = RDom({{Expr(0), Expr(chunk)}, {Expr(0), in.chunks}}, "k");
  s->sum = Func("sum");
  s->sum(s->f, s->p, s->panel) += s->flat(s->k[0], s->p, s->k[1]) * s->weight(s->f, s->k[0], s->k[1], s->panel);
}

// split: the workspace, [q][p][l], and `flat` read from it.
void make_workspace(const DeviceInputs& in, DeviceStages* s) {
  const DeviceOptions& o = s->options;
  const int vectors = o.chunk / lanes, tile = o.block_pixels(), pixels = o.threads_x * o.threads_y / vectors;
  // Channels first, neighbouring threads take neighbouring pixels; else the vectors of a pixel.
  RDom at({{Expr(0), Expr(lanes)},
           {Expr(0), Expr(tile / pixels)},
           {Expr(0), Expr(o.channels_first ? pixels : vectors)},
           {Expr(0), Expr(o.channels_first ? vectors : pixels)},
           {Expr(0), quotient(in.pixels + tile - 1, tile)},
           {Expr(0), in.chunks}},
          "stored");
  s->stored = {at[0], {}, at[1], at[2], at[3], at[4], at[5]};
  const DeviceTiles& t = s->stored;
  const Halide::RVar vec = o.channels_first ? t.ty : t.tx, pixel = o.channels_first ? t.tx : t.ty;
  const Expr p = t.po * tile + t.i * pixels + pixel, l = vec * lanes + t.lane;
  at.where(p < in.pixels);
  const auto place = [&](const Expr& q, const Expr& p, const Expr& l) {
    return in.workspace_at * granule + (q * in.pixels + p) * o.chunk + l;
  };
  s->workspace = in.workspace;
  s->workspace(s->i) = undef<float>();
  s->workspace(place(t.outer, p, l)) = s->mid(l, p, t.outer);
  s->flat(s->l, s->p, s->q) = s->workspace(place(s->q, Halide::min(s->p, in.pixels - 1), s->l));
}

// done, and where it goes.
void make_output(const DeviceInputs& in, DeviceStages* s) {
  const DeviceOptions& o = s->options;
  const int rank = static_cast<int>(in.axes.size()), channels = o.block_channels(), pixels = o.block_pixels();
  const Expr channel = s->f + channels * s->panel;
  s->done = Func("done");
  const Expr residual =
      element(in, in.residual, s->origin(s->p)[rank + 2] + channel * in.residual_channel_pitch, in.residual_extent);
  s->done(s->f, s->p, s->panel) =
      clamp_activation(packed(in, in.out_bias_at, channel) + s->sum(s->f, s->p, s->panel) + residual, in.out_act);
  if (o.all_activations) {
    s->out_pass = RDom(0, general_passes(in.out_act), "out_pass");
    s->done(s->f, s->p, s->panel) = in_pass(s->out_pass, general_activation(s->done(s->f, s->p, s->panel), in.out_act));
  }

  RDom at({{Expr(0), Expr(lanes)},
           {Expr(0), Expr(o.thread_vectors)},
           {Expr(0), Expr(o.thread_pixels)},
           {Expr(0), Expr(o.threads_x)},
           {Expr(0), Expr(o.threads_y)},
           {Expr(0), quotient(in.pixels + pixels - 1, pixels)},
           {Expr(0), quotient(in.out_channels + channels - 1, channels)}},
          "at");
  s->at = {at[0], at[1], at[2], at[3], at[4], at[5], at[6]};
  const DeviceTiles& t = s->at;
  // In shared memory the vectors of one load lie beside each other, so a thread's own are a row of vectors apart.
  const Expr vec = o.channels_first ? t.ty * o.thread_vectors + t.vec : t.vec * o.threads_x + t.tx;
  const Expr p = t.po * pixels + (o.channels_first ? t.i * o.threads_x + t.tx : t.ty * o.thread_pixels + t.i);
  const Expr f = t.outer * channels + vec * lanes + t.lane, f_vector = t.outer * (channels / lanes) + vec;
  Expr inside = f < in.out_channels;
  if (!o.channels_first) inside = select(in.vectors, f_vector < in.out_channels / lanes, inside);
  at.where(p < in.pixels && inside);
  const Expr to = s->origin(p)[rank + 1];
  const Expr by_lane = to + f * in.out_channel_pitch;
  s->output_index =
      o.channels_first ? by_lane : select(in.vectors, (quotient(to, lanes) + f_vector) * lanes + t.lane, by_lane);
  s->output_value = in.storage.narrow(s->done(vec * lanes + t.lane, p, t.outer));
}

}  // namespace

DeviceStages make_device_pipeline(const DeviceInputs& in, const DeviceOptions& o, int rank) {
  DeviceStages s;
  s.options = o;
  s.vectors = in.vectors;
  for (int a = 0; a < rank; a++) s.tap_at.emplace_back("tap_" + std::string(1, "xyz"[a]));
  s.origin = make_origin(s, in, "origin");
  s.origin_of_mid = o.split ? make_origin(s, in, "origin_of_mid") : s.origin;
  make_sample(in, &s);
  make_mid(in, &s);
  s.flat = Func("flat");
  if (o.split) {
    make_workspace(in, &s);
  } else {
    s.flat(s.l, s.p, s.q) = s.mid(s.l, s.p, s.q);
  }
  make_sum(in, &s);
  make_output(in, &s);
  return s;
}

}  // namespace sepconv
