#include "support/loop_variant.h"

#include <HalideRuntime.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "scratch.h"

namespace sepconv::test {

std::atomic<int> loop_scratch_percent{0};
std::atomic<int64_t> loop_calls{0};
std::atomic<int64_t> loop_fail_after{-1};

namespace {

// What a row's entry is compiled with; 0 means "any".
struct Compiled {
  int rank, tile_pixels, depthwise_tile;
  int chunk, panel;
  int stride, dilation, taps, multiplier, in_channels, out_channels, width;
};

// The kind of a row, in the terms of variant_table.h.
enum Kind : int { kLast = 0, kFirst = 1, kDepthwise = 2 };  // bits

// One block of the task's arena, as Halide would hold it.
template <typename T>
class Block {
 public:
  Block(void* arena, int64_t elements)
      : arena_(arena),
        data_(static_cast<T*>(sepconv_scratch_malloc(arena, static_cast<size_t>(elements) * sizeof(T)))) {
    // The contract lets a variant read 64 bytes on either side.
    constexpr int64_t guard = 64 / static_cast<int64_t>(sizeof(T));
    volatile T sink = 0;
    if (data_ != nullptr && elements > 0) sink = data_[-guard] + data_[elements + guard - 1];
    (void)sink;
    // No value is there before it is computed.
    if (data_ != nullptr) std::fill(data_, data_ + elements, std::numeric_limits<T>::quiet_NaN());
  }
  ~Block() { release(); }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  void release() { sepconv_scratch_free(arena_, data_), data_ = nullptr; }
  int failure() const {
    if (data_ == nullptr) return loop_out_of_scratch;
    return reinterpret_cast<uintptr_t>(data_) % 64 == 0 ? 0 : loop_unaligned_block;
  }
  T& operator[](int64_t i) const { return data_[i]; }

 private:
  void* arena_;
  T* data_;
};

struct Axis {
  int64_t stride, dilation, pad_before, strip_min, strip_extent;
  int64_t taps, input_min, input_extent, input_pitch;
};

// The arguments of a call, read in the order of the contract. Axis 0 is x.
struct Call {
  void* arena;
  const halide_buffer_t *input, *depthwise, *mid_bias, *pointwise, *out_bias, *residual;
  Axis axis[3];
  int64_t in_channels, channel_pitch;
  int64_t multiplier, sum_channels, sum_block;
  sepconv_activation in, mid, out;
  halide_buffer_t* output;

  Call(void** argv, int rank, bool channels_first) {
    const auto number = [&] { return int64_t{*static_cast<const int32_t*>(*argv++)}; };
    const auto real = [&] { return *static_cast<const float*>(*argv++); };
    arena = *static_cast<void**>(*argv++);
    for (const halide_buffer_t** buffer : {&input, &depthwise, &mid_bias, &pointwise, &out_bias, &residual}) {
      *buffer = static_cast<const halide_buffer_t*>(*argv++);
    }
    const halide_dimension_t& channel = input->dim[channels_first ? rank : 0];
    in_channels = channel.min == 0 ? channel.extent : 0;
    channel_pitch = channel.stride;
    for (int i = 0; i < 3; ++i) {
      axis[i] = {1, 1, 0, 0, 1, 1, 0, 1, 0};
      if (i >= rank) continue;
      for (int64_t* field :
           {&axis[i].stride, &axis[i].dilation, &axis[i].pad_before, &axis[i].strip_min, &axis[i].strip_extent}) {
        *field = number();
      }
      axis[i].taps = depthwise->dim[1 + i].extent;
      const halide_dimension_t& dim = input->dim[channels_first ? i : i + 1];
      axis[i].input_min = dim.min;
      axis[i].input_extent = dim.extent;
      axis[i].input_pitch = dim.stride;
    }
    multiplier = number();
    sum_channels = number();
    sum_block = number();
    argv += 2;  // ahead, ahead_lines: nothing that a result depends on
    sepconv_activation* const activations[] = {&in, &mid, &out};
    for (sepconv_activation* activation : activations)
      activation->kind = static_cast<sepconv_activation_kind>(number());
    for (sepconv_activation* activation : activations) {
      activation->lo = real();
      activation->hi = real();
    }
    output = static_cast<halide_buffer_t*>(*argv);
  }
};

template <typename T>
const T* data_of(const halide_buffer_t* buffer) {
  return reinterpret_cast<const T*>(buffer->host);
}

// Whether a buffer is a dense tensor of T of these extents, innermost first, with every min 0.
template <typename T>
bool is_dense(const halide_buffer_t* buffer, const std::vector<int64_t>& extents) {
  if (buffer->host == nullptr || buffer->device != 0 || buffer->flags != 0) return false;
  if (buffer->type != halide_type_t(halide_type_float, 8 * sizeof(T))) return false;
  if (buffer->dimensions != static_cast<int>(extents.size())) return false;
  int64_t pitch = 1;
  for (size_t i = 0; i < extents.size(); ++i) {
    const halide_dimension_t& dim = buffer->dim[i];
    if (dim.min != 0 || dim.extent != extents[i] || dim.stride != pitch) return false;
    pitch *= extents[i];
  }
  return true;
}

// The output or the residual of a call: element (f, p) is data[f * channel + p * pixel].
template <typename T>
struct Pixels {
  T* data;
  int64_t channels, pixels, channel, pixel;
  bool good;  // mins 0, the innermost dimension dense

