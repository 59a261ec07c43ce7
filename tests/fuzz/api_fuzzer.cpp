// Any problem, any options, any arguments, through the public API. Every call returns a status, says why, and writes
// nothing when it refuses. Buffers have exactly the promised size, on the heap, where AddressSanitizer watches their
// ends.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "sepconv/sepconv.h"
#include "support/reference.h"
#include "support/tensor.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

constexpr double kMostWork = 2e5;           // multiplications of a problem that is really run
constexpr size_t kMostBytes = 1 << 22;      // of its packed weights and its workspace
constexpr int64_t kMostElements = 1 << 20;  // of its input and its output, gaps included

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "broken promise: %s (last error: %s)\n", what, sepconv_last_error());
  std::abort();
}

// Mostly small and legal, sometimes anything.
int64_t extent(FuzzedDataProvider& data, int64_t most) {
  switch (data.ConsumeIntegralInRange(0, 31)) {
    case 0:
      return data.ConsumeIntegral<int64_t>();
    case 1:
      return data.PickValueInArray<int64_t>({0, -1, INT64_MAX, INT64_MIN, INT32_MAX, int64_t{INT32_MAX} + 1, 1 << 20});
    default:
      return data.ConsumeIntegralInRange<int64_t>(1, most);
  }
}

// An enumeration of `count` values, as a C program stores it.
template <typename Enum>
void choose(FuzzedDataProvider& data, int count, Enum* field) {
  int value =
      data.ConsumeIntegralInRange(0, 15) == 0 ? data.ConsumeIntegral<int>() : data.ConsumeIntegralInRange(0, count - 1);
  std::memcpy(field, &value, sizeof value);
}

// A pitch: mostly dense, sometimes more or less.
void pitch(FuzzedDataProvider& data, int64_t* field) {
  const int which = data.ConsumeIntegralInRange(0, 31);
  if (which == 0) *field = extent(data, 4000);
  if (which == 1) *field = data.ConsumeIntegralInRange<int64_t>(1, 3000);
}

sepconv_activation activation(FuzzedDataProvider& data) {
  sepconv_activation result = {SEPCONV_ACTIVATION_NONE, 0, 0};
  choose(data, SEPCONV_ACTIVATION_COUNT, &result.kind);
  result.lo = data.ConsumeFloatingPoint<float>();
  result.hi = data.ConsumeBool() ? result.lo + 1 : data.ConsumeFloatingPoint<float>();
  return result;
}

sepconv_problem problem_from(FuzzedDataProvider& data) {
  sepconv_problem problem;
  sepconv_problem_init(&problem, sizeof problem);
  problem.spatial_rank =
      data.ConsumeIntegralInRange(0, 31) == 0 ? data.ConsumeIntegral<int32_t>() : data.ConsumeIntegralInRange(1, 3);
  choose(data, SEPCONV_LAYOUT_COUNT, &problem.layout);
  choose(data, SEPCONV_PADDING_COUNT, &problem.padding);
  if (data.ConsumeIntegralInRange(0, 7) == 0) choose(data, SEPCONV_STAGES_COUNT, &problem.stages);
  if (data.ConsumeIntegralInRange(0, 3) == 0) {
    problem.input_dtype = problem.weight_dtype = problem.mid_dtype = problem.output_dtype = SEPCONV_DTYPE_F64;
  }
  problem.batch = extent(data, 3);
  problem.in_channels = extent(data, 40);
  problem.depth_multiplier = extent(data, 3);
  problem.out_channels = extent(data, 40);
  for (int axis = 0; axis < SEPCONV_MAX_SPATIAL_RANK; ++axis) {
    problem.in_extent[axis] = extent(data, 24);
    problem.kernel_extent[axis] = extent(data, 5);
    problem.stride[axis] = extent(data, 4);
    problem.dilation[axis] = extent(data, 4);
    if (data.ConsumeBool()) problem.pad_before[axis] = extent(data, 8);
    if (data.ConsumeBool()) problem.pad_after[axis] = extent(data, 8);
  }
  for (int i = 0; i <= SEPCONV_MAX_SPATIAL_RANK; ++i) {
    pitch(data, &problem.input_pitch[i]);
    pitch(data, &problem.output_pitch[i]);
  }
  pitch(data, &problem.input_channel_pitch);
  pitch(data, &problem.output_channel_pitch);
  if (data.ConsumeIntegralInRange(0, 63) == 0) choose(data, SEPCONV_DTYPE_COUNT, &problem.mid_dtype);
  if (data.ConsumeIntegralInRange(0, 63) == 0)
    problem.struct_size = data.ConsumeIntegral<size_t>() % (2 * sizeof problem);
  if (problem.struct_size > sizeof problem) problem.struct_size = 0;  // memory beyond ours is not the library's fault
  if (data.ConsumeBool()) problem.input_activation = activation(data);
  problem.mid_activation = activation(data);
  problem.out_activation = activation(data);
  problem.has_mid_bias = data.ConsumeBool();
  problem.has_out_bias = data.ConsumeBool();
  problem.has_residual = data.ConsumeIntegralInRange(0, 3) == 0;
  return problem;
}

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

