/// @file
/// How the channel sum is cut into blocks: the one rule of the generator, which compiles it into variants that fix
/// their channels, and of the runtime, which passes it to the others. Programs have no use for it.
#ifndef SEPCONV_SUM_BLOCKS_HPP
#define SEPCONV_SUM_BLOCKS_HPP

#include <cstdint>

namespace sepconv::internal {

/// The loop over the channels is unrolled by a divisor of this.
constexpr int64_t sum_step = 4;

struct SumBlocks {
  int64_t channels;  ///< K, the intermediate channels to sum over, in packed order
  int64_t block;     ///< how many of them at a time: whole groups of chunk * depth_multiplier
};

/// Blocks of equal length, at most `wanted` channels before rounding, so that the last one is not a remainder. `wanted`
/// 0 is one block. `whole_chunks`: the sum takes the channels that pad the last chunk, too.
constexpr SumBlocks cut_sum(int64_t in_channels, int64_t depth_multiplier, int64_t chunk, int64_t wanted,
                            bool whole_chunks) {
  const int64_t group = chunk * depth_multiplier, groups = (in_channels + chunk - 1) / chunk;
  // With one multiplier the real channels come first in packed order, so the padding behind them need not be summed.
  const int64_t step = whole_chunks ? chunk : sum_step;
  const int64_t channels = depth_multiplier == 1 ? (in_channels + step - 1) / step * step : groups * group;
  const int64_t blocks = wanted == 0 || wanted >= channels ? 1 : (channels + wanted - 1) / wanted;
  const int64_t length = (channels + blocks - 1) / blocks;
  return {channels, (length + group - 1) / group * group};
}

}  // namespace sepconv::internal

#endif  // SEPCONV_SUM_BLOCKS_HPP
