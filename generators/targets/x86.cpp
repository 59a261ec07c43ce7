// x86 with fused multiply-add: what its registers and caches make of the fused nest
// (schedules/fused_channels_last.cpp).
//
// Registers, AVX2: 16 of 8 floats. A register tile of the pointwise stage holds tile_pixels x tile_vectors
// accumulators, the smaller side's operands (tile_vectors weight vectors, or tile_pixels broadcasts) and one operand of
// the other side:
//
//   6x2: 12 + 2 + 1 = 15     5x2: 10 + 2 + 1 = 13     4x3: 12 + 3 + 1 = 16     2x5: 10 + 2 + 1 = 13     7x2 spills
//
// AVX-512: 32 of 16 floats, or of 8: the two stages choose their vectors apart, so 24 output channels are three vectors
// of 8 while 16 input channels are one of 16. The multiply-add broadcasts its operand from memory, so a tile holds
// accumulators and weights only: 7x1: 7 + 1 = 8     14x1: 14 + 1 = 15     7x4: 28 + 4 = 32     8x3: 24 + 3 = 27
//
// Each step of the channel sum costs tile_vectors loads + tile_pixels broadcasts (two a cycle) and tile_pixels *
// tile_vectors FMAs (two a cycle, one of 512 bits): 8 loads for 12 FMAs in the 6x2 tile, and for 7 of 512 bits in the
// 7x1 tile, so the FMA ports are the limit. The depthwise tile holds depthwise_tile x chunk / 8 accumulators, 4 x 2 =
// 8, which covers the FMA latency of 4 cycles on two ports.
//
// Caches. L1 (32 KB): one panel of weights for one sum block, 256 x 16 x 4 = 16 KB, and the tile's rows of `flat`, 6 x
// 256 x 4 = 6 KB. L2 (512 KB and up): `flat` (strip x sum_block) and, with several blocks, `partial` (strip x output
// channels). A pointwise kernel that no such cache holds is read once for each tile of pixels instead, in one block and
// with the loop over panels inside: L1 then has the tile's rows of `flat`, up to 7 x 1024 x 4 = 28 KB, and both `flat`
// (256 pixels) and the kernel stream, the kernel ahead of its use by the hardware's own prefetching.
#include <algorithm>
#include <array>

#include "../schedules/fused.h"
#include "tiles.h"

