// A user's program, compiled with warnings that users turn on, and maybe without exceptions: everything of the C++
// headers is instantiated, and an error is met.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "sepconv/sepconv.h"

#if !defined(__cpp_exceptions)
namespace {

// The error that main() makes at its end is the one that is expected.
[[noreturn]] void on_error(sepconv_status status, const char* sentence) {
  std::printf("as it should be: %s\n", sentence);
  std::exit(status == SEPCONV_INVALID_ARGUMENT ? 0 : 1);
}

}  // namespace
#define SEPCONV_ON_ERROR(status, sentence) on_error(status, sentence)
#endif

#include "sepconv/sepconv.hpp"
#include "sepconv/stream.hpp"
#include "sepconv/thread_pool.hpp"
#include "sepconv_default.h"

namespace {

template <typename T>
bool works(const sepconv::Problem& problem) {
  const std::vector<T> input = {1, 2, 3, 4, 5}, depthwise = {100, 10, 1}, pointwise = {1},
                       expected = {1, 12, 123, 234, 345};
  const sepconv::Plan plan(problem);
  const sepconv::PackedWeights packed = plan.pack(depthwise.data(), pointwise.data());
  plan.check_packed(packed);
  sepconv::Stream stream(plan, packed);
  return sepconv::separable_conv(problem, input, depthwise, pointwise) == expected &&
         stream.push(input.data(), 5) == expected && !plan.explain().empty() && problem.mid_channels() == 1;
}

}  // namespace

int main() {
  sepconv::check(sepconv_register(sepconv_default_variants()));
  const auto problem = sepconv::Problem(1).input({5}).kernel({3}).stride(1).dilation(1).channels(1, 1).causal();
  if (!works<float>(problem) || !works<double>(sepconv::Problem(problem).float64())) return 1;
  if (sepconv::from_name<sepconv_padding>("same") != SEPCONV_PADDING_SAME) return 1;
  sepconv::ThreadPool pool(2);
  const auto task = [](void*, int, int) { return 0; };
  if (sepconv::ThreadPool::parallel_for(&pool, 10, task, nullptr) != 0) return 1;
#if defined(__cpp_exceptions)
  try {
    sepconv::Problem(1).input({5, 5});
  } catch (const sepconv::Error& error) {
    std::printf("as it should be: %s\n", error.what());
    return error.status() == SEPCONV_INVALID_ARGUMENT ? 0 : 1;
  }
#else
  sepconv::Problem(1).input({5, 5});
#endif
  return 1;
}
