// One axis, one channel: 1 2 3 4 5 under the taps 100 10 1 gives 123 234 345.
#include <stdio.h>

#include "sepconv/sepconv.h"
#include "sepconv_default.h"

static _Alignas(64) char packed[4096];

int main(void) {
  const float input[] = {1, 2, 3, 4, 5}, depthwise[] = {100, 10, 1}, pointwise[] = {1};
  float output[3] = {0};
  sepconv_problem problem;
  sepconv_problem_init(&problem, sizeof problem);
  problem.spatial_rank = 1;
  problem.in_channels = problem.out_channels = 1;
  problem.in_extent[0] = 5;
  problem.kernel_extent[0] = 3;
  sepconv_weights weights;
  sepconv_weights_init(&weights, sizeof weights);
  weights.depthwise_kernel = depthwise;
  weights.pointwise_kernel = pointwise;
  sepconv_arguments arguments;
  sepconv_arguments_init(&arguments, sizeof arguments);
  arguments.packed = packed;
  arguments.input = input;
  arguments.output = output;
  sepconv_plan* plan = NULL;
  if (sepconv_register(sepconv_default_variants()) != SEPCONV_OK ||
      sepconv_plan_create(&problem, NULL, &plan) != SEPCONV_OK ||
      sepconv_plan_pack(plan, &weights, packed, sizeof packed) != SEPCONV_OK ||
      sepconv_plan_run(plan, &arguments) != SEPCONV_OK) {
    fprintf(stderr, "%s\n", sepconv_last_error());
    return 1;
  }
  printf("%s %s: %g %g %g\n", sepconv_version(), sepconv_plan_variant(plan), (double)output[0], (double)output[1],
         (double)output[2]);
  sepconv_plan_destroy(plan);
  return output[0] == 123 && output[1] == 234 && output[2] == 345 ? 0 : 1;
}