namespace sepconv {
namespace {

const std::vector<Tile> avx2_tiles = {{8, 6, 2, 1.0},  {8, 5, 2, 0.99}, {8, 4, 3, 1.0},
                                      {8, 2, 5, 0.97}, {8, 4, 2, 0.93}, {8, 3, 4, 0.98}};
// A multiply-add that broadcasts from memory needs no second vector of weights to be worth its load, and a tile of one
// vector ends with the fewest pointers. Vectors of 256 bits where they fit the output channels better.
const std::vector<Tile> avx512_tiles = {{16, 7, 1, 0.995}, {16, 8, 1, 1.0},   {16, 14, 1, 0.985}, {16, 10, 1, 0.985},
                                        {16, 12, 1, 0.98}, {16, 7, 2, 0.975}, {8, 14, 2, 0.97},   {8, 6, 4, 0.975},
                                        {8, 8, 3, 0.965},  {8, 4, 5, 0.965},  {8, 4, 6, 0.97},    {8, 12, 1, 0.85}};

// For pointwise kernels larger than the caches, which are read once a tile of pixels: two vectors share what is read of
// the pixels, which does not stay in L1 either.
const std::vector<Tile> avx512_large_weights_tiles = {
    {16, 7, 2, 1.0}, {16, 8, 2, 0.995}, {16, 10, 2, 0.995}, {16, 7, 1, 0.98}};

// Tiles that are turned on their way to an output with channels first: several vectors share the work.
const std::vector<Tile> avx512_turned_tiles = {
    {16, 7, 2, 0.99}, {16, 6, 4, 1.0},  {16, 7, 4, 0.995}, {16, 8, 3, 0.98},  {16, 12, 2, 0.97},
    {16, 5, 5, 0.97}, {16, 8, 1, 0.97}, {16, 12, 1, 0.96}, {8, 14, 2, 0.985}, {8, 6, 4, 0.975},
    {8, 8, 3, 0.965}, {8, 4, 5, 0.965}, {8, 4, 6, 0.97},   {8, 12, 1, 0.85}};

bool is_avx512(const Halide::Target& target) { return target.has_feature(Halide::Target::AVX512); }

VectorUnit vector_unit(const Halide::Target& target) {
  if (is_avx512(target)) return {32, true};
  return {16};
}

// The wider of the chunks that divide the channels: whole cache lines of a pixel, read once for all taps. Four vectors
// are best; a kernel of more taps leaves fewer registers. One vector, if none divides.
int widest_chunk(int64_t channels, int64_t taps, int lanes) {
  for (const int vectors : taps <= 9 ? std::array{4, 3, 6, 5, 2} : std::array{3, 2, 6, 4, 5}) {
    if (channels % (int64_t{lanes} * vectors) == 0) return lanes * vectors;
  }
  return lanes;
}

// How the depthwise stage goes through its input with 32 registers of 16 lanes. Where channels are whole vectors, the
// taps read the input itself.
void choose_wide_depthwise(const VariantName& name, int64_t taps, bool strided, ScheduleParameters& o) {
  const int64_t channels = name.in_channels;
  const bool dense = std::all_of(name.dilation.begin(), name.dilation.end(), [](int64_t d) { return d == 1; });
  const bool near = taps > 0 && taps <= 27 && dense;  // more would lie too far apart, or too often beside the image
  if (name.all_activations() || channels == 0 || channels % o.depthwise_vector != 0 || !(near || strided)) {
    // Most images are 7, 14, 28 ... wide; with a stride fewer loads a tap count for more.
    o.depthwise_tile = strided ? 8 : 7;
    return;
  }
  o.stage = 0;
  // Few channels: the weights of nine taps stay in registers.
  if (!strided && near && taps <= 9 && channels <= 192) {
    o.tap_rows = 1;
    return;
  }
  o.chunk = widest_chunk(channels, taps, o.depthwise_vector);
  // The last tile of a row computes pixels that the next row overwrites.
  const int64_t width = name.extent.back() / std::max<int64_t>(name.stride.back(), 1);
  o.depthwise_tile = (width + 2) / 3 * 3 < (width + 3) / 4 * 4 || o.chunk > 4 * o.depthwise_vector ? 3 : 4;
}

// How it goes through an input of any size without a copy (guards_taps): two lines of channels together, the weights
// of a tap and the sums in registers, 7 pixels (AVX-512: 14 + 2 registers) or 3 (AVX2: 12 + 4). Most images are 7, 14,
// 28 ... wide.
void choose_guarded_depthwise(int64_t multiple, bool wide_registers, ScheduleParameters& o) {
  o.stage = 0;
  o.tap_unroll = 1;
  o.chunk = static_cast<int>(std::min<int64_t>(multiple, 32));
  o.depthwise_tile = wide_registers ? 7 : 3;
}

// How the depthwise stage goes through its input.
void choose_depthwise(const VariantName& name, bool wide_registers, ScheduleParameters& o) {
  const int64_t channels = name.in_channels;
  const bool strided = std::all_of(name.stride.begin(), name.stride.end(), [](int64_t stride) { return stride > 1; });
  int64_t taps = 1;
  for (const int64_t k : name.kernel) taps *= k;
  o.tap_unroll = choose_tap_unroll(name.kernel.back());
  if (channels > 0 && channels * std::max<int64_t>(name.multiplier, 1) <= 8) {
    o.chunk = 8;
    o.depthwise_vector = std::min(o.depthwise_vector, 8);
    o.depthwise_tile = 8;
    return;
  }
  if (name.channels_multiple > 1) return choose_guarded_depthwise(name.channels_multiple, wide_registers, o);
  if (wide_registers) return choose_wide_depthwise(name, taps, strided, o);
  // Where channels are whole chunks, the taps can read the input itself. A strided layer reads each sample about twice:
  // a copy of it would cost more than it saves.
  if (!name.all_activations() && channels > 0 && channels % o.chunk == 0 && strided) o.stage = 0;
  // Neighbouring taps share few samples at stride 2; unrolled, those of a wide kernel spill.
  if (strided && o.stage == 1 && o.tap_unroll > 3) o.tap_unroll = 1;
}

// Whether the pointwise kernel is larger than a core's caches.
bool weights_are_large(const VariantName& name) {
  const int64_t kernel = name.in_channels * name.multiplier * name.out_channels;
  return name.large_weights_only() || kernel * element_type(name).bytes() >= large_weights_bytes;
}

// What decides the order of the pointwise stage's loops is which operand comes from behind the caches.
void choose_pointwise_order(const VariantName& name, bool wide_registers, ScheduleParameters& o) {
  const int64_t sum = name.in_channels * name.multiplier;
  if (weights_are_large(name)) {
    // All of the kernel for a tile of pixels: it is read in one stream, again and again, so the strips are long enough
    // for that to last, and short enough that dilated taps beside the image can be left out.
    o.panel_inner = 1;
    o.sum_block = 2048;
    o.strip_pixels = 256;
  } else if (wide_registers && sum > 0 && sum <= 32 && name.out_channels > 64) {
    // Few channels in and many out: the weights of all panels stay near, and the output is written from end to end.
    o.panel_inner = 1;
    if (sum <= 8) o.tile_pixels = 12;
  }
}

ScheduleParameters defaults(const VariantName& name, const Halide::Target& target) {
  ScheduleParameters o;
  if (name.channels_first) {
    o = channels_first_defaults(name, target, vector_unit(target).registers);
    if (o.panel_lanes == 0) return o;
  } else {
    o.depthwise_vector = vector_lanes(name, target);
    o.chunk = cache_line_bytes / computed_type(name).bytes();
  }
  if (is_avx512(target)) {
    if (name.channels_first) {
      choose_tile(name, avx512_turned_tiles, o);
    } else {
      o.sum_block = 384;  // a panel is half as wide
      choose_tile(name, weights_are_large(name) ? avx512_large_weights_tiles : avx512_tiles, o);
    }
  } else {
    choose_tile(name, avx2_tiles, o);
  }
  if (name.channels_first) return o;
  choose_depthwise(name, is_avx512(target), o);
  choose_pointwise_order(name, is_avx512(target), o);
  // Measured: up to 6% with AVX-512; with half as wide vectors a tile takes so long that its stores can wait.
  if (is_avx512(target)) o.fetch_output = 1;
  return o;
}

}  // namespace

const Schedule x86_schedule = {"x86", defaults, vector_unit, schedule_fused, add_fused_passes};

}  // namespace sepconv
