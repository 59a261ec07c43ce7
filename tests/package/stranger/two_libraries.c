// Two libraries of compiled layers in one program: each problem gets its own library's variant.
#include <stdio.h>
#include <string.h>

#include "first_layers.h"
#include "second_layers.h"
#include "sepconv/sepconv.h"

static int expect(int64_t in_channels, int64_t taps, int64_t extent, const char* name) {
  sepconv_problem problem;
  sepconv_problem_init(&problem, sizeof problem);
  problem.spatial_rank = 1;
  problem.in_channels = in_channels;
  problem.out_channels = 8;
  problem.in_extent[0] = extent;
  problem.kernel_extent[0] = taps;
  sepconv_plan* plan = NULL;
  if (sepconv_plan_create(&problem, NULL, &plan) != SEPCONV_OK) {
    fprintf(stderr, "%s\n", sepconv_last_error());
    return 1;
  }
  const int differs = strcmp(sepconv_plan_variant(plan), name);
  printf("%s\n", sepconv_plan_variant(plan));
  sepconv_plan_destroy(plan);
  return differs != 0;
}

int main(void) {
  if (sepconv_register(first_layers_variants()) != SEPCONV_OK ||
      sepconv_register(second_layers_variants()) != SEPCONV_OK) {
    fprintf(stderr, "%s\n", sepconv_last_error());
    return 1;
  }
  return expect(4, 3, 20, "1d_f32_nwc_k3s1d1m1c4o8e20_portable") +
         expect(6, 5, 30, "1d_f32_nwc_k5s1d1m1c6o8e30_portable");
}
