#include "support/loop_variant.h"

#include <HalideRuntime.h>

#include <algorithm>
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

// One block of the task's arena, as Halide would hold it.
class Block {
 public:
  Block(void* arena, int64_t elements)
      : arena_(arena),
        data_(static_cast<float*>(sepconv_scratch_malloc(arena, static_cast<size_t>(elements) * sizeof(float)))) {
    // The contract lets a variant read 64 bytes on either side.
    volatile float sink = 0;
    if (data_ != nullptr && elements > 0) sink = data_[-16] + data_[elements + 15];
    (void)sink;
    // No value is there before it is computed.
    if (data_ != nullptr) std::fill(data_, data_ + elements, std::numeric_limits<float>::quiet_NaN());
  }
  ~Block() { release(); }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  void release() { sepconv_scratch_free(arena_, data_), data_ = nullptr; }
  int failure() const {
    if (data_ == nullptr) return loop_out_of_scratch;
    return reinterpret_cast<uintptr_t>(data_) % 64 == 0 ? 0 : loop_unaligned_block;
  }
  float& operator[](int64_t i) const { return data_[i]; }

 private:
  void* arena_;
  float* data_;
};

struct Axis {
  int64_t stride, dilation, pad_before, strip_min, strip_extent;
  int64_t taps, input_min, input_extent, input_pitch;
};

// The arguments of a call, read in the order of the contract. Axis 0 is x.
struct Call {
  void* arena;
  const halide_buffer_t *input, *depthwise, *mid_bias, *pointwise, *out_bias;
  Axis axis[3];
  int64_t multiplier, sum_channels, sum_block;
  float mid_lo, mid_hi, out_lo, out_hi;
  halide_buffer_t* output;

  Call(void** argv, int rank) {
    const auto number = [&] { return int64_t{*static_cast<const int32_t*>(*argv++)}; };
    const auto real = [&] { return *static_cast<const float*>(*argv++); };
    arena = *static_cast<void**>(*argv++);
    for (const halide_buffer_t** buffer : {&input, &depthwise, &mid_bias, &pointwise, &out_bias}) {
      *buffer = static_cast<const halide_buffer_t*>(*argv++);
    }
    for (int i = 0; i < 3; ++i) {
      axis[i] = {1, 1, 0, 0, 1, 1, 0, 1, 0};
      if (i >= rank) continue;
      for (int64_t* field :
           {&axis[i].stride, &axis[i].dilation, &axis[i].pad_before, &axis[i].strip_min, &axis[i].strip_extent}) {
        *field = number();
      }
      axis[i].taps = depthwise->dim[1 + i].extent;
      axis[i].input_min = input->dim[1 + i].min;
      axis[i].input_extent = input->dim[1 + i].extent;
      axis[i].input_pitch = input->dim[1 + i].stride;
    }
    multiplier = number();
    sum_channels = number();
    sum_block = number();
    argv += 2;  // ahead, ahead_lines: nothing that a result depends on
    mid_lo = real();
    mid_hi = real();
    out_lo = real();
    out_hi = real();
    output = static_cast<halide_buffer_t*>(*argv);
  }
};

const float* data_of(const halide_buffer_t* buffer) { return reinterpret_cast<const float*>(buffer->host); }

// Whether a buffer is a dense f32 tensor of these extents, innermost first, with every min 0.
bool is_dense(const halide_buffer_t* buffer, const std::vector<int64_t>& extents) {
  if (buffer->host == nullptr || buffer->device != 0 || buffer->flags != 0) return false;
  if (buffer->type != halide_type_t(halide_type_float, 32)) return false;
  if (buffer->dimensions != static_cast<int>(extents.size())) return false;
  int64_t pitch = 1;
  for (size_t i = 0; i < extents.size(); ++i) {
    const halide_dimension_t& dim = buffer->dim[i];
    if (dim.min != 0 || dim.extent != extents[i] || dim.stride != pitch) return false;
    pitch *= extents[i];
  }
  return true;
}

