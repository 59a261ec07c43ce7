// The runtime and the GPU variants as one shared library with a flat interface for ctypes (library.py), so that the
// comparison runs on machines where neither Halide nor the Python package can be had.
#include <cstdint>
#include <initializer_list>

#include "sepconv/sepconv.h"
#include "sepconv_default_gpu.h"

#define SEPCONV_BENCH __attribute__((visibility("default")))

extern "C" {

// What a layer is made of, in the order of library.py. Activations: kind, lo, hi.
struct sepconv_bench_layer {
  int64_t rank, layout, batch, in_channels, depth_multiplier, out_channels, dtype, has_mid_bias, has_out_bias;
  int64_t in_extent[3], kernel_extent[3], stride[3], dilation[3], pad_before[3], pad_after[3];
  float activation[3][3];
};

SEPCONV_BENCH const char* sepconv_bench_error(void) { return sepconv_last_error(); }

// A plan, or NULL. `variant` may be NULL.
SEPCONV_BENCH sepconv_plan* sepconv_bench_plan(const sepconv_bench_layer* layer, const char* variant) {
  static const sepconv_status registered = sepconv_register(sepconv_default_gpu_variants());
  if (registered != SEPCONV_OK) return nullptr;
  sepconv_problem problem;
  sepconv_problem_init(&problem, sizeof problem);
  problem.spatial_rank = static_cast<int32_t>(layer->rank);
  problem.layout = static_cast<sepconv_layout>(layer->layout);
  problem.padding = SEPCONV_PADDING_EXPLICIT;
  problem.batch = layer->batch;
  problem.in_channels = layer->in_channels;
  problem.depth_multiplier = layer->depth_multiplier;
  problem.out_channels = layer->out_channels;
  for (int axis = 0; axis < problem.spatial_rank; ++axis) {
    problem.in_extent[axis] = layer->in_extent[axis];
    problem.kernel_extent[axis] = layer->kernel_extent[axis];
    problem.stride[axis] = layer->stride[axis];
    problem.dilation[axis] = layer->dilation[axis];
    problem.pad_before[axis] = layer->pad_before[axis];
    problem.pad_after[axis] = layer->pad_after[axis];
  }
  problem.input_dtype = problem.weight_dtype = problem.output_dtype = static_cast<sepconv_dtype>(layer->dtype);
  problem.has_mid_bias = static_cast<int32_t>(layer->has_mid_bias);
  problem.has_out_bias = static_cast<int32_t>(layer->has_out_bias);
  sepconv_activation* const places[] = {&problem.input_activation, &problem.mid_activation, &problem.out_activation};
  for (int i = 0; i < 3; ++i) {
    places[i]->kind = static_cast<sepconv_activation_kind>(layer->activation[i][0]);
    places[i]->lo = layer->activation[i][1];
    places[i]->hi = layer->activation[i][2];
  }
  sepconv_options options;
  sepconv_options_init(&options, sizeof options);
  options.device = SEPCONV_DEVICE_CUDA;
  options.variant = variant;
  sepconv_plan* plan = nullptr;
  return sepconv_plan_create(&problem, &options, &plan) == SEPCONV_OK ? plan : nullptr;
}

SEPCONV_BENCH const char* sepconv_bench_variant(const sepconv_plan* plan) { return sepconv_plan_variant(plan); }
SEPCONV_BENCH uint64_t sepconv_bench_packed_size(const sepconv_plan* plan) { return sepconv_plan_packed_size(plan); }
SEPCONV_BENCH uint64_t sepconv_bench_workspace_size(const sepconv_plan* plan) {
  return sepconv_plan_workspace_size(plan);
}

SEPCONV_BENCH int sepconv_bench_pack(const sepconv_plan* plan, const void* depthwise, const void* pointwise,
                                     const void* mid_bias, const void* out_bias, void* packed) {
  sepconv_weights weights;
  sepconv_weights_init(&weights, sizeof weights);
  weights.depthwise_kernel = depthwise;
  weights.pointwise_kernel = pointwise;
  weights.mid_bias = mid_bias;
  weights.out_bias = out_bias;
  return sepconv_plan_pack(plan, &weights, packed, sepconv_plan_packed_size(plan));
}

// Device addresses.
SEPCONV_BENCH int sepconv_bench_run(const sepconv_plan* plan, const void* packed, const void* input, void* output,
                                    void* workspace, void* stream) {
  sepconv_arguments arguments;
  sepconv_arguments_init(&arguments, sizeof arguments);
  arguments.packed = packed;
  arguments.input = input;
  arguments.output = output;
  arguments.workspace = workspace;
  arguments.workspace_size = sepconv_plan_workspace_size(plan);
  for (sepconv_memory* memory :
       {&arguments.packed_memory, &arguments.input_memory, &arguments.output_memory, &arguments.workspace_memory}) {
    memory->kind = SEPCONV_MEMORY_CUDA;
  }
  arguments.stream = stream;
  return sepconv_plan_run(plan, &arguments);
}

SEPCONV_BENCH int sepconv_bench_warm_up(const sepconv_plan* plan, void* stream) {
  return sepconv_plan_warm_up(plan, stream);
}

SEPCONV_BENCH void sepconv_bench_close(sepconv_plan* plan) { sepconv_plan_destroy(plan); }

}  // extern "C"