// Heap memory of exactly `size` bytes at a multiple of 64.
std::unique_ptr<void, Free> exactly(size_t size) {
  void* memory = nullptr;
  require(posix_memalign(&memory, 64, size) == 0, "the fuzzer has memory");
  return std::unique_ptr<void, Free>(memory);
}

double work(const sepconv_problem& problem, const int64_t out_extent[]) {
  double pixels = static_cast<double>(problem.batch), taps = 1;
  for (int axis = 0; axis < problem.spatial_rank; ++axis) {
    pixels *= static_cast<double>(std::max(out_extent[axis], problem.in_extent[axis]));
    taps *= static_cast<double>(problem.kernel_extent[axis]);
  }
  const double mids = static_cast<double>(problem.in_channels) * static_cast<double>(problem.depth_multiplier);
  return (pixels + 1) * mids * (taps + static_cast<double>(problem.out_channels));
}

// Breaks one argument, or none. True if the run may still succeed.
bool spoil(FuzzedDataProvider& data, sepconv_arguments* arguments, std::vector<unsigned char>* spoilt_packed) {
  switch (data.ConsumeIntegralInRange(0, 15)) {
    case 0:
      return arguments->input = nullptr, false;
    case 1:
      return arguments->output = nullptr, false;
    case 2:
      return arguments->packed = nullptr, false;
    case 3:
      return arguments->workspace_size -= 1, false;
    case 4:
      return arguments->workspace = static_cast<char*>(arguments->workspace) + data.ConsumeIntegralInRange(1, 63),
             false;
    case 5:
      return arguments->residual = arguments->residual == nullptr ? arguments->input : nullptr, false;
    case 6:
      return arguments->struct_size = data.ConsumeIntegralInRange<size_t>(0, sizeof *arguments - 1), false;
    case 7:
      return arguments->workspace = nullptr, true;
    case 8: {
      auto* bytes = static_cast<unsigned char*>(const_cast<void*>(arguments->packed));
      spoilt_packed->assign(bytes, bytes + 64);
      bytes[data.ConsumeIntegralInRange(0, 63)] ^= static_cast<unsigned char>(data.ConsumeIntegralInRange(1, 255));
      return false;
    }
    case 9:
      return arguments->output = const_cast<void*>(arguments->input), false;
    default:
      return true;
  }
}

