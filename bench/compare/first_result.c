// The layer of first_result.json in a program of its own, linked statically: what a user would ship. Prints the
// nanoseconds of CLOCK_MONOTONIC at its start and when the first result is there.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "first_result_layer.h"

enum { extent = 56, channels = 128, taps = 9 };

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static float* ones(size_t count) {
  float* values = aligned_alloc(64, count * sizeof(float));
  if (values == NULL) exit(2);
  for (size_t i = 0; i < count; ++i) values[i] = 1;
  return values;
}

int main(void) {
  const int64_t start = now();
  float *input = ones(extent * extent * channels), *output = ones(extent * extent * channels);
  float *depthwise = ones(taps * channels), *pointwise = ones(channels * channels), *bias = ones(channels);

  const int64_t begin = now();
  sepconv_problem problem;
  sepconv_problem_init(&problem, sizeof problem);
  problem.padding = SEPCONV_PADDING_SAME;
  problem.in_channels = problem.out_channels = channels;
  problem.has_mid_bias = problem.has_out_bias = 1;
  problem.mid_activation.kind = problem.out_activation.kind = SEPCONV_ACTIVATION_RELU6;
  for (int axis = 0; axis < 2; ++axis) problem.in_extent[axis] = extent, problem.kernel_extent[axis] = 3;
  sepconv_plan* plan;
  if (sepconv_register(first_result_layer_variants()) != SEPCONV_OK ||
      sepconv_plan_create(&problem, NULL, &plan) != SEPCONV_OK)
    return puts(sepconv_last_error()), 1;
  const sepconv_weights weights = {.struct_size = sizeof weights,
                                   .depthwise_kernel = depthwise,
                                   .pointwise_kernel = pointwise,
                                   .mid_bias = bias,
                                   .out_bias = bias};
  const size_t packed_size = sepconv_plan_packed_size(plan);
  void* packed = aligned_alloc(64, packed_size);
  const sepconv_arguments run = {.struct_size = sizeof run, .packed = packed, .input = input, .output = output};
  if (packed == NULL || sepconv_plan_pack(plan, &weights, packed, packed_size) != SEPCONV_OK ||
      sepconv_plan_run(plan, &run) != SEPCONV_OK)
    return puts(sepconv_last_error()), 1;
  const int64_t end = now();
  printf("%lld %lld %lld\n", (long long)start, (long long)begin, (long long)end);
  return output[0] == 6 ? 0 : 3;
}
