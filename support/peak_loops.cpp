// The measured loops. Twelve chains cover a latency of six cycles at two multiply-adds a cycle, and their accumulators,
// the factor and the term fit into 16 registers. The compiler cannot know factor and term, so no step can be left out;
// the chains begin differently, and the sum of all lanes is returned and checked, so no chain can. Always compiled with
// optimisation, and with multiplication and addition contracted (see CMakeLists.txt).
#include <cstring>

#include "peak.h"

namespace sepconv::support {
namespace {

constexpr int kChains = 12;

template <typename Vector>
constexpr int kLanes = sizeof(Vector) / sizeof(float);

// The one loop, for whatever instructions the function has that it is compiled into.
template <typename Vector>
__attribute__((always_inline)) inline float run_chains(int64_t steps, float factor, float term) {
  const Vector m = Vector{} + factor, a = Vector{} + term;
  Vector x[kChains];
  for (int c = 0; c < kChains; ++c) x[c] = Vector{} + static_cast<float>(c);
  for (int64_t step = 0; step < steps; ++step) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) x[c] = x[c] * m + a;
  }
  float sum = 0, lanes[kLanes<Vector>];
  for (const Vector& chain : x) {
    std::memcpy(lanes, &chain, sizeof chain);
    for (const float lane : lanes) sum += lane;
  }
  return sum;
}

using Loop = float (*)(int64_t steps, float factor, float term);
using Vector16 = float __attribute__((vector_size(16)));

template <typename Vector>
PeakLoop make_loop(const char* name, const char* instructions, Loop run) {
  constexpr int kAll = kChains * kLanes<Vector>;
  return {name, instructions, 2 * kAll, run, kAll, kLanes<Vector>};
}

#if defined(__x86_64__)

using Vector32 = float __attribute__((vector_size(32)));
using Vector64 = float __attribute__((vector_size(64)));

// Without FMA a step is a multiplication and an addition.
float run_sse2(int64_t steps, float factor, float term) { return run_chains<Vector16>(steps, factor, term); }

__attribute__((target("avx2,fma"))) float run_avx2(int64_t steps, float factor, float term) {
  return run_chains<Vector32>(steps, factor, term);
}

__attribute__((target("avx512f"))) float run_avx512(int64_t steps, float factor, float term) {
  return run_chains<Vector64>(steps, factor, term);
}

#elif defined(__aarch64__)
float run_neon(int64_t steps, float factor, float term) { return run_chains<Vector16>(steps, factor, term); }
#else
float run_scalar(int64_t steps, float factor, float term) { return run_chains<float>(steps, factor, term); }
#endif

}  // namespace

std::vector<PeakLoop> peak_loops() {
  std::vector<PeakLoop> loops;
#if defined(__x86_64__)
  loops.push_back(make_loop<Vector16>("sse2", "SSE2, multiplication and addition", run_sse2));
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    loops.push_back(make_loop<Vector32>("avx2", "AVX2 and FMA", run_avx2));
  if (__builtin_cpu_supports("avx512f")) loops.push_back(make_loop<Vector64>("avx512", "AVX-512", run_avx512));
#elif defined(__aarch64__)
  loops.push_back(make_loop<Vector16>("neon", "NEON", run_neon));
#else
  loops.push_back(make_loop<float>("scalar", "scalar", run_scalar));
#endif
  return loops;
}

}  // namespace sepconv::support
