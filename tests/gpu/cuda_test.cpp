// What a run on CUDA asks of the driver, by a driver that takes notes (fake_cuda.h): nothing but launches, on the
// caller's stream, in order; no allocation, no copy, no waiting, so that it can be captured in a CUDA graph.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "gpu/fake_cuda.h"
#include "sepconv/variant_table.h"
#include "sepconv_default_gpu.h"
#include "support/allocations.h"
#include "support/harness.h"

namespace sepconv::test {
namespace {

using Names = std::vector<std::string>;

class Cuda : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    sepconv_register(sepconv_default_gpu_variants());
    void* const library = dlopen("libcuda.so.1", RTLD_NOW);
    ASSERT_NE(library, nullptr) << dlerror();
    const auto get = reinterpret_cast<FakeCuda* (*)()>(dlsym(library, "fake_cuda"));
    ASSERT_NE(get, nullptr) << "this is a real driver: set LD_LIBRARY_PATH to the fake one";
    driver_ = get();
  }

  void SetUp() override {
    ASSERT_NE(driver_, nullptr);
    *driver_ = {};
    driver_->context = new_context();
  }

  // A context that nothing was loaded for yet.
  static void* new_context() {
    static char contexts[64];
    static int count = 0;
    return &contexts[count++];
  }

  static sepconv_problem problem() {
    sepconv_problem problem = default_problem();
    problem.in_channels = 32;
    problem.out_channels = 64;
    problem.in_extent[0] = problem.in_extent[1] = 14;
    problem.kernel_extent[0] = problem.kernel_extent[1] = 3;
    problem.padding = SEPCONV_PADDING_SAME;
    return problem;
  }

  static unsigned tile_pixels(const std::string& name) {
    const sepconv_variant_table& table = *sepconv_default_gpu_variants();
    for (size_t i = 0; i < table.variant_count; ++i) {
      if (table.variants[i].name == name) return static_cast<unsigned>(table.variants[i].tile_pixels);
    }
    return 0;
  }

  static PlanPointer plan(const sepconv_problem& problem, const char* variant = nullptr,
                          sepconv_status* status = nullptr) {
    sepconv_options options = default_options();
    options.device = SEPCONV_DEVICE_CUDA;
    options.variant = variant;
    return make_plan(problem, &options, status);
  }

  // Addresses that nobody reads; the output's is `shift` bytes further.
  sepconv_arguments arguments(const sepconv_plan& plan, size_t shift = 0) {
    const auto address = [](uintptr_t number) { return reinterpret_cast<char*>(number << 40); };
    sepconv_arguments arguments = default_arguments();
    arguments.packed = address(1);
    arguments.input = address(2);
    arguments.output = address(3) + shift;
    arguments.workspace = address(4);
    arguments.workspace_size = sepconv_plan_workspace_size(&plan);
    for (sepconv_memory* memory :
         {&arguments.packed_memory, &arguments.input_memory, &arguments.output_memory, &arguments.workspace_memory}) {
      memory->kind = SEPCONV_MEMORY_CUDA;
    }
    arguments.stream = &stream_;
    return arguments;
  }

  Names names() const {
    Names names;
    for (const CudaCall& call : driver_->calls) names.push_back(call.name);
    return names;
  }

  static FakeCuda* driver_;
  char stream_ = 0;
};

FakeCuda* Cuda::driver_ = nullptr;

TEST_F(Cuda, AWarmRunOnlyLaunches) {
  const PlanPointer fused = plan(problem(), "2d_f32_nhwc_k3s1d1m1_cuda");
  ASSERT_NE(fused, nullptr) << sepconv_last_error();
  EXPECT_EQ(sepconv_plan_workspace_size(fused.get()), 0u);
  ASSERT_EQ(sepconv_plan_warm_up(fused.get(), &stream_), SEPCONV_OK) << sepconv_last_error();
  EXPECT_EQ(driver_->modules_loaded, 1);
  const sepconv_arguments given = arguments(*fused);
  driver_->calls.clear();
  driver_->calls.reserve(16);
  ASSERT_EQ(sepconv_plan_run(fused.get(), &given), SEPCONV_OK) << sepconv_last_error();
  EXPECT_EQ(names(), (Names{"cuCtxGetCurrent", "cuLaunchKernel"}));
  const CudaCall& launch = driver_->calls.back();
  EXPECT_EQ(launch.stream, &stream_);
  // 196 pixels in tiles of tile_pixels, one panel.
  const unsigned tile = tile_pixels("2d_f32_nhwc_k3s1d1m1_cuda");
  EXPECT_EQ(launch.grid[0], (196 + tile - 1) / tile);
  EXPECT_EQ(launch.grid[1], 1u);
  EXPECT_LE(launch.shared, 48u * 1024);
}