  Pixels(const halide_buffer_t* buffer, int kind) : data(reinterpret_cast<T*>(buffer->host)) {
    const bool first = (kind & kFirst) != 0;
    const int outer = buffer->dimensions - 1;
    const halide_dimension_t &p = buffer->dim[first ? 0 : outer], &c = buffer->dim[first ? outer : outer - 1];
    good = buffer->host != nullptr && buffer->type == halide_type_t(halide_type_float, 8 * sizeof(T)) &&
           buffer->dimensions == ((kind & kDepthwise) != 0 ? 3 : 2) && buffer->dim[0].stride == 1;
    for (int i = 0; i <= outer; ++i) good = good && buffer->dim[i].min == 0;
    pixels = p.extent;
    pixel = p.stride;
    channels = c.extent;
    channel = c.stride;
    if ((kind & kDepthwise) == 0) return;
    // c * M + m
    const halide_dimension_t& m = buffer->dim[first ? 1 : 0];
    good = good && (c.extent == 1 || c.stride == int64_t{m.extent} * m.stride);
    channels *= m.extent;
    channel = m.stride;
  }
};

template <typename T>
int check(const Call& call, const Compiled& row, int kind, int64_t pixels) {
  const int64_t in_channels = call.in_channels;
  const int64_t chunks = (in_channels + row.chunk - 1) / row.chunk * call.multiplier, channels = chunks * row.chunk;
  std::vector<int64_t> depthwise = {row.chunk};
  for (int i = 0; i < row.rank; ++i) depthwise.push_back(call.axis[i].taps);
  depthwise.push_back(chunks);
  const Pixels<T> output(call.output, kind), residual(call.residual, kind & kFirst);
  const bool summed = (kind & kDepthwise) == 0;
  if (!is_dense<T>(call.depthwise, depthwise) || !is_dense<T>(call.mid_bias, {channels}) ||
      call.input->dimensions != row.rank + 1 || in_channels <= 0 || call.input->dim[0].stride != 1 || !output.good) {
    return loop_bad_buffer;
  }
  if (summed) {
    const int64_t panels = call.pointwise->dim[2].extent, outputs = output.channels;
    if (!is_dense<T>(call.pointwise, {row.panel, channels, panels}) ||
        !is_dense<T>(call.out_bias, {panels * row.panel}) || outputs <= (panels - 1) * row.panel ||
        outputs > panels * row.panel || !residual.good || residual.channels != outputs ||
        residual.pixels != output.pixels) {
      return loop_bad_buffer;
    }
  } else if (output.channels != in_channels * call.multiplier) {
    return loop_bad_buffer;
  }
  if (row.multiplier != 0 && call.multiplier != row.multiplier) return loop_bad_buffer;
  if (row.in_channels != 0 && in_channels != row.in_channels) return loop_bad_buffer;
  const int64_t sum = call.multiplier == 1 ? (in_channels + 3) / 4 * 4 : channels;
  if (call.sum_channels != sum || call.sum_block <= 0 || call.sum_block % (row.chunk * call.multiplier) != 0) {
    return loop_bad_sum;
  }
  for (int i = 0; i < row.rank; ++i) {
    const Axis& axis = call.axis[i];
    if (axis.strip_extent <= 0 || axis.strip_min < 0 || axis.input_extent <= 0 || axis.input_min < 0)
      return loop_bad_strip;
    if (axis.stride <= 0 || axis.dilation <= 0 || axis.pad_before < 0 || axis.taps <= 0) return loop_bad_strip;
    if (row.stride != 0 && axis.stride != row.stride) return loop_bad_strip;
    if (row.dilation != 0 && axis.dilation != row.dilation) return loop_bad_strip;
    if (row.taps != 0 && axis.taps != row.taps) return loop_bad_strip;
  }
  // Rows with a fixed in_extent see whole rows.
  if (row.width != 0 && (call.axis[0].input_min != 0 || call.axis[0].input_extent != row.width)) return loop_bad_strip;
  if (output.pixels < pixels || output.pixels < row.tile_pixels) return loop_small_output;
  return 0;
}

template <typename T>
T activate(T x, const sepconv_activation& activation) {
  switch (activation.kind) {
    case SEPCONV_ACTIVATION_SWISH:
      return x / (1 + std::exp(-x));
    case SEPCONV_ACTIVATION_HARD_SWISH:
      return x * std::min(std::max(x + 3, T{0}), T{6}) / 6;
    case SEPCONV_ACTIVATION_SIGMOID:
      return 1 / (1 + std::exp(-x));
    case SEPCONV_ACTIVATION_TANH:
      return std::tanh(x);
    case SEPCONV_ACTIVATION_GELU:
      return x / 2 * (1 + std::tanh(T(0.79788456080286536) * (x + T(0.044715) * x * x * x)));
    default:
      return std::min(std::max(x, T(activation.lo)), T(activation.hi));
  }
}

// The staged input: [z, y, x, lane], the samples under the strip, along x in whole depthwise tiles. A chunk at a time,
// with channels first one channel.
struct Staging {
  int64_t extent[3], first[3], lanes, elements;