template <typename T>
void run(FuzzedDataProvider& data, const sepconv_problem& problem, const sepconv_plan& plan) {
  struct Filled {
    std::unique_ptr<void, Free> memory;
    int64_t count;
    T* data() const { return static_cast<T*>(memory.get()); }
  };
  const auto filled = [](int64_t count, T value) {
    Filled result{exactly(static_cast<size_t>(count) * sizeof(T)), count};
    std::fill_n(result.data(), count, value);
    return result;
  };
  const size_t packed_size = sepconv_plan_packed_size(&plan), workspace_size = sepconv_plan_workspace_size(&plan);
  const Tensor output_shape = output_tensor(problem);
  const Filled input = filled(span(input_tensor(problem)), 1), output = filled(span(output_shape), -77),
               residual = filled(span(output_shape), 1), depthwise = filled(depthwise_count(problem), 1),
               pointwise = filled(pointwise_count(problem), 1), mid_bias = filled(mid_count(problem), 1),
               out_bias = filled(problem.out_channels, 1);
  const auto packed = exactly(packed_size), workspace = exactly(workspace_size);
  sepconv_weights weights;
  sepconv_weights_init(&weights, sizeof weights);
  if (problem.stages != SEPCONV_STAGES_POINTWISE) weights.depthwise_kernel = depthwise.data();
  if (problem.stages != SEPCONV_STAGES_DEPTHWISE) weights.pointwise_kernel = pointwise.data();
  if (problem.has_mid_bias) weights.mid_bias = mid_bias.data();
  if (problem.has_out_bias) weights.out_bias = out_bias.data();
  require(sepconv_plan_pack(&plan, &weights, packed.get(), packed_size - 1) == SEPCONV_INVALID_ARGUMENT,
          "size is checked");
  require(sepconv_plan_pack(&plan, &weights, packed.get(), packed_size) == SEPCONV_OK, "weights are packed");
  sepconv_arguments arguments;
  sepconv_arguments_init(&arguments, sizeof arguments);
  arguments.packed = packed.get();
  arguments.input = input.data();
  arguments.output = output.data();
  if (problem.has_residual) arguments.residual = residual.data();
  arguments.workspace = workspace.get();
  arguments.workspace_size = workspace_size;
  std::vector<unsigned char> spoilt;
  const bool good = spoil(data, &arguments, &spoilt);
  const sepconv_status status = sepconv_plan_run(&plan, &arguments);
  if (good) require(status == SEPCONV_OK, "a good run succeeds");
  if (!good && problem.batch > 0) require(status != SEPCONV_OK, "a spoilt run is refused");
  std::vector<bool> written(static_cast<size_t>(output.count));
  if (status == SEPCONV_OK) {
    for_each_offset(output_shape, [&](int64_t offset) { written[static_cast<size_t>(offset)] = true; });
  }
  for (int64_t i = 0; i < output.count; ++i) {
    require(written[static_cast<size_t>(i)] || output.data()[i] == -77, "nothing but a good run's elements is written");
  }
}

void fuzz(FuzzedDataProvider& data) {
  const sepconv_problem problem = problem_from(data);
  int64_t out_extent[SEPCONV_MAX_SPATIAL_RANK] = {};
  const sepconv_status legal = sepconv_output_extent(&problem, out_extent);
  require(legal == SEPCONV_OK || legal == SEPCONV_INVALID_ARGUMENT || legal == SEPCONV_UNSUPPORTED, "a known status");
  require(legal == SEPCONV_OK || *sepconv_last_error() != '\0', "a refusal says why");

  const std::string name = data.ConsumeBool() ? "" : data.ConsumeRandomLengthString(30),
                    list = data.ConsumeRandomLengthString(20);
  sepconv_options options;
  sepconv_options_init(&options, sizeof options);
  options.max_threads =
      data.ConsumeIntegralInRange(0, 7) == 0 ? data.ConsumeIntegral<int32_t>() : data.ConsumeIntegralInRange(1, 4);
  if (data.ConsumeIntegralInRange(0, 31) == 0) options.variant = name.c_str();
  if (data.ConsumeIntegralInRange(0, 31) == 0) options.targets.forbid = list.c_str();
  if (data.ConsumeIntegralInRange(0, 31) == 0) choose(data, SEPCONV_DEVICE_COUNT, &options.device);
  sepconv_plan* made = nullptr;
  const sepconv_status planned = sepconv_plan_create(&problem, &options, &made);
  const std::unique_ptr<sepconv_plan, decltype(&sepconv_plan_destroy)> plan(made, sepconv_plan_destroy);
  require((made != nullptr) == (planned == SEPCONV_OK), "a plan exactly on success");
  require(planned == SEPCONV_OK || *sepconv_last_error() != '\0', "a refusal says why");
  require(legal == SEPCONV_OK || planned == legal || planned == SEPCONV_INVALID_ARGUMENT,
          "an illegal problem has no plan");
  if (made == nullptr) return;
  std::vector<char> text(data.ConsumeIntegralInRange<size_t>(1, 300));
  require(sepconv_plan_explain(made, text.data(), text.size()) == SEPCONV_OK, "a plan is explained");
  if (work(problem, out_extent) > kMostWork || sepconv_plan_packed_size(made) > kMostBytes ||
      sepconv_plan_workspace_size(made) > kMostBytes || span(input_tensor(problem)) > kMostElements ||
      span(output_tensor(problem)) > kMostElements) {
    return;
  }
  if (problem.input_dtype == SEPCONV_DTYPE_F64) {
    run<double>(data, problem, *made);
  } else {
    run<float>(data, problem, *made);
  }
}

}  // namespace
}  // namespace sepconv::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  sepconv::test::tables_under_test();
  FuzzedDataProvider data(bytes, size);
  sepconv::test::fuzz(data);
  return 0;
}
