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
#include "support/rows.h"

namespace sepconv::test {
namespace {

constexpr double kMostWork = 2e5;       // multiplications of a problem that is really run
constexpr size_t kMostBytes = 1 << 22;  // of its packed weights and its workspace

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

// An enum, as a C program stores it.
template <typename Enum>
void choose(FuzzedDataProvider& data, int most, Enum* field) {
  int value =
      data.ConsumeIntegralInRange(0, 15) == 0 ? data.ConsumeIntegral<int>() : data.ConsumeIntegralInRange(0, most);
  std::memcpy(field, &value, sizeof value);
}

void rarely(FuzzedDataProvider& data, int64_t* field) {
  if (data.ConsumeIntegralInRange(0, 63) == 0) *field = extent(data, 4000);
}

sepconv_activation activation(FuzzedDataProvider& data) {
  sepconv_activation result = {SEPCONV_ACTIVATION_NONE, 0, 0};
  choose(data, SEPCONV_ACTIVATION_CLAMP, &result.kind);
  result.lo = data.ConsumeFloatingPoint<float>();
  result.hi = data.ConsumeBool() ? result.lo + 1 : data.ConsumeFloatingPoint<float>();
  return result;
}

sepconv_problem problem_from(FuzzedDataProvider& data) {
  sepconv_problem problem;
  sepconv_problem_init(&problem, sizeof problem);
  problem.spatial_rank =
      data.ConsumeIntegralInRange(0, 31) == 0 ? data.ConsumeIntegral<int32_t>() : data.ConsumeIntegralInRange(1, 2);
  if (data.ConsumeIntegralInRange(0, 31) == 0) choose(data, 1, &problem.layout);
  choose(data, 1, &problem.padding);
  problem.batch = extent(data, 3);
  problem.in_channels = extent(data, 40);
  problem.depth_multiplier = extent(data, 3);
  problem.out_channels = extent(data, 40);
  for (int axis = 0; axis < SEPCONV_MAX_SPATIAL_RANK; ++axis) {
    problem.in_extent[axis] = extent(data, 24);
    problem.kernel_extent[axis] = extent(data, 5);
    problem.stride[axis] = extent(data, 4);
    problem.dilation[axis] = extent(data, 4);
    rarely(data, &problem.pad_before[axis]);
    rarely(data, &problem.pad_after[axis]);
    rarely(data, &problem.input_pitch[axis]);
    rarely(data, &problem.output_pitch[axis]);
  }
  if (data.ConsumeIntegralInRange(0, 63) == 0) choose(data, SEPCONV_DTYPE_I32, &problem.mid_dtype);
  if (data.ConsumeIntegralInRange(0, 63) == 0)
    problem.struct_size = data.ConsumeIntegral<size_t>() % (2 * sizeof problem);
  if (problem.struct_size > sizeof problem) problem.struct_size = 0;  // memory beyond ours is not the library's fault
  problem.mid_activation = activation(data);
  problem.out_activation = activation(data);
  problem.has_mid_bias = data.ConsumeBool();
  problem.has_out_bias = data.ConsumeBool();
  problem.has_residual = data.ConsumeIntegralInRange(0, 63) == 0;
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
      return arguments->residual = arguments->input, false;
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

void run(FuzzedDataProvider& data, const sepconv_problem& problem, const sepconv_plan& plan) {
  const auto floats = [](int64_t count) { return exactly(static_cast<size_t>(count) * sizeof(float)); };
  const size_t packed_size = sepconv_plan_packed_size(&plan), workspace_size = sepconv_plan_workspace_size(&plan);
  const int64_t inputs = input_count(problem), outputs = output_count(problem);
  const auto input = floats(inputs), output = floats(outputs), depthwise = floats(depthwise_count(problem)),
             pointwise = floats(pointwise_count(problem)), mid_bias = floats(mid_count(problem)),
             out_bias = floats(problem.out_channels), packed = exactly(packed_size),
             workspace = exactly(workspace_size);
  std::fill_n(static_cast<float*>(input.get()), inputs, 1.0f);
  std::fill_n(static_cast<float*>(output.get()), outputs, -77.0f);
  std::fill_n(static_cast<float*>(depthwise.get()), depthwise_count(problem), 1.0f);
  std::fill_n(static_cast<float*>(pointwise.get()), pointwise_count(problem), 1.0f);
  std::fill_n(static_cast<float*>(mid_bias.get()), mid_count(problem), 1.0f);
  std::fill_n(static_cast<float*>(out_bias.get()), problem.out_channels, 1.0f);
  sepconv_weights weights;
  sepconv_weights_init(&weights, sizeof weights);
  weights.depthwise_kernel = depthwise.get();
  weights.pointwise_kernel = pointwise.get();
  if (problem.has_mid_bias) weights.mid_bias = mid_bias.get();
  if (problem.has_out_bias) weights.out_bias = out_bias.get();
  require(sepconv_plan_pack(&plan, &weights, packed.get(), packed_size - 1) == SEPCONV_INVALID_ARGUMENT,
          "size is checked");
  require(sepconv_plan_pack(&plan, &weights, packed.get(), packed_size) == SEPCONV_OK, "weights are packed");
  sepconv_arguments arguments;
  sepconv_arguments_init(&arguments, sizeof arguments);
  arguments.packed = packed.get();
  arguments.input = input.get();
  arguments.output = output.get();
  arguments.workspace = workspace.get();
  arguments.workspace_size = workspace_size;
  std::vector<unsigned char> spoilt;
  const bool good = spoil(data, &arguments, &spoilt);
  const sepconv_status status = sepconv_plan_run(&plan, &arguments);
  if (good) require(status == SEPCONV_OK, "a good run succeeds");
  if (!good && problem.batch > 0) require(status != SEPCONV_OK, "a spoilt run is refused");
  if (status == SEPCONV_OK) return;
  const float* values = static_cast<const float*>(output.get());
  for (int64_t i = 0; i < outputs; ++i) require(values[i] == -77.0f, "a refused run leaves the output alone");
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
  if (data.ConsumeIntegralInRange(0, 31) == 0) choose(data, 2, &options.device);
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
      sepconv_plan_workspace_size(made) > kMostBytes) {
    return;
  }
  run(data, problem, *made);
}

}  // namespace
}  // namespace sepconv::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  sepconv::test::tables_under_test();
  FuzzedDataProvider data(bytes, size);
  sepconv::test::fuzz(data);
  return 0;
}
