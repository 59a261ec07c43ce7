#include "device_pipeline.h"

#include <algorithm>
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

// origin(p): first sample of each axis, image, place in the output, place in the residual, number among all pixels. The
// place in the output is -1 for what a window has beyond the last row.
Func make_origin(const DeviceStages& s, const DeviceInputs& in, int window, const std::string& name) {
  std::vector<Expr> values;
  Expr rest = s.p / window, output = in.output_offset, residual = in.residual_offset;
  Expr inside = cast<bool>(true), number = 0, pitch = 1;
  for (size_t a = 0; a < in.axes.size(); a++) {
    const DeviceAxis& axis = in.axes[a];
    const bool windows = window > 1 && static_cast<int>(a) == s.window_axis;
    const Expr extent = windows ? quotient(axis.out_extent + window - 1, window) : axis.out_extent;
    Expr at = remainder(rest, extent);
    rest = quotient(rest, extent);
    if (windows) {
      at = at * window + s.p % window;
      inside = at < axis.out_extent;
    }
    values.push_back(at * axis.stride - axis.pad_before);
    output += at * axis.out_pitch;
    residual += at * axis.residual_pitch;
    number += at * pitch;
    pitch *= axis.out_extent;
  }
  // The last block's tile runs past the last pixel.
  const Expr image = Halide::min(rest, in.batch - 1);
  values.push_back(image);
  output += image * in.out_image_pitch;
  values.push_back(window > 1 ? select(inside, output, -1) : output);
  values.push_back(residual + image * in.residual_image_pitch);
  if (s.options.split)
    values.push_back(window > 1 ? select(inside, number + image * pitch, -1) : number + image * pitch);
  Func origin(name);
  origin(s.p) = Tuple(values);
  return origin;
}

// Of all images, with what windows have beyond the last rows.
Expr window_pixels(const DeviceStages& s, const DeviceInputs& in) {
  const int window = s.options.window;
  if (window == 1) return in.pixels;
  Expr count = in.batch * window;
  for (size_t a = 0; a < in.axes.size(); a++) {
    const Expr extent = in.axes[a].out_extent;
    count *= static_cast<int>(a) == s.window_axis ? quotient(extent + window - 1, window) : extent;
  }
  return count;
}

// One element of the packed weights: `index` after the beginning of a part.
Expr packed(const DeviceInputs& in, const Expr& part, const Expr& index) {
  return element(in, in.packed, part * granule + index, in.packed_extent);
}

void make_sample(const DeviceInputs& in, DeviceStages* s) {
  const int rank = static_cast<int>(in.axes.size());
  const Func& origin = s->origin_of_mid;
  const Tuple start = origin(s->g * s->options.window);
  const Expr channel = quotient(s->q, in.multiplier) * s->options.chunk + s->l;
  Expr inside = channel < in.in_channels;
  if (!s->options.channels_first) inside = select(in.vectors, channel / lanes < in.in_channels / lanes, inside);
  Expr by_lane = in.input_offset + channel * in.in_channel_pitch + start[rank] * in.in_image_pitch;
  // The same in units of 4 elements, for samples whose channels are adjacent.
  Expr by_vector = in.input_offset / lanes + channel / lanes + start[rank] * (in.in_image_pitch / lanes);
  for (int a = 0; a < rank; a++) {
    const DeviceAxis& axis = in.axes[a];
    const Expr at = start[a] + s->sample_at[a];
    inside = inside && cast<uint32_t>(at) < cast<uint32_t>(axis.in_extent);
    by_lane += at * axis.in_pitch;
    by_vector += at * (axis.in_pitch / lanes);
  }
  const auto read = [&](const Expr& index) { return element(in, in.input, index, in.input_extent); };
  const Expr value = s->options.channels_first
                         ? read(select(inside, by_lane, 0))
                         : select(in.vectors, read(select(inside, by_vector, 0) * lanes + s->l % lanes),
                                  read(select(inside, by_lane, 0)));
  std::vector<Expr> at{s->l, s->g, s->q};
  at.insert(at.end(), s->sample_at.begin(), s->sample_at.end());
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
  std::vector<Expr> sample_at{s->l, s->p / s->options.window, s->q}, kernel_at{s->l, s->q};
  std::vector<Halide::Var> kernel_vars{s->l, s->q};
  for (int a = 0; a < rank; a++) {
    const DeviceAxis& axis = in.axes[a];
    Expr at = s->tap[a] * axis.dilation;
    if (a == s->window_axis && s->options.window > 1) at += s->p % s->options.window * axis.stride;
    sample_at.push_back(at);
    kernel_at.emplace_back(s->tap[a]);
    kernel_vars.push_back(s->tap_at[a]);
    tap_index += s->tap_at[a] * tap_count;
    tap_count *= axis.kernel;
  }
  s->kernel = Func("kernel");
  s->kernel(kernel_vars) = packed(in, in.depthwise_at, s->l + chunk * (tap_index + tap_count * s->q));
  s->taps = Func("taps");
  s->taps(s->l, s->p, s->q) += s->sample(sample_at) * s->kernel(kernel_at);
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
  const int share = s->options.share();
  s->k = RDom({{Expr(0), Expr(share)}, {Expr(0), in.chunks}}, "k");
  const Expr l = s->k[0] + s->z * share, q = s->k[1];
  s->sum = Func("sum");
  s->sum(s->f, s->p, s->z, s->panel) += s->flat(l, s->p, q) * s->weight(s->f, l, q, s->panel);
  s->shares = Func("shares");
  s->shares(s->f, s->p, s->z, s->panel) = s->sum(s->f, s->p, s->z, s->panel);
}

