// A whole program: one layer, compiled for it alone. With ones everywhere an output is the number of products in it.
#include <stdio.h>
#include <stdlib.h>

#include "sepconv_test_one_layer.h"

enum { extent = 56, channels = 128, taps = 9 };

static float* ones(size_t count) {
  float* values = malloc(count * sizeof(float));
  for (size_t i = 0; values != NULL && i < count; ++i) values[i] = 1;
  return values;
}

static int failed(const char* what) {
  fprintf(stderr, "%s: %s\n", what, sepconv_last_error());
  return 1;
}

int main(void) {
  if (sepconv_register(sepconv_test_one_layer_variants()) != SEPCONV_OK) return failed("register");
  sepconv_problem problem;
  sepconv_problem_init(&problem, sizeof problem);
  problem.padding = SEPCONV_PADDING_SAME;
  problem.in_channels = problem.out_channels = channels;
  for (int axis = 0; axis < 2; ++axis) problem.in_extent[axis] = extent, problem.kernel_extent[axis] = 3;
  sepconv_plan* plan;
  if (sepconv_plan_create(&problem, NULL, &plan) != SEPCONV_OK) return failed("plan");
  const size_t count = (size_t)extent * extent * channels, packed_size = sepconv_plan_packed_size(plan);
  float *input = ones(count), *output = ones(count), *depthwise = ones(taps * channels),
        *pointwise = ones((size_t)channels * channels);
  void* packed = aligned_alloc(64, packed_size);
  if (!input || !output || !depthwise || !pointwise || !packed) return 2;
  sepconv_weights weights;
  sepconv_weights_init(&weights, sizeof weights);
  weights.depthwise_kernel = depthwise;
  weights.pointwise_kernel = pointwise;
  if (sepconv_plan_pack(plan, &weights, packed, packed_size) != SEPCONV_OK) return failed("pack");
  sepconv_arguments arguments;
  sepconv_arguments_init(&arguments, sizeof arguments);
  arguments.packed = packed;
  arguments.input = input;
  arguments.output = output;
  if (sepconv_plan_run(plan, &arguments) != SEPCONV_OK) return failed("run");
  const float corner = output[0], inside = output[(extent + 1) * channels];
  printf("%s: corner %g, inside %g\n", sepconv_plan_variant(plan), (double)corner, (double)inside);
  sepconv_plan_destroy(plan);
  free(packed), free(pointwise), free(depthwise), free(output), free(input);
  return corner == 4 * channels && inside == 9 * channels ? 0 : 3;
}
