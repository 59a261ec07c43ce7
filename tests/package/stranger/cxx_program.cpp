// The same sum in C++, once in one call and once with a plan and threads.
#include <cstdio>
#include <vector>

#include "sepconv/sepconv.hpp"
#include "sepconv/thread_pool.hpp"
#include "sepconv_default.h"

int main() {
  sepconv::check(sepconv_register(sepconv_default_variants()));
  const auto problem = sepconv::Problem(1).input({5}).kernel({3}).channels(1, 1);
  const std::vector<float> input = {1, 2, 3, 4, 5}, depthwise = {100, 10, 1}, pointwise = {1},
                           expected = {123, 234, 345};
  const std::vector<float> once = sepconv::separable_conv(problem, input, depthwise, pointwise);

  sepconv::ThreadPool pool(2);
  sepconv_options options = sepconv::default_options();
  options.max_threads = pool.threads();
  const sepconv::Plan plan(problem, options);
  const sepconv::PackedWeights packed = plan.pack(depthwise.data(), pointwise.data());
  std::vector<float> output(problem.output_size());
  plan.run(packed, input.data(), output.data(), nullptr, sepconv::ThreadPool::parallel_for, &pool);
  std::printf("%s: %g %g %g\n", plan.variant(), output[0], output[1], output[2]);

  try {
    sepconv::Plan impossible(sepconv::Problem(1).input({2}).kernel({3}).channels(1, 1));
  } catch (const sepconv::Error& error) {
    std::printf("as it should be: %s\n", error.what());
    return once == expected && output == expected && error.status() == SEPCONV_INVALID_ARGUMENT ? 0 : 1;
  }
  return 1;
}