int check(const Call& call, const Compiled& row, int64_t pixels) {
  const int64_t in_channels = call.input->dim[0].extent;
  const int64_t chunks = (in_channels + row.chunk - 1) / row.chunk * call.multiplier, channels = chunks * row.chunk;
  std::vector<int64_t> depthwise = {row.chunk};
  for (int i = 0; i < row.rank; ++i) depthwise.push_back(call.axis[i].taps);
  depthwise.push_back(chunks);
  const int64_t panels = call.pointwise->dim[2].extent, outputs = call.output->dim[0].extent;
  if (!is_dense(call.depthwise, depthwise) || !is_dense(call.mid_bias, {channels}) ||
      !is_dense(call.pointwise, {row.panel, channels, panels}) || !is_dense(call.out_bias, {panels * row.panel}) ||
      call.input->dimensions != row.rank + 1 || call.input->dim[0].min != 0 || call.input->dim[0].stride != 1 ||
      call.output->dimensions != 2 || call.output->dim[0].min != 0 || call.output->dim[0].stride != 1 ||
      call.output->dim[1].min != 0 || outputs <= (panels - 1) * row.panel || outputs > panels * row.panel) {
    return loop_bad_buffer;
  }
  if (row.multiplier != 0 && call.multiplier != row.multiplier) return loop_bad_buffer;
  if (row.in_channels != 0 && in_channels != row.in_channels) return loop_bad_buffer;
  const int64_t sum = call.multiplier == 1 ? (in_channels + 3) / 4 * 4 : channels;
  if (call.sum_channels != sum || call.sum_block <= 0 || call.sum_block % row.chunk != 0) return loop_bad_sum;
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
  if (call.output->dim[1].extent < pixels || call.output->dim[1].extent < row.tile_pixels) return loop_small_output;
  return 0;
}

float clamp(float value, float lo, float hi) { return std::min(std::max(value, lo), hi); }

