#include "scratch.h"

namespace sepconv::internal {

ScratchArena make_arena(void* memory, size_t size) {
  unsigned char* begin = static_cast<unsigned char*>(memory);
  return {begin, begin + size, begin, nullptr, 0, false};
}

static void* allocate(ScratchArena* arena, size_t size) {
  constexpr size_t unit = static_cast<size_t>(scratch_alignment), guard = unit, record_size = sizeof(BlockRecord);
  const size_t room = static_cast<size_t>(arena->end - arena->next);
  if (size > room) return nullptr;  // also keeps the sum below from wrapping
  const size_t rounded = (size + unit - 1) / unit * unit;
  if (record_size + rounded + guard > room) return nullptr;
  BlockRecord* record = reinterpret_cast<BlockRecord*>(arena->next);
  record->previous = arena->top;
  record->freed = false;
  arena->top = record;
  arena->next += record_size + rounded;
  const size_t used = static_cast<size_t>(arena->next - arena->begin) + guard;
  if (used > arena->high_water) arena->high_water = used;
  return record + 1;
}

static void release(ScratchArena* arena, void* block) {
  static_cast<BlockRecord*>(block)[-1].freed = true;
  while (arena->top != nullptr && arena->top->freed) {
    arena->next = reinterpret_cast<unsigned char*>(arena->top);
    arena->top = arena->top->previous;
  }
}

}  // namespace sepconv::internal

extern "C" void* sepconv_scratch_malloc(void* user_context, size_t size) {
  auto* arena = static_cast<sepconv::internal::ScratchArena*>(user_context);
  void* const block = sepconv::internal::allocate(arena, size);
  if (block == nullptr) arena->refused = true;
  return block;
}

extern "C" void sepconv_scratch_free(void* user_context, void* block) {
  if (block != nullptr) sepconv::internal::release(static_cast<sepconv::internal::ScratchArena*>(user_context), block);
}
