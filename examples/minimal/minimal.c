#include <stdio.h>
#include <stdlib.h>

#include "sepconv/sepconv.h"
#include "sepconv_default.h"

int main(void) {
  float image[6 * 6 * 2], box[3 * 3 * 2], mix[2] = {0.25F, 0.75F}, result[6 * 6];
  for (int i = 0; i < 6 * 6 * 2; ++i) image[i] = 1;       // height, width, channels
  for (int i = 0; i < 3 * 3 * 2; ++i) box[i] = 1 / 9.0F;  // height, width, channels, multiplier

  sepconv_problem problem;
  sepconv_problem_init(&problem, sizeof problem);
  problem.padding = SEPCONV_PADDING_SAME;
  problem.in_extent[0] = problem.in_extent[1] = 6;
  problem.kernel_extent[0] = problem.kernel_extent[1] = 3;
  problem.in_channels = 2;
  problem.out_channels = 1;

  sepconv_plan* plan = NULL;
  sepconv_register(sepconv_default_variants());
  if (sepconv_plan_create(&problem, NULL, &plan) != SEPCONV_OK) return puts(sepconv_last_error()), 1;

  sepconv_weights weights = {.struct_size = sizeof weights, .depthwise_kernel = box, .pointwise_kernel = mix};
  void* packed = aligned_alloc(64, sepconv_plan_packed_size(plan));
  sepconv_status status = sepconv_plan_pack(plan, &weights, packed, sepconv_plan_packed_size(plan));

  sepconv_arguments run = {.struct_size = sizeof run, .packed = packed, .input = image, .output = result};
  if (status == SEPCONV_OK) status = sepconv_plan_run(plan, &run);
  if (status != SEPCONV_OK) return puts(sepconv_last_error()), 1;

  printf("corner %.3f, edge %.3f, middle %.3f\n", result[0], result[1], result[7]);
  free(packed);
  sepconv_plan_destroy(plan);
  return 0;
}
