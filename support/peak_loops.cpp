// The measured loops. Twelve chains cover a latency of six cycles at two multiply-adds a cycle, and their accumulators,
// the factor and the term fit into 16 registers. The compiler cannot know factor and term, so no step can be left out;
// the sum of all lanes is returned and checked, so no chain can. Always compiled with optimisation (see
// CMakeLists.txt).
#include "peak.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace sepconv::support {
namespace {

constexpr int kChains = 12;

#if defined(__x86_64__)

// Without FMA a step is a multiplication and an addition.
float run_sse(int64_t steps, float factor, float term) {
  const __m128 m = _mm_set1_ps(factor), a = _mm_set1_ps(term);
  __m128 x[kChains];
  for (__m128& chain : x) chain = _mm_setzero_ps();
  for (int64_t step = 0; step < steps; ++step) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) x[c] = _mm_add_ps(_mm_mul_ps(x[c], m), a);
  }
  float sum = 0, lanes[4];
  for (const __m128 chain : x) {
    _mm_storeu_ps(lanes, chain);
    for (const float lane : lanes) sum += lane;
  }
  return sum;
}

__attribute__((target("avx2,fma"))) float run_avx2(int64_t steps, float factor, float term) {
  const __m256 m = _mm256_set1_ps(factor), a = _mm256_set1_ps(term);
  __m256 x[kChains];
  for (__m256& chain : x) chain = _mm256_setzero_ps();
  for (int64_t step = 0; step < steps; ++step) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) x[c] = _mm256_fmadd_ps(x[c], m, a);
  }
  float sum = 0, lanes[8];
  for (int c = 0; c < kChains; ++c) {
    _mm256_storeu_ps(lanes, x[c]);
    for (const float lane : lanes) sum += lane;
  }
  return sum;
}

__attribute__((target("avx512f"))) float run_avx512(int64_t steps, float factor, float term) {
  const __m512 m = _mm512_set1_ps(factor), a = _mm512_set1_ps(term);
  __m512 x[kChains];
  for (__m512& chain : x) chain = _mm512_setzero_ps();
  for (int64_t step = 0; step < steps; ++step) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) x[c] = _mm512_fmadd_ps(x[c], m, a);
  }
  float sum = 0, lanes[16];
  for (int c = 0; c < kChains; ++c) {
    _mm512_storeu_ps(lanes, x[c]);
    for (const float lane : lanes) sum += lane;
  }
  return sum;
}

#elif defined(__aarch64__)

float run_neon(int64_t steps, float factor, float term) {
  const float32x4_t m = vdupq_n_f32(factor), a = vdupq_n_f32(term);
  float32x4_t x[kChains];
  for (float32x4_t& chain : x) chain = vdupq_n_f32(0);
  for (int64_t step = 0; step < steps; ++step) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) x[c] = vfmaq_f32(a, x[c], m);
  }
  float sum = 0;
  for (const float32x4_t chain : x) sum += vaddvq_f32(chain);
  return sum;
}

#else

float run_scalar(int64_t steps, float factor, float term) {
  float x[kChains] = {};
  for (int64_t step = 0; step < steps; ++step) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) x[c] = x[c] * factor + term;
  }
  float sum = 0;
  for (const float chain : x) sum += chain;
  return sum;
}

#endif

PeakLoop make_loop(const char* name, const char* instructions, int lanes, float (*run)(int64_t, float, float)) {
  return {name, instructions, 2 * kChains * lanes, run, kChains * lanes, lanes};
}

}  // namespace

std::vector<PeakLoop> peak_loops() {
  std::vector<PeakLoop> loops;
#if defined(__x86_64__)
  loops.push_back(make_loop("sse2", "SSE2, multiplication and addition", 4, run_sse));
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    loops.push_back(make_loop("avx2", "AVX2 and FMA", 8, run_avx2));
  }
  if (__builtin_cpu_supports("avx512f")) loops.push_back(make_loop("avx512", "AVX-512", 16, run_avx512));
#elif defined(__aarch64__)
  loops.push_back(make_loop("neon", "NEON", 4, run_neon));
#else
  loops.push_back(make_loop("scalar", "scalar", 1, run_scalar));
#endif
  return loops;
}

}  // namespace sepconv::support