// split: the workspace, [q][p][l], and `flat` read from it.
void make_workspace(const DeviceInputs& in, DeviceStages* s) {
  const DeviceOptions& o = s->options;
  const int rank = static_cast<int>(in.axes.size());
  const Expr all_pixels = window_pixels(*s, in);
  const int vectors = o.chunk / lanes, pixels = o.workspace_rows(), tile = pixels * o.window;
  // Channels first, neighbouring threads take neighbouring pixels; else the vectors of a pixel.
  RDom at({{Expr(0), Expr(lanes)},
           {Expr(0), Expr(o.window)},
           {Expr(0), Expr(1)},
           {Expr(0), Expr(o.channels_first ? pixels : vectors)},
           {Expr(0), Expr(o.channels_first ? vectors : pixels)},
           {Expr(0), quotient(all_pixels + tile - 1, tile)},
           {Expr(0), in.chunks}},
          "stored");
  s->stored = {at[0], at[1], at[2], at[3], at[4], {}, at[5], at[6]};
  const DeviceTiles& t = s->stored;
  const Halide::RVar vec = o.channels_first ? t.ty : t.tx, pixel = o.channels_first ? t.tx : t.ty;
  const Expr p = t.po * tile + (t.i * pixels + pixel) * o.window + t.vec, l = vec * lanes + t.lane;
  const Expr number = s->origin_of_mid(p)[rank + 3];
  at.where(o.window == 1 ? p < all_pixels : p < all_pixels && number >= 0);
  const auto place = [&](const Expr& q, const Expr& p, const Expr& l) {
    return in.workspace_at * granule + (q * in.pixels + p) * o.chunk + l;
  };
  s->workspace = in.workspace;
  s->workspace(s->i) = undef<float>();
  const Expr to = Halide::unsafe_promise_clamped(place(t.outer, number, l), 0, in.workspace_extent - 1);
  s->workspace(to) = s->mid(l, p, t.outer);
  s->flat(s->l, s->p, s->q) = s->workspace(place(s->q, Halide::min(s->p, in.pixels - 1), s->l));
}

// done, and where it goes.
void make_output(const DeviceInputs& in, DeviceStages* s) {
  const DeviceOptions& o = s->options;
  const int rank = static_cast<int>(in.axes.size()), channels = o.block_channels(), pixels = o.block_pixels();
  const Expr channel = s->f + channels * s->panel;
  const Expr all_pixels = o.split ? in.pixels : window_pixels(*s, in);
  Expr sum = 0.0f;
  for (int z = 0; z < o.threads_z; z++) sum += s->shares(s->f, s->p, z, s->panel);
  s->done = Func("done");
  const Expr residual =
      element(in, in.residual, s->origin(s->p)[rank + 2] + channel * in.residual_channel_pitch, in.residual_extent);
  s->done(s->f, s->p, s->panel) = clamp_activation(packed(in, in.out_bias_at, channel) + sum + residual, in.out_act);
  if (o.all_activations) {
    s->out_pass = RDom(0, general_passes(in.out_act), "out_pass");
    s->done(s->f, s->p, s->panel) = in_pass(s->out_pass, general_activation(s->done(s->f, s->p, s->panel), in.out_act));
  }

  RDom at({{Expr(0), Expr(lanes)},
           {Expr(0), Expr(o.thread_vectors)},
           {Expr(0), Expr(std::max(o.thread_pixels / o.threads_z, 1))},
           {Expr(0), Expr(o.threads_x)},
           {Expr(0), Expr(o.threads_y)},
           {Expr(0), Expr(o.threads_z)},
           {Expr(0), quotient(all_pixels + pixels - 1, pixels)},
           {Expr(0), quotient(in.out_channels + channels - 1, channels)}},
          "at");
  s->at = {at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7]};
  const DeviceTiles& t = s->at;
  // In shared memory the vectors of one load lie beside each other, so a thread's own are a row of vectors apart.
  const Expr vec = o.channels_first ? t.ty * o.thread_vectors + t.vec : t.vec * o.threads_x + t.tx;
  // Neighbouring threads take neighbouring pixels; what they summed apart, they write apart.
  const Expr i = t.i * o.threads_z + t.tz;
  const Expr p = t.po * pixels + i * o.pixel_threads() + (o.channels_first ? t.tx : t.ty);
  const Expr f = t.outer * channels + vec * lanes + t.lane, f_vector = t.outer * (channels / lanes) + vec;
  Expr inside = f < in.out_channels;
  if (!o.channels_first) inside = select(in.vectors, f_vector < in.out_channels / lanes, inside);
  const Expr to = s->origin(p)[rank + 1];
  if (o.threads_z > o.thread_pixels) inside = inside && i < o.thread_pixels;
  if (!o.split && o.window > 1) inside = inside && to >= 0;
  at.where(p < all_pixels && inside);
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
  for (int a = 0; a < rank; a++) {
    s.tap_at.emplace_back("tap_" + std::string(1, "xyz"[a]));
    s.sample_at.emplace_back("at_" + std::string(1, "xyz"[a]));
  }
  s.window_axis = rank > 1 ? 1 : 0;
  s.origin = make_origin(s, in, o.split ? 1 : o.window, "origin");
  s.origin_of_mid = o.split ? make_origin(s, in, o.window, "origin_of_mid") : s.origin;
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
