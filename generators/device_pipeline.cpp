#include "device_pipeline.h"

#include <algorithm>
#include <string>

#include "device_time.h"

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

// Where pixel p of the output lies.
struct Position {
  std::vector<Expr> at;  // along each axis
  Expr image;
  Expr inside;  // false for what a window has beyond the last row
};

Position position_of(const DeviceStages& s, const DeviceInputs& in, int window) {
  Position position;
  position.inside = cast<bool>(true);
  Expr rest = s.p / window;
  for (size_t a = 0; a < in.axes.size(); a++) {
    const Expr count = in.axes[a].out_extent;
    const bool windows = window > 1 && static_cast<int>(a) == s.window_axis;
    const Expr extent = windows ? quotient(count + window - 1, window) : count;
    Expr at = remainder(rest, extent);
    rest = quotient(rest, extent);
    if (windows) {
      at = at * window + s.p % window;
      position.inside = at < count;
    }
    position.at.push_back(at);
  }
  position.image = Halide::min(rest, in.batch - 1);  // the last block's tile runs past the last pixel
  return position;
}

// origin, place and number: what a block's threads look up, so that they divide once.
void make_lookups(const DeviceInputs& in, DeviceStages* s) {
  const DeviceOptions& o = s->options;
  const auto found = [](const Position& position, const Expr& index) { return select(position.inside, index, -1); };
  const Position mid = position_of(*s, in, o.window), out = position_of(*s, in, o.output_window());
  std::vector<Expr> starts;
  Expr number = mid.image, to = in.output_offset + out.image * in.out_image_pitch,
       residual = in.residual_offset + out.image * in.residual_image_pitch;
  for (size_t a = in.axes.size(); a-- > 0;) number = number * in.axes[a].out_extent + mid.at[a];
  for (size_t a = 0; a < in.axes.size(); a++) {
    const DeviceAxis& axis = in.axes[a];
    starts.push_back(mid.at[a] * axis.stride - axis.pad_before);
    to += out.at[a] * axis.out_pitch;
    residual += out.at[a] * axis.residual_pitch;
  }
  starts.push_back(mid.image);
  s->origin = Func("origin");
  s->origin(s->p) = Tuple(starts);
  s->place = Func("place");
  s->place(s->p) = Tuple(found(out, to), residual);
  if (!o.split) return;
  s->number = Func("number");
  s->number(s->p) = found(mid, number);
}

// Of all images, with what windows have beyond the last rows.
Expr window_pixels(const DeviceStages& s, const DeviceInputs& in, int window) {
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
  const Tuple start = s->origin(s->g * s->options.window);
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

// One element of `mid` that a kernel writes which only convolves: its pixel, window by window, and its lane of the
// chunk.
struct MidPoint {
  Expr pixel, lane;
  RDom domain;
};

MidPoint make_stored(const DeviceInputs& in, DeviceStages* s) {
  const DeviceOptions& o = s->options;
  const int vectors = o.chunk / lanes, rows = o.convolving_rows(), tile = rows * o.window;
  // Channels first, neighbouring threads take neighbouring pixels; else the vectors of a pixel.
  RDom at({{Expr(0), Expr(lanes)},
           {Expr(0), Expr(o.window)},
           {Expr(0), Expr(1)},
           {Expr(0), Expr(o.channels_first ? rows : vectors)},
           {Expr(0), Expr(o.channels_first ? vectors : rows)},
           {Expr(0), quotient(window_pixels(*s, in, o.window) + tile - 1, tile)},
           {Expr(0), in.chunks}},
          "stored");
  s->stored = {at[0], at[1], at[2], at[3], at[4], {}, at[5], at[6]};
  const DeviceTiles& t = s->stored;
  const Halide::RVar vec = o.channels_first ? t.ty : t.tx, row = o.channels_first ? t.tx : t.ty;
  return {t.po * tile + (t.i * rows + row) * o.window + t.vec, vec * lanes + t.lane, at};
}

// split: the workspace, [q][p][l], and `flat` read from it.
void make_workspace(const DeviceInputs& in, DeviceStages* s) {
  const DeviceOptions& o = s->options;
  MidPoint point = make_stored(in, s);
  const Expr p = point.pixel, number = s->number(p);
  const Expr inside = p < window_pixels(*s, in, o.window);
  point.domain.where(o.window == 1 ? inside : inside && number >= 0);
  const auto place = [&](const Expr& q, const Expr& p, const Expr& l) {
    return in.workspace_at * granule + (q * in.pixels + p) * o.chunk + l;
  };
  s->workspace = in.workspace;
  s->workspace(s->i) = undef<float>();
  const Expr q = s->stored.outer, to = place(q, number, point.lane);
  s->workspace(Halide::unsafe_promise_clamped(to, 0, in.workspace_extent - 1)) = s->mid(point.lane, p, q);
  s->flat(s->l, s->p, s->q) = s->workspace(place(s->q, Halide::min(s->p, in.pixels - 1), s->l));
}

// The depthwise stage alone: the output is the intermediate, in Keras's order of channels.
void make_depthwise_output(const DeviceInputs& in, DeviceStages* s) {
  const DeviceOptions& o = s->options;
  MidPoint point = make_stored(in, s);
  const DeviceTiles& t = s->stored;
  const Expr p = point.pixel, group = quotient(t.outer, in.multiplier);
  const Expr channel = group * o.chunk + point.lane;
  const Expr vector = group * (o.chunk / lanes) + (o.channels_first ? t.ty : t.tx);
  const Expr to = s->place(p)[0];
  Expr inside = channel < in.in_channels;
  if (!o.channels_first) inside = select(in.vectors, vector < in.in_channels / lanes, inside);
  if (o.window > 1) inside = inside && to >= 0;
  point.domain.where(p < window_pixels(*s, in, o.window) && inside);
  const Expr mid_channel = channel * in.multiplier + remainder(t.outer, in.multiplier);
  const Expr by_lane = to + mid_channel * in.out_channel_pitch;
  s->output_index =
      o.channels_first ? by_lane : select(in.vectors, (quotient(to, lanes) + vector) * lanes + t.lane, by_lane);
  s->output_value = in.storage.narrow(s->mid(point.lane, p, t.outer));
}

// done, and where it goes.
void make_output(const DeviceInputs& in, DeviceStages* s) {
  const DeviceOptions& o = s->options;
  const int channels = o.block_channels(), pixels = o.block_pixels();
  const Expr channel = s->f + channels * s->panel;
  const Expr all_pixels = window_pixels(*s, in, o.output_window());
  Expr sum = 0.0f;
  for (int z = 0; z < o.threads_z; z++) sum += s->shares(s->f, s->p, z, s->panel);
  s->done = Func("done");
  // What is not stored is computed all the same: it reads the first element of the residual.
  const Tuple place = s->place(s->p);
  Expr stored = channel < in.out_channels;
  if (o.output_window() > 1) stored = stored && place[0] >= 0;
  const Expr added = select(stored, place[1] + channel * in.residual_channel_pitch, in.residual_offset);
  const Expr residual = element(in, in.residual, added, in.residual_extent);
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
  const Expr to = s->place(p)[0];
  if (o.threads_z > o.thread_pixels) inside = inside && i < o.thread_pixels;
  if (o.output_window() > 1) inside = inside && to >= 0;
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
  s.window_axis = rank - 1 - internal::window_axis(rank);
  make_lookups(in, &s);
  make_sample(in, &s);
  make_mid(in, &s);
  if (o.depthwise_only) {
    make_depthwise_output(in, &s);
    return s;
  }
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
