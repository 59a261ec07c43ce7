// What an autoscheduled variant asks for, and one of ours does not: memory that no formula foresaw, and loops that its
// scheduler made parallel. Candidates of a baseline are linked with these names.
#include <cstdint>
#include <cstdlib>

extern "C" {

void* sepconv_plain_malloc(void* user_context, size_t size);
void sepconv_plain_free(void* user_context, void* memory);
int sepconv_plain_do_par_for(void* user_context, int (*task)(void*, int, uint8_t*), int min, int size,
                             uint8_t* closure);

// Halide's contract: aligned, and readable for a vector before and after.
constexpr size_t kMargin = 128;

void* sepconv_plain_malloc(void* /*user_context*/, size_t size) {
  auto* memory = static_cast<uint8_t*>(std::aligned_alloc(kMargin, (size + 3 * kMargin - 1) / kMargin * kMargin));
  return memory == nullptr ? nullptr : memory + kMargin;
}

void sepconv_plain_free(void* /*user_context*/, void* memory) {
  if (memory != nullptr) std::free(static_cast<uint8_t*>(memory) - kMargin);
}

// One core is measured: in order.
int sepconv_plain_do_par_for(void* user_context, int (*task)(void*, int, uint8_t*), int min, int size,
                             uint8_t* closure) {
  for (int i = min; i < min + size; ++i) {
    if (const int status = task(user_context, i, closure)) return status;
  }
  return 0;
}

}  // extern "C"