TEST_F(Cuda, ASplitRunLaunchesTheDepthwiseStageFirst) {
  const PlanPointer split = plan(problem(), "2d_f32_nhwc_any_split_cuda");
  ASSERT_NE(split, nullptr) << sepconv_last_error();
  EXPECT_EQ(sepconv_plan_workspace_size(split.get()), 4u * 14 * 14 * 32);
  ASSERT_EQ(sepconv_plan_warm_up(split.get(), &stream_), SEPCONV_OK) << sepconv_last_error();
  sepconv_arguments given = arguments(*split);
  driver_->calls.clear();
  ASSERT_EQ(sepconv_plan_run(split.get(), &given), SEPCONV_OK) << sepconv_last_error();
  ASSERT_EQ(names(), (Names{"cuCtxGetCurrent", "cuLaunchKernel", "cuLaunchKernel"}));
  EXPECT_NE(driver_->calls[1].kernel.find("workspace"), std::string::npos) << driver_->calls[1].kernel;
  EXPECT_NE(driver_->calls[2].kernel.find("output"), std::string::npos) << driver_->calls[2].kernel;
  EXPECT_EQ(driver_->calls[1].stream, &stream_);
  EXPECT_EQ(driver_->calls[2].stream, &stream_);

  given.workspace_size -= 1;
  EXPECT_EQ(sepconv_plan_run(split.get(), &given), SEPCONV_INVALID_ARGUMENT);
  given.workspace_size += 1;
  given.workspace = nullptr;
  EXPECT_EQ(sepconv_plan_run(split.get(), &given), SEPCONV_INVALID_ARGUMENT);
}

TEST_F(Cuda, EveryVariantRunsWithoutAllocatingOnTheHost) {
  const sepconv_variant_table& table = *sepconv_default_gpu_variants();
  int variants = 0;
  for (size_t i = 0; i < table.variant_count; ++i) {
    const sepconv_variant& variant = table.variants[i];
    if (variant.driver->device != SEPCONV_DEVICE_CUDA) continue;
    ++variants;
    sepconv_problem p = problem();
    p.spatial_rank = variant.spatial_rank;
    p.layout = variant.layout;
    p.input_dtype = p.weight_dtype = p.output_dtype = variant.input_dtype;
    p.stages = variant.stages;
    if (p.stages == SEPCONV_STAGES_DEPTHWISE) p.out_channels = 0;
    for (int axis = 0; axis < 3; ++axis) {
      p.in_extent[axis] = 14;
      p.kernel_extent[axis] = variant.kernel_extent[axis] != 0 ? variant.kernel_extent[axis] : 3;
      p.stride[axis] = variant.stride[axis] != 0 ? variant.stride[axis] : 1;
    }
    const PlanPointer planned = plan(p, variant.name);
    ASSERT_NE(planned, nullptr) << sepconv_last_error();
    ASSERT_EQ(sepconv_plan_warm_up(planned.get(), &stream_), SEPCONV_OK)
        << variant.name << ": " << sepconv_last_error();
    const sepconv_arguments given = arguments(*planned);
    driver_->calls.clear();
    driver_->calls.reserve(16);
    watch_allocations();
    const sepconv_status status = sepconv_plan_run(planned.get(), &given);
    EXPECT_EQ(allocations_seen(), 0) << variant.name;
    EXPECT_EQ(status, SEPCONV_OK) << variant.name << ": " << sepconv_last_error();
    unsigned threads = 0;
    for (const CudaCall& call : driver_->calls) {
      if (call.name != "cuLaunchKernel") continue;
      EXPECT_LE(call.shared, 48u * 1024) << variant.name;
      threads = call.block[0] * call.block[1] * call.block[2];
    }
    if (variant.stages == SEPCONV_STAGES_DEPTHWISE) continue;  // its blocks are of another shape
    EXPECT_EQ(threads, static_cast<unsigned>(variant.block_threads)) << variant.name;
  }
  EXPECT_GE(variants, 12);
}

