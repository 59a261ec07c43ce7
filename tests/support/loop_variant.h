// Variants in plain loops: the contract of a compiled leaf (sepconv/variant_table.h), executable, without Halide's
// compiler. They ask the arena for the same three blocks as a compiled variant and check what they are handed, so the
// runtime can be tested with them alone.
#ifndef SEPCONV_TESTS_SUPPORT_LOOP_VARIANT_H
#define SEPCONV_TESTS_SUPPORT_LOOP_VARIANT_H

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "sepconv/variant_table.h"

namespace sepconv::test {

// What a loop variant returns for a broken promise of its caller; a run turns it into SEPCONV_TASK_FAILED.
enum LoopFailure : int {
  loop_bad_buffer = -101,       // dimensions, strides or extents of a tensor are not those of the contract
  loop_bad_sum = -102,          // sum_channels or sum_block
  loop_bad_strip = -103,        // strip, stride, dilation, padding
  loop_small_output = -104,     // the output has fewer pixels than the strip, or than tile_pixels
  loop_out_of_scratch = -105,   // the arena refused a block: the planner's formula is too small
  loop_unaligned_block = -106,  // a block is not 64-byte aligned
  loop_asked_to_fail = -107     // by loop_fail_after
};

// The variants: all ranks, generic in everything, in several chunk, panel and tile sizes; and some that fix strides,
// channels and extents. Names are like "2d_f32_nhwc_any_loop_c16p16t6_portable".
const sepconv_variant_table* loop_variants();

// The largest part of an arena that any loop variant has needed so far, in percent (rounded up), over all threads; and
// how many calls there were.
extern std::atomic<int> loop_scratch_percent;
extern std::atomic<int64_t> loop_calls;

// What a call was told of memory: so many cache lines at an address will be read next, and whether the output is large.
struct LoopHints {
  uint64_t ahead;
  int64_t ahead_lines, output_is_large;
};

// Where not null: those of each call. For runs of one thread.
extern std::vector<LoopHints>* loop_hints;

// Where not null: called by each call, before it computes. For runs of one thread.
extern void (*loop_called)();

// The call after this many more fails with loop_asked_to_fail; negative: none does.
extern std::atomic<int64_t> loop_fail_after;

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_SUPPORT_LOOP_VARIANT_H
