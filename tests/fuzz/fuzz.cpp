#include "fuzz/fuzz.h"

#include <sanitizer/asan_interface.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <tuple>
#include <vector>

#include "problem.h"
#include "sepconv/problem.hpp"
#include "support/halves.h"
#include "support/random_problem.h"
#include "support/reference.h"
#include "support/tensor.h"

namespace sepconv::test {
namespace {

constexpr double kMostWork = 1e5;           // multiplications of a problem that is really run
constexpr size_t kMostBytes = 1 << 22;      // of its packed weights and its workspace
constexpr int64_t kMostElements = 1 << 20;  // of its input and its output, gaps included
constexpr unsigned char kUntouched = 0xa5;

constexpr size_t kLarge = 1 << 16;  // bytes of memory that is kept

int64_t executions, reached;
std::multimap<size_t, void*> kept;

void print_counts() {
  std::fprintf(stderr, "fuzz: %lld executions, %lld reached their aim\n", static_cast<long long>(executions),
               static_cast<long long>(reached));
}

sepconv_activation draw_activation(Draw& draw) {
  sepconv_activation result = {SEPCONV_ACTIVATION_NONE, 0, 0};
  if (draw.one_in(2)) draw.choose(SEPCONV_ACTIVATION_COUNT, &result.kind);
  if (result.kind != SEPCONV_ACTIVATION_CLAMP) return result;
  result.lo = static_cast<float>(draw.between(-40, 40)) / 4;
  result.hi = result.lo + static_cast<float>(draw.between(0, 40)) / 4;
  return result;
}

// Of a problem with one stage: nothing of the other.
void leave_out_a_stage(sepconv_problem* p) {
  if (p->stages == SEPCONV_STAGES_DEPTHWISE) {
    p->out_channels = p->has_out_bias = p->has_residual = 0;
    p->out_activation.kind = SEPCONV_ACTIVATION_NONE;
  } else if (p->stages == SEPCONV_STAGES_POINTWISE) {
    p->depth_multiplier = 1;
    std::fill_n(p->kernel_extent, SEPCONV_MAX_SPATIAL_RANK, 1);
    std::fill_n(p->dilation, SEPCONV_MAX_SPATIAL_RANK, 1);
    p->has_mid_bias = 0;
    p->mid_activation.kind = SEPCONV_ACTIVATION_NONE;
  }
}

// What variants of loops are compiled for, which draws would seldom meet.
void draw_fixed(sepconv_problem* p) {
  p->padding = SEPCONV_PADDING_SAME;
  p->in_channels = 12;
  p->out_channels = 20;
  p->depth_multiplier = 1;
  for (int axis = 0; axis < p->spatial_rank; ++axis) {
    p->in_extent[axis] = p->spatial_rank == 1 ? 30 : 14;
    p->kernel_extent[axis] = 3;
    p->stride[axis] = p->dilation[axis] = 1;
  }
}

sepconv_problem draw_legal(Draw& draw, Kind kind) {
  constexpr int64_t kExtent[] = {40, 9, 5}, kTaps[] = {6, 4, 3}, kPad[] = {9, 5, 2}, kChannels[] = {36, 24, 12};
  sepconv_problem p;
  sepconv_problem_init(&p, sizeof p);
  p.spatial_rank = kind == Kind::kCausal ? 1 : draw.between(1, 3);
  const int size = p.spatial_rank - 1;
  draw.choose(SEPCONV_LAYOUT_COUNT, &p.layout);
  draw.choose(SEPCONV_PADDING_COUNT, &p.padding);
  if (kind == Kind::kCausal) p.padding = SEPCONV_PADDING_CAUSAL;
  if (p.padding == SEPCONV_PADDING_CAUSAL && p.spatial_rank != 1) p.padding = SEPCONV_PADDING_SAME;
  constexpr sepconv_dtype types[] = {SEPCONV_DTYPE_F64, SEPCONV_DTYPE_F64, SEPCONV_DTYPE_F16, SEPCONV_DTYPE_BF16};
  if (const int type = draw.between(0, 7); type < 4) set_dtype(&p, types[type]);
  if (draw.one_in(4)) draw.choose(SEPCONV_STAGES_COUNT, &p.stages);
  p.batch = draw.one_in(16) ? 0 : draw.between(1, 3);
  p.in_channels = draw.between<int64_t>(1, kChannels[size]);
  p.depth_multiplier = draw.between(1, 3);
  p.out_channels = draw.between<int64_t>(1, kChannels[size]);
  for (int axis = 0; axis < p.spatial_rank; ++axis) {
    p.in_extent[axis] = draw.between<int64_t>(1, kExtent[size]);
    p.kernel_extent[axis] = draw.between<int64_t>(1, kTaps[size]);
    p.stride[axis] = draw.between(1, 4);
    p.dilation[axis] = draw.between(1, 4);
  }
  if (kind == Kind::kAny && draw.one_in(8)) draw_fixed(&p);
  p.input_activation = draw_activation(draw);
  p.mid_activation = draw_activation(draw);
  p.out_activation = draw_activation(draw);
  p.has_mid_bias = draw.one_in(2);
  p.has_out_bias = draw.one_in(2);
  p.has_residual = draw.one_in(4);
  leave_out_a_stage(&p);
  for (int axis = 0; axis < p.spatial_rank; ++axis) {  // the window has to fit
    const int64_t window = (p.kernel_extent[axis] - 1) * p.dilation[axis] + 1;
    if (p.padding == SEPCONV_PADDING_EXPLICIT) {
      p.pad_before[axis] = draw.between<int64_t>(0, kPad[size]);
      p.pad_after[axis] = draw.between<int64_t>(0, kPad[size]);
      p.pad_after[axis] += std::max<int64_t>(0, window - p.in_extent[axis] - p.pad_before[axis] - p.pad_after[axis]);
    } else if (p.padding == SEPCONV_PADDING_VALID) {
      p.in_extent[axis] = std::max(p.in_extent[axis], window);
    }
  }
  if (draw.one_in(3)) {
    Random random(draw.any<uint32_t>());
    random_pitches(random, input_tensor(p), p.layout, p.input_pitch, &p.input_channel_pitch);
    random_pitches(random, output_tensor(p), p.layout, p.output_pitch, &p.output_channel_pitch);
  }
  return p;
}

// One field becomes anything.
void spoil(Draw& draw, sepconv_problem* p) {
  const auto axis = [&] { return draw.between(0, SEPCONV_MAX_SPATIAL_RANK - 1); };
  int64_t* const numbers[] = {&p->batch,
                              &p->in_channels,
                              &p->depth_multiplier,
                              &p->out_channels,
                              &p->in_extent[axis()],
                              &p->kernel_extent[axis()],
                              &p->stride[axis()],
                              &p->dilation[axis()],
                              &p->pad_before[axis()],
                              &p->pad_after[axis()],
                              &p->input_pitch[axis()],
                              &p->output_pitch[axis()],
                              &p->input_pitch[SEPCONV_MAX_SPATIAL_RANK],
                              &p->output_pitch[SEPCONV_MAX_SPATIAL_RANK],
                              &p->input_channel_pitch,
                              &p->output_channel_pitch};
  void* const words[] = {
      &p->spatial_rank,        &p->layout,       &p->padding,      &p->input_dtype,           &p->weight_dtype,
      &p->mid_dtype,           &p->output_dtype, &p->stages,       &p->input_activation.kind, &p->mid_activation.kind,
      &p->out_activation.kind, &p->has_mid_bias, &p->has_out_bias, &p->has_residual,          &p->mid_activation.lo,
      &p->out_activation.hi};
  const int which = draw.between(0, 32);
  if (which < 16) {
    *numbers[which] = draw.wild_number();
  } else if (which < 32) {
    const int32_t value = draw.one_in(2) ? draw.any<int32_t>() : draw.between(-1, 9);
    std::memcpy(words[which - 16], &value, sizeof value);
  } else {
    p->struct_size = draw.between<size_t>(0, sizeof *p);  // memory beyond ours is not the library's fault
  }
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

template <typename T>
void fill(T* values, int64_t count, uint64_t seed) {
  for (int64_t i = 0; i < count; ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    values[i] = static_cast<T>(static_cast<int32_t>(seed >> 40) - (1 << 23)) * static_cast<T>(0x1p-22);
  }
}

}  // namespace

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "broken promise: %s (last error: %s)\n", what, sepconv_last_error());
  std::abort();
}