int compute(const Call& call, const Compiled& row, int64_t pixels) {
  const int64_t lanes = row.chunk, panel = row.panel;
  const int64_t in_channels = call.input->dim[0].extent, outputs = call.output->dim[0].extent;
  const int64_t channels = call.pointwise->dim[1].extent, panels = call.pointwise->dim[2].extent;
  const int64_t output_pitch = call.output->dim[1].stride;
  float* output = reinterpret_cast<float*>(call.output->host);

  // The staged input covers the strip, along x in whole depthwise tiles.
  int64_t staged_extent[3], first[3], taps = 1, staged_elements = lanes;
  for (int i = 0; i < 3; ++i) {
    const Axis& axis = call.axis[i];
    const int64_t tile = i == 0 ? row.depthwise_tile : 1;
    const int64_t wide = (axis.strip_extent + tile - 1) / tile * tile;
    staged_extent[i] = (wide - 1) * axis.stride + (axis.taps - 1) * axis.dilation + 1;
    first[i] = axis.strip_min * axis.stride - axis.pad_before;
    staged_elements *= staged_extent[i];
    taps *= axis.taps;
  }

  const int64_t blocks = (call.sum_channels + call.sum_block - 1) / call.sum_block;
  const int64_t tiles = (pixels + row.tile_pixels - 1) / row.tile_pixels * row.tile_pixels;
  // With one block the sums go straight to the output, as they do in a compiled variant.
  Block partial(call.arena, blocks > 1 ? tiles * panels * panel : 1);
  if (int failure = blocks > 1 ? partial.failure() : 0) return failure;
  std::vector<float> direct;
  if (blocks == 1) {
    partial.release();
    direct.resize(static_cast<size_t>(tiles * panels * panel));
  }
  const auto sum = [&](int64_t f, int64_t p) -> float& {
    const int64_t i = (f / panel * tiles + p) * panel + f % panel;
    return blocks > 1 ? partial[i] : direct[static_cast<size_t>(i)];
  };
  for (int64_t f = 0; f < panels * panel; ++f) {
    for (int64_t p = 0; p < pixels; ++p) sum(f, p) = 0;
  }

  for (int64_t k0 = 0; k0 < call.sum_channels; k0 += call.sum_block) {
    const int64_t k1 = std::min(k0 + call.sum_block, call.sum_channels);
    Block d(call.arena, (tiles + row.depthwise_tile) * call.sum_block);
    if (int failure = d.failure()) return failure;
    for (int64_t q = k0 / lanes; q * lanes < k1; ++q) {
      Block staged(call.arena, staged_elements);
      if (int failure = staged.failure()) return failure;
      for (int64_t z = 0; z < staged_extent[2]; ++z) {
        for (int64_t y = 0; y < staged_extent[1]; ++y) {
          for (int64_t x = 0; x < staged_extent[0]; ++x) {
            const int64_t at[3] = {first[0] + x, first[1] + y, first[2] + z};
            bool inside = true;
            int64_t index = 0;
            for (int i = 0; i < 3; ++i) {
              const Axis& axis = call.axis[i];
              inside = inside && at[i] >= axis.input_min && at[i] < axis.input_min + axis.input_extent;
              index += (at[i] - axis.input_min) * axis.input_pitch;
              if (i >= row.rank) inside = inside && at[i] == 0;
            }
            for (int64_t lane = 0; lane < lanes; ++lane) {
              const int64_t c = q / call.multiplier * lanes + lane;
              const bool real = inside && c < in_channels;
              staged[((z * staged_extent[1] + y) * staged_extent[0] + x) * lanes + lane] =
                  real ? data_of(call.input)[index + c] : 0.0f;
            }
          }
        }
      }
      int64_t p = 0;
      for (int64_t z = 0; z < call.axis[2].strip_extent; ++z) {
        for (int64_t y = 0; y < call.axis[1].strip_extent; ++y) {
          for (int64_t x = 0; x < call.axis[0].strip_extent; ++x, ++p) {
            for (int64_t lane = 0; lane < lanes; ++lane) {
              float value = 0;
              int64_t tap = 0;
              for (int64_t tz = 0; tz < call.axis[2].taps; ++tz) {
                for (int64_t ty = 0; ty < call.axis[1].taps; ++ty) {
                  for (int64_t tx = 0; tx < call.axis[0].taps; ++tx, ++tap) {
                    const int64_t sz = z * call.axis[2].stride + tz * call.axis[2].dilation;
                    const int64_t sy = y * call.axis[1].stride + ty * call.axis[1].dilation;
                    const int64_t sx = x * call.axis[0].stride + tx * call.axis[0].dilation;
                    value += staged[((sz * staged_extent[1] + sy) * staged_extent[0] + sx) * lanes + lane] *
                             data_of(call.depthwise)[(q * taps + tap) * lanes + lane];
                  }
                }
              }
              const int64_t k = q * lanes + lane;
              d[p * call.sum_block + k - k0] = clamp(value + data_of(call.mid_bias)[k], call.mid_lo, call.mid_hi);
            }
          }
        }
      }
      // Halide frees early: sometimes the older block first.
      if (q * lanes + lanes >= k1) {
        for (int64_t f = 0; f < panels * panel; ++f) {
          for (p = 0; p < pixels; ++p) {
            for (int64_t k = k0; k < k1; ++k) {
              sum(f, p) += d[p * call.sum_block + k - k0] *
                           data_of(call.pointwise)[(f / panel * channels + k) * panel + f % panel];
            }
          }
        }
        d.release();
      }
    }
  }

  for (int64_t p = 0; p < call.output->dim[1].extent; ++p) {
    for (int64_t f = 0; f < outputs; ++f) {
      output[p * output_pitch + f] = p < pixels ? clamp(sum(f, p) + data_of(call.out_bias)[f], call.out_lo, call.out_hi)
                                                : std::numeric_limits<float>::quiet_NaN();
    }
  }
  return 0;
}

