// The scratch allocator of the compiled variants. They call it instead of Halide's malloc and free; it cuts blocks from
// a piece of the run's workspace, so that a run allocates nothing.
#ifndef SEPCONV_SRC_SCRATCH_H
#define SEPCONV_SRC_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

#include "sepconv/sepconv.h"

namespace sepconv::internal {

inline constexpr int64_t scratch_alignment = 64;

// What a block costs beyond its bytes, at most: its record (64), its size rounded up (63), and the guard behind it (64,
// shared with the next block's record).
inline constexpr int64_t arena_overhead = 192;

// The 64 bytes in front of every block.
struct alignas(64) BlockRecord {
  BlockRecord* previous;  // the block below, NULL for the first
  bool freed;             // given back, but still under a block in use
};
static_assert(sizeof(BlockRecord) == 64, "blocks stay aligned");

// A stack of blocks in one piece of memory; one task at a time uses it. It lies outside the piece it manages.
struct ScratchArena {
  unsigned char* begin;  // 64-byte aligned
  unsigned char* end;
  unsigned char* next;  // where the next record goes
  BlockRecord* top;     // of the highest block, NULL if there is none
  size_t high_water;    // bytes ever in use at once, guards included: what scratch_bytes must not be less than
  bool refused;         // a block was asked for that did not fit: what the variant computed is not all there
};

// An empty arena over `size` bytes at `memory`, which is 64-byte aligned.
ScratchArena make_arena(void* memory, size_t size);

}  // namespace sepconv::internal

#ifdef __cplusplus
extern "C" {
#endif

// `user_context` points to a ScratchArena. Blocks are 64-byte aligned, and 64 bytes before and behind them may be read.
// NULL when the arena is exhausted: the planner's formula is there so that this never happens. The variant then leaves
// out what needs the block.
SEPCONV_API void* sepconv_scratch_malloc(void* user_context, size_t size);

// Gives a block back; NULL is fine. Halide frees early, so blocks come back in any order: memory is reused once all
// blocks above are free too.
SEPCONV_API void sepconv_scratch_free(void* user_context, void* block);

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // SEPCONV_SRC_SCRATCH_H