// Loads of 16 bytes where addresses and sizes allow them.
TEST_F(Cuda, AlignmentChoosesTheKernel) {
  const PlanPointer planned = plan(problem(), "2d_f32_nhwc_k3s1d1m1_cuda");
  ASSERT_NE(planned, nullptr) << sepconv_last_error();
  const auto kernel = [&](size_t shift) {
    const sepconv_arguments given = arguments(*planned, shift);
    EXPECT_EQ(sepconv_plan_run(planned.get(), &given), SEPCONV_OK) << sepconv_last_error();
    return driver_->calls.back().kernel;
  };
  EXPECT_EQ(kernel(0), kernel(16));
  EXPECT_NE(kernel(0), kernel(4));
  const sepconv_arguments crooked = arguments(*planned, 2);
  EXPECT_EQ(sepconv_plan_run(planned.get(), &crooked), SEPCONV_INVALID_ARGUMENT);
}

// Four elements of 16 bits are 8 bytes.
TEST_F(Cuda, HalvesNeedHalfTheAlignment) {
  sepconv_problem half = problem();
  half.input_dtype = half.weight_dtype = half.output_dtype = SEPCONV_DTYPE_BF16;
  const PlanPointer planned = plan(half, "2d_bf16_nhwc_k3s1d1m1_cuda");
  ASSERT_NE(planned, nullptr) << sepconv_last_error();
  const auto kernel = [&](size_t shift) {
    const sepconv_arguments given = arguments(*planned, shift);
    EXPECT_EQ(sepconv_plan_run(planned.get(), &given), SEPCONV_OK) << sepconv_last_error();
    return driver_->calls.back().kernel;
  };
  EXPECT_EQ(kernel(0), kernel(8));
  EXPECT_NE(kernel(0), kernel(2));
  const sepconv_arguments crooked = arguments(*planned, 1);
  EXPECT_EQ(sepconv_plan_run(planned.get(), &crooked), SEPCONV_INVALID_ARGUMENT);
}

TEST_F(Cuda, CodeIsLoadedOnceAContext) {
  const PlanPointer planned = plan(problem());
  ASSERT_NE(planned, nullptr) << sepconv_last_error();
  void* const first = driver_->context;
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(sepconv_plan_warm_up(planned.get(), &stream_), SEPCONV_OK);
    EXPECT_EQ(driver_->modules_loaded, 1);
  }
  driver_->context = new_context();
  ASSERT_EQ(sepconv_plan_warm_up(planned.get(), &stream_), SEPCONV_OK);
  EXPECT_EQ(driver_->modules_loaded, 2);
  EXPECT_EQ(sepconv_device_release(SEPCONV_DEVICE_CUDA, first), SEPCONV_OK);
  EXPECT_EQ(driver_->modules_loaded, 1);
  EXPECT_EQ(sepconv_device_release(SEPCONV_DEVICE_CUDA, driver_->context), SEPCONV_OK);
  EXPECT_EQ(driver_->modules_loaded, 0);
  ASSERT_EQ(sepconv_plan_warm_up(planned.get(), &stream_), SEPCONV_OK);
  EXPECT_EQ(driver_->modules_loaded, 1);
  EXPECT_EQ(sepconv_device_release(SEPCONV_DEVICE_CPU, first), SEPCONV_UNSUPPORTED);
  EXPECT_EQ(sepconv_device_release(SEPCONV_DEVICE_CUDA, nullptr), SEPCONV_INVALID_ARGUMENT);
}