void count_reached() { ++reached; }

// Large blocks are kept for the next input, out of bounds until then: new pages take longer than all that is computed.
void Memory::Free::operator()(void* memory) const {
  if (capacity < kLarge) return std::free(memory);
  ASAN_POISON_MEMORY_REGION(memory, capacity);
  kept.emplace(capacity, memory);
}

Memory::Memory(size_t size) : size_(size) {
  void* memory = nullptr;
  size_t capacity = size;
  const auto found = size < kLarge ? kept.end() : kept.lower_bound(size);
  if (found != kept.end()) {
    std::tie(capacity, memory) = *found;
    kept.erase(found);
    ASAN_UNPOISON_MEMORY_REGION(memory, size);
  } else {
    require(posix_memalign(&memory, 64, size) == 0, "the fuzzer has memory");
  }
  memory_ = {memory, Free{capacity}};
  std::memset(memory, kUntouched, size);
}

int64_t Draw::wild_number() {
  switch (between(0, 2)) {
    case 0:
      return between<int64_t>(-1, 70);
    case 1:
      return any<int64_t>() >> between(0, 62);
    default:
      return data_.PickValueInArray<int64_t>(
          {INT64_MAX, INT64_MIN, INT32_MAX, int64_t{INT32_MAX} + 1, INT64_MAX - 1, int64_t{1} << 62, 1 << 20});
  }
}