  Staging(const Call& call, const Compiled& row, int kind)
      : lanes((kind & kFirst) != 0 ? 1 : row.chunk), elements(lanes) {
    for (int i = 0; i < 3; ++i) {
      const Axis& axis = call.axis[i];
      const int64_t tile = i == 0 ? row.depthwise_tile : 1;
      const int64_t wide = (axis.strip_extent + tile - 1) / tile * tile;
      extent[i] = (wide - 1) * axis.stride + (axis.taps - 1) * axis.dilation + 1;
      first[i] = axis.strip_min * axis.stride - axis.pad_before;
      elements *= extent[i];
    }
  }
  int64_t at(int64_t z, int64_t y, int64_t x) const { return (z * extent[1] + y) * extent[0] + x; }
};

template <typename T>
void stage(const Call& call, const Compiled& row, const Staging& staging, int64_t first_channel,
           const Block<T>& staged) {
  for (int64_t z = 0; z < staging.extent[2]; ++z) {
    for (int64_t y = 0; y < staging.extent[1]; ++y) {
      for (int64_t x = 0; x < staging.extent[0]; ++x) {
        const int64_t at[3] = {staging.first[0] + x, staging.first[1] + y, staging.first[2] + z};
        bool inside = true;
        int64_t index = 0;
        for (int i = 0; i < 3; ++i) {
          const Axis& axis = call.axis[i];
          inside = inside && at[i] >= axis.input_min && at[i] < axis.input_min + axis.input_extent;
          index += (at[i] - axis.input_min) * axis.input_pitch;
          if (i >= row.rank) inside = inside && at[i] == 0;
        }
        for (int64_t lane = 0; lane < staging.lanes; ++lane) {
          const int64_t c = first_channel + lane;
          T& to = staged[staging.at(z, y, x) * staging.lanes + lane];
          to = 0;
          if (inside && c < call.in_channels) {
            to = activate(data_of<T>(call.input)[index + c * call.channel_pitch], call.in);
          }
        }
      }
    }
  }
}

// D of chunk q at one pixel of the strip and one lane.
template <typename T>
T convolve(const Call& call, const Compiled& row, const Staging& staging, const Block<T>& staged, int64_t q,
           int64_t lane, const int64_t (&pixel)[3]) {
  const Axis* axis = call.axis;
  const int64_t taps = axis[0].taps * axis[1].taps * axis[2].taps;
  T value = 0;
  int64_t tap = 0;
  for (int64_t tz = 0; tz < axis[2].taps; ++tz) {
    for (int64_t ty = 0; ty < axis[1].taps; ++ty) {
      for (int64_t tx = 0; tx < axis[0].taps; ++tx, ++tap) {
        const int64_t at = staging.at(pixel[2] * axis[2].stride + tz * axis[2].dilation,
                                      pixel[1] * axis[1].stride + ty * axis[1].dilation,
                                      pixel[0] * axis[0].stride + tx * axis[0].dilation);
        value += staged[at * staging.lanes + lane % staging.lanes] *
                 data_of<T>(call.depthwise)[(q * taps + tap) * row.chunk + lane];
      }
    }
  }
  return activate(value + data_of<T>(call.mid_bias)[q * row.chunk + lane], call.mid);
}

// d[p, k - k0] for the chunks that k0 <= k < k1 touches.
template <typename T>
int fill_block(const Call& call, const Compiled& row, int kind, int64_t k0, int64_t k1, const Block<T>& d) {
  const Staging staging(call, row, kind);
  for (int64_t k = k0 / row.chunk * row.chunk; k < (k1 + row.chunk - 1) / row.chunk * row.chunk; k += staging.lanes) {
    Block<T> staged(call.arena, staging.elements);
    if (int failure = staged.failure()) return failure;
    const int64_t q = k / row.chunk;
    stage(call, row, staging, q / call.multiplier * row.chunk + k % row.chunk, staged);
    int64_t p = 0;
    for (int64_t z = 0; z < call.axis[2].strip_extent; ++z) {
      for (int64_t y = 0; y < call.axis[1].strip_extent; ++y) {
        for (int64_t x = 0; x < call.axis[0].strip_extent; ++x, ++p) {
          for (int64_t lane = k % row.chunk; lane < k % row.chunk + staging.lanes; ++lane) {
            d[p * call.sum_block + q * row.chunk + lane - k0] =
                convolve(call, row, staging, staged, q, lane, {x, y, z});
          }
        }
      }
    }
  }
  return 0;
}

// The depthwise stage alone, a chunk of input channels at a time. Pixels past the strip's last become NaN.
template <typename T>
int compute_depthwise(const Call& call, const Compiled& row, int kind, int64_t pixels) {
  const Pixels<T> output(call.output, kind);
  const int64_t lanes = row.chunk, group = lanes * call.multiplier;
  for (int64_t c0 = 0; c0 < call.in_channels; c0 += lanes) {
    Block<T> d(call.arena, (pixels + row.depthwise_tile) * call.sum_block);
    if (int failure = d.failure()) return failure;
    const int64_t k0 = c0 / lanes * group;
    if (int failure = fill_block(call, row, kind, k0, k0 + group, d)) return failure;
    for (int64_t lane = 0; lane < lanes && c0 + lane < call.in_channels; ++lane) {
      for (int64_t m = 0; m < call.multiplier; ++m) {
        const int64_t f = (c0 + lane) * call.multiplier + m;
        for (int64_t p = 0; p < output.pixels; ++p) {
          output.data[f * output.channel + p * output.pixel] =
              p < pixels ? d[p * call.sum_block + m * lanes + lane] : std::numeric_limits<T>::quiet_NaN();
        }
      }
    }
  }
  return 0;
}

template <typename T>
int compute(const Call& call, const Compiled& row, int kind, int64_t pixels) {
  const int64_t panel = row.panel, channels = call.pointwise->dim[1].extent, panels = call.pointwise->dim[2].extent;
  const Pixels<T> output(call.output, kind), residual(call.residual, kind);
  const int64_t blocks = (call.sum_channels + call.sum_block - 1) / call.sum_block;
  const int64_t tiles = (pixels + row.tile_pixels - 1) / row.tile_pixels * row.tile_pixels;
  // With one block the sums go straight to the output, as they do in a compiled variant.
  Block<T> partial(call.arena, blocks > 1 ? tiles * panels * panel : 1);
  if (int failure = blocks > 1 ? partial.failure() : 0) return failure;
  std::vector<T> direct;
  if (blocks == 1) {
    partial.release();
    direct.resize(static_cast<size_t>(tiles * panels * panel));
  }
  const auto sum = [&](int64_t f, int64_t p) -> T& {
    const int64_t i = (f / panel * tiles + p) * panel + f % panel;
    return blocks > 1 ? partial[i] : direct[static_cast<size_t>(i)];
  };
  for (int64_t f = 0; f < panels * panel; ++f) {
    for (int64_t p = 0; p < pixels; ++p) sum(f, p) = 0;
  }
  for (int64_t k0 = 0; k0 < call.sum_channels; k0 += call.sum_block) {
    const int64_t k1 = std::min(k0 + call.sum_block, call.sum_channels);
    Block<T> d(call.arena, (tiles + row.depthwise_tile) * call.sum_block);
    if (int failure = d.failure()) return failure;
    if (int failure = fill_block(call, row, kind, k0, k1, d)) return failure;
    for (int64_t f = 0; f < panels * panel; ++f) {
      for (int64_t p = 0; p < pixels; ++p) {
        for (int64_t k = k0; k < k1; ++k) {
          sum(f, p) += d[p * call.sum_block + k - k0] *
                       data_of<T>(call.pointwise)[(f / panel * channels + k) * panel + f % panel];
        }
      }
    }
  }
  for (int64_t p = 0; p < output.pixels; ++p) {
    for (int64_t f = 0; f < output.channels; ++f) {
      T& to = output.data[f * output.channel + p * output.pixel];
      to = std::numeric_limits<T>::quiet_NaN();
      if (p >= pixels) continue;
      to = activate(sum(f, p) + data_of<T>(call.out_bias)[f] + residual.data[f * residual.channel + p * residual.pixel],
                    call.out);
    }
  }
  return 0;
}

template <typename T>
int run(void** argv, const Compiled& row, int kind) {
  loop_calls.fetch_add(1);
  if (loop_fail_after.load() >= 0 && loop_fail_after.fetch_sub(1) == 0) return loop_asked_to_fail;
  const Call call(argv, row.rank, (kind & kFirst) != 0);
  int64_t pixels = 1;
  for (const Axis& axis : call.axis) pixels *= axis.strip_extent;
  int failure = check<T>(call, row, kind, pixels);
  if (failure == 0) {
    failure =
        (kind & kDepthwise) != 0 ? compute_depthwise<T>(call, row, kind, pixels) : compute<T>(call, row, kind, pixels);
  }
  const auto& arena = *static_cast<const internal::ScratchArena*>(call.arena);
  const size_t size = static_cast<size_t>(arena.end - arena.begin);
  const int percent = static_cast<int>((arena.high_water * 100 + size - 1) / size);
  int seen = loop_scratch_percent.load();
  while (percent > seen && !loop_scratch_percent.compare_exchange_weak(seen, percent)) {
  }
  return failure;
}

// A row and its entry. The numbers reach the entry as a template's, as they reach a compiled variant.
template <typename T, int row_kind, int... Numbers>
struct Entry {
  using Element = T;
  static constexpr int kind = row_kind;
  static constexpr Compiled row = {Numbers...};
  static int call(void** argv) { return run<T>(argv, row, kind); }
};

template <typename EntryOf>
sepconv_variant make_row(const char* name, int sum_block, int strip_pixels = 0, int height = 0) {
  constexpr Compiled row = EntryOf::row;
  sepconv_variant variant = {};
  variant.name = name;
  variant.target = "portable";
  variant.entry = EntryOf::call;
  variant.spatial_rank = row.rank;
  variant.layout = EntryOf::kind & kFirst ? SEPCONV_LAYOUT_CHANNELS_FIRST : SEPCONV_LAYOUT_CHANNELS_LAST;
  variant.stages = EntryOf::kind & kDepthwise ? SEPCONV_STAGES_DEPTHWISE : SEPCONV_STAGES_BOTH;
  variant.input_dtype = variant.weight_dtype = variant.output_dtype =
      sizeof(typename EntryOf::Element) == sizeof(double) ? SEPCONV_DTYPE_F64 : SEPCONV_DTYPE_F32;
  variant.activations = row.multiplier == 0 ? 1 : 0;
  variant.input_activation = row.stride == 2 ? 0 : 1;
  for (int axis = 0; axis < row.rank; ++axis) {
    variant.kernel_extent[axis] = row.taps;
    variant.stride[axis] = row.stride;
    variant.dilation[axis] = row.dilation;
    variant.in_extent[axis] = axis == row.rank - 1 ? row.width : height;
  }
  variant.depth_multiplier = row.multiplier;
  variant.in_channels = row.in_channels;
  variant.out_channels = row.out_channels;
  variant.chunk_channels = row.chunk;
  variant.panel_channels = row.panel;
  variant.tile_pixels = row.tile_pixels;
  variant.depthwise_tile = row.depthwise_tile;
  variant.depthwise_rows = 1;
  variant.sum_block = sum_block;
  variant.strip_pixels = strip_pixels;
  return variant;
}

}  // namespace

const sepconv_variant_table* loop_variants() {
  // Entry: type, kind, rank, tile_pixels, depthwise_tile, chunk, panel; stride, dilation, taps, multiplier, in and out
  // channels, width.
  static const sepconv_variant rows[] = {
      make_row<Entry<float, kLast, 1, 6, 4, 16, 16, 0, 0, 0, 0, 0, 0, 0>>("1d_f32_nwc_any_loop_c16p16t6_portable", 256),
      make_row<Entry<float, kLast, 1, 5, 3, 4, 8, 0, 0, 0, 0, 0, 0, 0>>("1d_f32_nwc_any_loop_c4p8t5_portable", 8, 7),
      make_row<Entry<float, kLast, 1, 1, 1, 8, 4, 0, 0, 0, 0, 0, 0, 0>>("1d_f32_nwc_any_loop_c8p4t1_portable", 0),
      make_row<Entry<float, kLast, 1, 4, 4, 8, 8, 2, 1, 3, 1, 0, 0, 0>>("1d_f32_nwc_k3s2d1m1_loop_c8p8t4_portable", 16),
      make_row<Entry<float, kLast, 1, 6, 2, 8, 8, 1, 1, 3, 1, 12, 20, 30>>(
          "1d_f32_nwc_k3s1d1m1c12o20e30_loop_c8p8t6_portable", 8, 12),
      make_row<Entry<float, kLast, 2, 6, 4, 16, 16, 0, 0, 0, 0, 0, 0, 0>>("2d_f32_nhwc_any_loop_c16p16t6_portable",
                                                                          256),
      make_row<Entry<float, kLast, 2, 5, 3, 4, 8, 0, 0, 0, 0, 0, 0, 0>>("2d_f32_nhwc_any_loop_c4p8t5_portable", 8, 11),
      make_row<Entry<float, kLast, 2, 1, 1, 8, 4, 0, 0, 0, 0, 0, 0, 0>>("2d_f32_nhwc_any_loop_c8p4t1_portable", 0),
      make_row<Entry<float, kLast, 2, 12, 8, 8, 24, 0, 0, 0, 0, 0, 0, 0>>("2d_f32_nhwc_any_loop_c8p24t12_portable", 16,
                                                                          40),
      make_row<Entry<float, kLast, 2, 4, 4, 8, 8, 2, 1, 3, 1, 0, 0, 0>>("2d_f32_nhwc_k3s2d1m1_loop_c8p8t4_portable",
                                                                        16),
      make_row<Entry<float, kLast, 2, 6, 2, 8, 8, 1, 1, 3, 1, 12, 20, 14>>(
          "2d_f32_nhwc_k3s1d1m1c12o20e14x14_loop_c8p8t6_portable", 8, 5, 14),
      make_row<Entry<float, kLast, 3, 6, 4, 16, 16, 0, 0, 0, 0, 0, 0, 0>>("3d_f32_ndhwc_any_loop_c16p16t6_portable",
                                                                          256),
      make_row<Entry<float, kLast, 3, 5, 3, 4, 8, 0, 0, 0, 0, 0, 0, 0>>("3d_f32_ndhwc_any_loop_c4p8t5_portable", 8, 11),
      make_row<Entry<float, kFirst, 1, 16, 8, 4, 6, 0, 0, 0, 0, 0, 0, 0>>("1d_f32_ncw_any_loop_c4p6t16_portable", 256),
      make_row<Entry<float, kFirst, 2, 16, 8, 4, 6, 0, 0, 0, 0, 0, 0, 0>>("2d_f32_nchw_any_loop_c4p6t16_portable", 8),
      make_row<Entry<float, kFirst, 2, 8, 8, 4, 4, 2, 1, 3, 1, 0, 0, 0>>("2d_f32_nchw_k3s2d1m1_loop_c4p4t8_portable",
                                                                         8),
      make_row<Entry<float, kFirst, 3, 16, 8, 4, 6, 0, 0, 0, 0, 0, 0, 0>>("3d_f32_ncdhw_any_loop_c4p6t16_portable", 16),
      make_row<Entry<double, kLast, 1, 6, 4, 8, 8, 0, 0, 0, 0, 0, 0, 0>>("1d_f64_nwc_any_loop_portable", 32),
      make_row<Entry<double, kLast, 2, 6, 4, 8, 8, 0, 0, 0, 0, 0, 0, 0>>("2d_f64_nhwc_any_loop_portable", 32),
      make_row<Entry<double, kLast, 3, 6, 4, 8, 8, 0, 0, 0, 0, 0, 0, 0>>("3d_f64_ndhwc_any_loop_portable", 32),
      make_row<Entry<double, kFirst, 1, 8, 4, 4, 6, 0, 0, 0, 0, 0, 0, 0>>("1d_f64_ncw_any_loop_portable", 32),
      make_row<Entry<double, kFirst, 2, 8, 4, 4, 6, 0, 0, 0, 0, 0, 0, 0>>("2d_f64_nchw_any_loop_portable", 32),
      make_row<Entry<double, kFirst, 3, 8, 4, 4, 6, 0, 0, 0, 0, 0, 0, 0>>("3d_f64_ncdhw_any_loop_portable", 32),
      make_row<Entry<float, kDepthwise, 1, 1, 4, 8, 8, 0, 0, 0, 0, 0, 0, 0>>("1d_f32_nwc_any_depthwise_loop_portable",
                                                                             32),
      make_row<Entry<float, kDepthwise, 2, 1, 4, 8, 8, 0, 0, 0, 0, 0, 0, 0>>("2d_f32_nhwc_any_depthwise_loop_portable",
                                                                             32),
      make_row<Entry<float, kDepthwise, 3, 1, 4, 8, 8, 0, 0, 0, 0, 0, 0, 0>>("3d_f32_ndhwc_any_depthwise_loop_portable",
                                                                             32),
      make_row<Entry<float, kDepthwise | kFirst, 1, 8, 8, 4, 8, 0, 0, 0, 0, 0, 0, 0>>(
          "1d_f32_ncw_any_depthwise_loop_portable", 32),
      make_row<Entry<float, kDepthwise | kFirst, 2, 8, 8, 4, 8, 0, 0, 0, 0, 0, 0, 0>>(
          "2d_f32_nchw_any_depthwise_loop_portable", 32),
      make_row<Entry<float, kDepthwise | kFirst, 3, 8, 8, 4, 8, 0, 0, 0, 0, 0, 0, 0>>(
          "3d_f32_ncdhw_any_depthwise_loop_portable", 32),
      make_row<Entry<double, kDepthwise, 1, 1, 4, 8, 8, 0, 0, 0, 0, 0, 0, 0>>("1d_f64_nwc_any_depthwise_loop_portable",
                                                                              32),
      make_row<Entry<double, kDepthwise, 2, 1, 4, 8, 8, 0, 0, 0, 0, 0, 0, 0>>("2d_f64_nhwc_any_depthwise_loop_portable",
                                                                              32),
      make_row<Entry<double, kDepthwise, 3, 1, 4, 8, 8, 0, 0, 0, 0, 0, 0, 0>>(
          "3d_f64_ndhwc_any_depthwise_loop_portable", 32),
      make_row<Entry<double, kDepthwise | kFirst, 1, 8, 8, 4, 8, 0, 0, 0, 0, 0, 0, 0>>(
          "1d_f64_ncw_any_depthwise_loop_portable", 32),
      make_row<Entry<double, kDepthwise | kFirst, 2, 8, 8, 4, 8, 0, 0, 0, 0, 0, 0, 0>>(
          "2d_f64_nchw_any_depthwise_loop_portable", 32),
      make_row<Entry<double, kDepthwise | kFirst, 3, 8, 8, 4, 8, 0, 0, 0, 0, 0, 0, 0>>(
          "3d_f64_ncdhw_any_depthwise_loop_portable", 32),
  };
  static const sepconv_variant_table table = {SEPCONV_VARIANT_ABI, sizeof(sepconv_variant), "loop_variants", rows,
                                              sizeof rows / sizeof rows[0]};
  return &table;
}

}  // namespace sepconv::test