int run(void** argv, const Compiled& row) {
  loop_calls.fetch_add(1);
  if (loop_fail_after.load() >= 0 && loop_fail_after.fetch_sub(1) == 0) return loop_asked_to_fail;
  const Call call(argv, row.rank);
  int64_t pixels = 1;
  for (const Axis& axis : call.axis) pixels *= axis.strip_extent;
  int failure = check(call, row, pixels);
  if (failure == 0) failure = compute(call, row, pixels);
  const auto& arena = *static_cast<const internal::ScratchArena*>(call.arena);
  const size_t size = static_cast<size_t>(arena.end - arena.begin);
  const int percent = static_cast<int>((arena.high_water * 100 + size - 1) / size);
  int seen = loop_scratch_percent.load();
  while (percent > seen && !loop_scratch_percent.compare_exchange_weak(seen, percent)) {
  }
  return failure;
}

// A row and its entry. The numbers reach the entry as a template's, as they reach a compiled variant.
template <int... Numbers>
struct Entry {
  static constexpr Compiled row = {Numbers...};
  static int call(void** argv) { return run(argv, row); }
};

template <typename EntryOf>
sepconv_variant make_row(const char* name, int sum_block, int strip_pixels = 0, int height = 0) {
  constexpr Compiled row = EntryOf::row;
  sepconv_variant variant = {};
  variant.name = name;
  variant.target = "portable";
  variant.entry = EntryOf::call;
  variant.spatial_rank = row.rank;
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
  variant.sum_block = sum_block;
  variant.strip_pixels = strip_pixels;
  return variant;
}

}  // namespace

const sepconv_variant_table* loop_variants() {
  // Entry: rank, tile_pixels, depthwise_tile, chunk, panel; stride, dilation, taps, multiplier, in and out channels,
  // width.
  static const sepconv_variant rows[] = {
      make_row<Entry<1, 6, 4, 16, 16, 0, 0, 0, 0, 0, 0, 0>>("1d_f32_nwc_any_loop_c16p16t6_portable", 256),
      make_row<Entry<1, 5, 3, 4, 8, 0, 0, 0, 0, 0, 0, 0>>("1d_f32_nwc_any_loop_c4p8t5_portable", 8, 7),
      make_row<Entry<1, 1, 1, 8, 4, 0, 0, 0, 0, 0, 0, 0>>("1d_f32_nwc_any_loop_c8p4t1_portable", 0),
      make_row<Entry<1, 4, 4, 8, 8, 2, 1, 3, 1, 0, 0, 0>>("1d_f32_nwc_k3s2d1m1_loop_c8p8t4_portable", 16),
      make_row<Entry<1, 6, 2, 8, 8, 1, 1, 3, 1, 12, 20, 30>>("1d_f32_nwc_k3s1d1m1c12o20e30_loop_c8p8t6_portable", 8,
                                                             12),
      make_row<Entry<2, 6, 4, 16, 16, 0, 0, 0, 0, 0, 0, 0>>("2d_f32_nhwc_any_loop_c16p16t6_portable", 256),
      make_row<Entry<2, 5, 3, 4, 8, 0, 0, 0, 0, 0, 0, 0>>("2d_f32_nhwc_any_loop_c4p8t5_portable", 8, 11),
      make_row<Entry<2, 1, 1, 8, 4, 0, 0, 0, 0, 0, 0, 0>>("2d_f32_nhwc_any_loop_c8p4t1_portable", 0),
      make_row<Entry<2, 12, 8, 8, 24, 0, 0, 0, 0, 0, 0, 0>>("2d_f32_nhwc_any_loop_c8p24t12_portable", 16, 40),
      make_row<Entry<2, 4, 4, 8, 8, 2, 1, 3, 1, 0, 0, 0>>("2d_f32_nhwc_k3s2d1m1_loop_c8p8t4_portable", 16),
      make_row<Entry<2, 6, 2, 8, 8, 1, 1, 3, 1, 12, 20, 14>>("2d_f32_nhwc_k3s1d1m1c12o20e14x14_loop_c8p8t6_portable", 8,
                                                             5, 14),
  };
  static const sepconv_variant_table table = {SEPCONV_VARIANT_ABI, sizeof(sepconv_variant), "loop_variants", rows,
                                              sizeof rows / sizeof rows[0]};
  return &table;
}

}  // namespace sepconv::test