sepconv_problem draw_problem(Draw& draw, Kind kind) {
  sepconv_problem problem = draw_legal(draw, kind);
  if (!draw.hostile()) return problem;
  for (int i = draw.between(0, 3); i > 0; --i) spoil(draw, &problem);
  return problem;
}

Plan make_plan(const sepconv_problem& problem, const sepconv_options* options, sepconv_status* status) {
  sepconv_plan* made = nullptr;
  const sepconv_status found = sepconv_plan_create(&problem, options, &made);
  require((made != nullptr) == (found == SEPCONV_OK), "a plan exactly on success");
  require(found == SEPCONV_OK || *sepconv_last_error() != '\0', "a refusal says why");
  require(found >= SEPCONV_OK && found <= SEPCONV_UNSUPPORTED, "a plan's status is one that the header names");
  if (status != nullptr) *status = found;
  return {made, sepconv_plan_destroy};
}

bool affordable(const sepconv_problem& problem, const sepconv_plan& plan) {
  int64_t out_extent[SEPCONV_MAX_SPATIAL_RANK];
  require(sepconv_output_extent(&problem, out_extent) == SEPCONV_OK, "a problem with a plan has an output");
  return work(problem, out_extent) <= kMostWork && sepconv_plan_packed_size(&plan) <= kMostBytes &&
         sepconv_plan_workspace_size(&plan) <= kMostBytes && span(input_tensor(problem)) <= kMostElements &&
         span(output_tensor(problem)) <= kMostElements;
}

Memory numbers(sepconv_dtype dtype, int64_t count, uint64_t seed) {
  Memory result(static_cast<size_t>(count * internal::dtype_size(dtype)));
  if (dtype == SEPCONV_DTYPE_F64) {
    fill(static_cast<double*>(result.data()), count, seed);
  } else if (is_half(dtype)) {
    std::vector<float> floats(static_cast<size_t>(count));
    fill(floats.data(), count, seed);
    std::transform(floats.begin(), floats.end(), static_cast<uint16_t*>(result.data()),
                   [=](float value) { return encode(value, dtype); });
  } else {
    fill(static_cast<float*>(result.data()), count, seed);
  }
  return result;
}

Memory pack(const sepconv_problem& problem, const sepconv_plan& plan, uint64_t seed) {
  const auto drawn = [&](int64_t count) { return numbers(problem.weight_dtype, count, ++seed); };
  const Memory depthwise = drawn(depthwise_count(problem)), pointwise = drawn(pointwise_count(problem)),
               mid_bias = drawn(mid_count(problem)), out_bias = drawn(problem.out_channels);
  sepconv_weights weights;
  sepconv_weights_init(&weights, sizeof weights);
  if (problem.stages != SEPCONV_STAGES_POINTWISE) weights.depthwise_kernel = depthwise.data();
  if (problem.stages != SEPCONV_STAGES_DEPTHWISE) weights.pointwise_kernel = pointwise.data();
  if (problem.has_mid_bias) weights.mid_bias = mid_bias.data();
  if (problem.has_out_bias) weights.out_bias = out_bias.data();
  Memory packed(sepconv_plan_packed_size(&plan));
  require(sepconv_plan_pack(&plan, &weights, packed.data(), packed.size() - 1) == SEPCONV_INVALID_ARGUMENT,
          "the size of packed weights is checked");
  require(sepconv_plan_pack(&plan, &weights, packed.data(), packed.size()) == SEPCONV_OK, "weights are packed");
  return packed;
}

RunBuffers::RunBuffers(const sepconv_problem& problem, const sepconv_plan& plan, const Memory& packed, uint64_t seed)
    : input(numbers(problem.input_dtype, span(input_tensor(problem)), seed)),
      residual(numbers(problem.output_dtype, span(output_tensor(problem)), seed + 1)),
      output(residual.size()),
      workspace(sepconv_plan_workspace_size(&plan)) {
  sepconv_arguments_init(&arguments, sizeof arguments);
  arguments.packed = packed.data();
  arguments.input = input.data();
  arguments.output = output.data();
  if (problem.has_residual) arguments.residual = residual.data();
  arguments.workspace = workspace.data();
  arguments.workspace_size = workspace.size();
}

bool RunBuffers::only_output_written(const sepconv_problem& problem, bool complete) const {
  const auto element = static_cast<size_t>(internal::dtype_size(problem.output_dtype));
  std::vector<bool> written(output.size() / element);
  if (complete) {
    for_each_offset(output_tensor(problem), [&](int64_t offset) { written[static_cast<size_t>(offset)] = true; });
  }
  for (size_t i = 0; i < output.size(); ++i) {
    if (!written[i / element] && output.bytes()[i] != kUntouched) return false;
  }
  return true;
}

}  // namespace sepconv::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace sepconv::test;
  if (executions++ == 0) require(std::atexit(print_counts) == 0, "the counts can be printed");
  Draw draw(bytes, size);
  fuzz(draw);
  return 0;
}
