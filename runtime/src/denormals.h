// The mode of this thread's processor in which subnormal numbers count as 0.
#ifndef SEPCONV_SRC_DENORMALS_H
#define SEPCONV_SRC_DENORMALS_H

#include <stdint.h>

namespace sepconv::internal {

#if defined(__SSE2__)
#define SEPCONV_CAN_FLUSH_DENORMALS 1
using FloatMode = uint32_t;
inline constexpr FloatMode flush_bits = 0x8040;  // MXCSR: FTZ (results) and DAZ (operands)
inline FloatMode float_mode() { return __builtin_ia32_stmxcsr(); }
inline void set_float_mode(FloatMode mode) { __builtin_ia32_ldmxcsr(mode); }
#elif defined(__aarch64__)
#define SEPCONV_CAN_FLUSH_DENORMALS 1
using FloatMode = uint64_t;
inline constexpr FloatMode flush_bits = 1u << 24;  // FPCR.FZ
inline FloatMode float_mode() {
  FloatMode mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
inline void set_float_mode(FloatMode mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode) : "memory"); }
#elif defined(__arm__) && defined(__ARM_FP)
#define SEPCONV_CAN_FLUSH_DENORMALS 1
using FloatMode = uint32_t;
inline constexpr FloatMode flush_bits = 1u << 24;  // FPSCR.FZ, of scalars: vectors of NEON are always so
inline FloatMode float_mode() {
  FloatMode mode;
  __asm__ volatile("vmrs %0, fpscr" : "=r"(mode));
  return mode;
}
inline void set_float_mode(FloatMode mode) { __asm__ volatile("vmsr fpscr, %0" : : "r"(mode) : "memory"); }
#else  // none is known
#define SEPCONV_CAN_FLUSH_DENORMALS 0
using FloatMode = uint32_t;
inline constexpr FloatMode flush_bits = 0;
inline FloatMode float_mode() { return 0; }
inline void set_float_mode(FloatMode) {}
#endif

// Turns the mode on while it lives, if it is wanted.
class FlushDenormals {
 public:
  explicit FlushDenormals(bool wanted) : wanted_(wanted), before_(wanted ? float_mode() : 0) {
    if (wanted_) set_float_mode(before_ | flush_bits);
  }
  ~FlushDenormals() {
    if (wanted_) set_float_mode(before_);
  }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  const bool wanted_;
  const FloatMode before_;
};

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_DENORMALS_H