TEST_F(Cuda, HostTensorsAreCopiedThereAndBack) {
  sepconv_problem p = problem();
  p.in_channels = 4;
  p.out_channels = 3;
  p.output_pitch[2] = 5;  // gaps, which keep what they held
  const PlanPointer planned = plan(p, "2d_f32_nhwc_any_split_cuda");
  ASSERT_NE(planned, nullptr) << sepconv_last_error();
  std::vector<float> depthwise(9 * 4, 1), pointwise(4 * 3, 1), input(14 * 14 * 4, 1), output(14 * 14 * 5, 7);
  sepconv_weights weights;
  sepconv_weights_init(&weights, sizeof weights);
  weights.depthwise_kernel = depthwise.data();
  weights.pointwise_kernel = pointwise.data();
  alignas(64) char memory[1 << 14];
  ASSERT_EQ(sepconv_plan_pack(planned.get(), &weights, memory, sizeof memory), SEPCONV_OK) << sepconv_last_error();
  sepconv_arguments host = default_arguments();
  host.packed = memory;
  host.input = input.data();
  host.output = output.data();
  driver_->calls.clear();
  ASSERT_EQ(sepconv_plan_run_host(planned.get(), &host, &stream_), SEPCONV_OK) << sepconv_last_error();
  EXPECT_EQ(driver_->bytes_allocated, 0);
  EXPECT_EQ(output, std::vector<float>(14 * 14 * 5, 7));
  const Names called = names();
  EXPECT_EQ(std::count(called.begin(), called.end(), "cuMemAlloc"), 4);
  EXPECT_EQ(std::count(called.begin(), called.end(), "cuMemcpyHtoDAsync"), 3);
  EXPECT_EQ(std::count(called.begin(), called.end(), "cuMemcpyDtoHAsync"), 1);
  // The device's memory is freed when the stream is done with it.
  const auto waited = std::find(called.begin(), called.end(), "cuStreamSynchronize");
  EXPECT_EQ(std::count(called.begin(), waited, "cuMemFree"), 0);

  for (const char* function : {"cuMemAlloc", "cuMemcpyHtoDAsync", "cuMemcpyDtoHAsync", "cuLaunchKernel"}) {
    driver_->fail_in = function;
    driver_->fail_with = 2;
    EXPECT_NE(sepconv_plan_run_host(planned.get(), &host, &stream_), SEPCONV_OK) << function;
    EXPECT_EQ(driver_->bytes_allocated, 0) << function;
  }
  host.packed = input.data();
  driver_->fail_in = "";
  EXPECT_NE(sepconv_plan_run_host(planned.get(), &host, &stream_), SEPCONV_OK);
}

TEST_F(Cuda, FailuresAreSentences) {
  const PlanPointer planned = plan(problem());
  ASSERT_NE(planned, nullptr) << sepconv_last_error();
  sepconv_arguments given = arguments(*planned);
  driver_->fail_in = "cuLaunchKernel";
  driver_->fail_with = 719;
  EXPECT_EQ(sepconv_plan_run(planned.get(), &given), SEPCONV_DEVICE_FAILED);
  EXPECT_TRUE(last_error_has("CUDA_ERROR_LAUNCH_FAILED"));
  driver_->fail_in = "";
  driver_->context = nullptr;
  EXPECT_EQ(sepconv_plan_run(planned.get(), &given), SEPCONV_INVALID_ARGUMENT);
  EXPECT_TRUE(last_error_has("context"));

  given.output = const_cast<void*>(given.input);
  EXPECT_EQ(sepconv_plan_run(planned.get(), &given), SEPCONV_INVALID_ARGUMENT);
  given = arguments(*planned);
  given.input_memory = {};
  EXPECT_EQ(sepconv_plan_run(planned.get(), &given), SEPCONV_INVALID_ARGUMENT);
  given = arguments(*planned);
  given.output_memory.handle = &given;
  EXPECT_EQ(sepconv_plan_run(planned.get(), &given), SEPCONV_INVALID_ARGUMENT);
}

TEST_F(Cuda, WithoutADeviceThereIsNoPlan) {
  sepconv_status status;
  driver_->devices = 0;
  EXPECT_EQ(plan(problem(), nullptr, &status), nullptr);
  EXPECT_EQ(status, SEPCONV_NO_DEVICE);
  EXPECT_STREQ(sepconv_last_error(), "options.device is cuda: there is no CUDA device");
  driver_->devices = 1;
  driver_->fail_in = "cuInit";
  driver_->fail_with = 100;
  EXPECT_EQ(plan(problem(), nullptr, &status), nullptr);
  EXPECT_EQ(status, SEPCONV_NO_DEVICE);
}

}  // namespace

}  // namespace sepconv::test
