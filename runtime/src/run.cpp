// sepconv_plan_run: checks one call's arguments, then hands its tasks out. Nothing here grows with the size of the
// tensors.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>
#include <initializer_list>

#include "error.h"
#include "halide_bridge.h"
#include "integers.h"
#include "plan.h"
#include "scratch.h"
#include "structs.h"

namespace sepconv::internal {
namespace {

constexpr sepconv_status invalid = SEPCONV_INVALID_ARGUMENT;

constexpr int64_t none_bad = INT64_MIN;

// What the tasks of one run share.
struct Run {
  const sepconv_plan* plan;
  const char* packed;
  const char* input;
  const char* residual;  // or NULL
  char* output;
  const char* zeros;  // plan->zero_bytes of them
  char* workspace;    // the workers' slices
  int32_t workers;                  // slices in the workspace
  int64_t first_task;               // of this round, where the tasks are more than an int counts
  int count;                        // tasks of this round
  std::atomic<int64_t> done;        // tasks that succeeded
  std::atomic<int> leaf_failure;    // what a variant returned, if not 0
  std::atomic<int64_t> bad_worker;  // a worker out of range, or none_bad
  std::atomic<int64_t> bad_index;   // an index out of range, or none_bad
};

// A pitch as a variant takes it. One that is too large steps nowhere: the planner has seen to that.
int32_t leaf_pitch(int64_t pitch) { return static_cast<int32_t>(smaller<int64_t>(pitch, INT32_MAX)); }

// Writes down one axis of a task as the variant sees it: absolute coordinates, or, for images too large for 32 bits,
// coordinates that count from the slice, as if it were a small image of its own with its own padding.
LeafAxis leaf_axis(const sepconv_plan& plan, const Strip& strip, int i, int64_t pitch) {
  const Geometry& g = plan.geometry;
  int64_t pad_before = g.pad_before[i], strip_min = strip.min[i], input_min = strip.in_min[i];
  int64_t dilation = g.dilation[i];
  if (strip.in_step[i] > 1) {
    // Every in_step-th sample is the next one; tap first_tap reads the first of the slice.
    pad_before = strip.first_tap[i];
    strip_min = input_min = 0;
    dilation = 1;
    pitch *= strip.in_step[i];
  } else if (plan.cut.local_coordinates) {
    pad_before = input_min + pad_before - strip_min * g.stride[i];
    strip_min = input_min = 0;
  }
  LeafAxis axis;
  axis.stride = static_cast<int32_t>(g.stride[i]);
  axis.dilation = static_cast<int32_t>(dilation);
  axis.pad_before = static_cast<int32_t>(pad_before);
  axis.strip_min = static_cast<int32_t>(strip_min);
  axis.strip_extent = static_cast<int32_t>(strip.extent[i]);
  axis.input_min = static_cast<int32_t>(input_min);
  axis.input_extent = static_cast<int32_t>(strip.in_extent[i]);
  axis.input_pitch = leaf_pitch(pitch);
  axis.taps = static_cast<int32_t>(g.problem.kernel_extent[i]);
  return axis;
}

// How a tile of our own lies beside the tensor it stands for: pieces that are dense in both.
struct TileCopy {
  size_t bytes;  // of one piece
  int64_t pieces;
  int64_t pitch, tile_pitch;  // bytes from one piece to the next
};

// Tells the variant what the worker will read next. Tasks are handed out in order, so with n workers that is the n-th
// task from here.
void look_ahead(const Run& run, int64_t in_image, const Strip& strip, const char* image, LeafCall* call) {
  const sepconv_plan& plan = *run.plan;
  const Geometry& g = plan.geometry;
  call->ahead = 0;
  call->ahead_lines = 0;
  const int64_t next = in_image + run.workers;
  if (next >= plan.cut.tasks || next / plan.cut.groups == in_image / plan.cut.groups) return;
  const Part samples = samples_ahead(g, plan.cut, strip, strip_at(g, *plan.row, plan.cut, next / plan.cut.groups));
  const int64_t sample_bytes = g.input_pitch.axis[0] * dtype_size(g.problem.input_dtype);
  call->ahead = reinterpret_cast<uintptr_t>(image + samples.begin * sample_bytes);
  call->ahead_lines = static_cast<int32_t>(divide_up(samples.length * sample_bytes, 64));
}

// Computes task `index` of the run with one worker's slice of the workspace. 0, or what the variant returned.
int compute_task(const Run& run, int64_t index, int worker) {
  const sepconv_plan& plan = *run.plan;
  const Geometry& g = plan.geometry;
  const sepconv_variant& row = *plan.row;
  const Cut& cut = plan.cut;
  const bool channels_first = row.layout == SEPCONV_LAYOUT_CHANNELS_FIRST;
  const int64_t channels = g.problem.in_channels, outputs = g.problem.out_channels;
  const int64_t element = dtype_size(g.problem.output_dtype);
  const int64_t image = index / cut.tasks, in_image = index % cut.tasks;
  const Strip strip = strip_at(g, row, cut, in_image / cut.groups);
  const Part panels = part_of(plan.packed.panels, 1, cut.groups, in_image % cut.groups);
  const int64_t first_output = panels.begin * row.panel_channels;

  LeafCall call;
  int64_t offset = image * g.input_pitch.image;
  int64_t out_offset = image * g.output_pitch.image + first_output * g.output_pitch.channel;
  for (int axis = g.rank - 1; axis >= 0; --axis) {
    call.axis[axis] = leaf_axis(plan, strip, axis, g.input_pitch.axis[axis]);
    offset += strip.in_min[axis] * g.input_pitch.axis[axis];
    out_offset += strip.min[axis] * g.output_pitch.axis[axis];
  }
  char* slice = run.workspace + worker * cut.worker_bytes;
  ScratchArena arena = make_arena(slice, static_cast<size_t>(cut.arena_bytes));
  call.arena = &arena;
  call.input = run.input + offset * element;
  call.depthwise = run.packed + plan.packed.depthwise;
  call.mid_bias = run.packed + plan.packed.mid_bias;
  call.pointwise = run.packed + plan.packed.pointwise + first_output * plan.packed.channels * element;
  call.out_bias = run.packed + plan.packed.out_bias + first_output * element;
  look_ahead(run, in_image, strip, run.input + image * g.input_pitch.image * element, &call);
  call.in_channels = static_cast<int32_t>(channels);
  call.input_channel_pitch = leaf_pitch(g.input_pitch.channel);
  call.chunks = static_cast<int32_t>(plan.packed.chunks);
  call.packed_channels = static_cast<int32_t>(plan.packed.channels);
  call.panels = static_cast<int32_t>(panels.length);
  call.out_channels = static_cast<int32_t>(outputs);
  if (row.stages != SEPCONV_STAGES_DEPTHWISE) {
    call.out_channels = static_cast<int32_t>(smaller(panels.length * row.panel_channels, outputs - first_output));
  }
  call.depth_multiplier = static_cast<int32_t>(g.problem.depth_multiplier);
  call.sum_channels = static_cast<int32_t>(plan.packed.sum_channels);
  call.sum_block = static_cast<int32_t>(plan.packed.sum_block);
  call.in = plan.in;
  call.mid = plan.mid;
  call.out = plan.out;

  char* const target = run.output + out_offset * element;
  const char* const residual = run.residual == nullptr ? nullptr : run.residual + out_offset * element;
  call.residual = residual == nullptr ? run.zeros : residual;
  call.output_pitch = leaf_pitch(channels_first ? g.output_pitch.channel : g.output_pitch.axis[g.rank - 1]);
  call.residual_pitch = residual == nullptr ? 0 : call.output_pitch;
  if (strip.pixels >= row.tile_pixels) {
    call.output = target;
    call.output_pixels = static_cast<int32_t>(strip.pixels);
    return call_variant(row, call);
  }
  // A variant reads and writes whole register tiles, so a smaller strip goes through tiles of our own.
  char* const tile = slice + cut.arena_bytes;
  TileCopy copy;
  copy.bytes = static_cast<size_t>((channels_first ? strip.pixels : call.out_channels) * element);
  copy.pieces = channels_first ? call.out_channels : strip.pixels;
  copy.pitch = call.output_pitch * element;
  copy.tile_pitch = (channels_first ? row.tile_pixels : call.out_channels) * element;
  if (residual != nullptr) {
    call.residual = tile + cut.tile_bytes;
    call.residual_pitch = static_cast<int32_t>(copy.tile_pitch / element);
    for (int64_t i = 0; i < copy.pieces; ++i) {
      memcpy(tile + cut.tile_bytes + i * copy.tile_pitch, residual + i * copy.pitch, copy.bytes);
    }
  }
  call.output = tile;
  call.output_pixels = row.tile_pixels;
  call.output_pitch = static_cast<int32_t>(copy.tile_pitch / element);
  if (int failure = call_variant(row, call)) return failure;
  for (int64_t i = 0; i < copy.pieces; ++i) {
    memcpy(target + i * copy.pitch, tile + i * copy.tile_pitch, copy.bytes);
  }
  return 0;
}

// The callback of parallel_for. Trusts nothing that comes back through the caller's code.
int task_callback(void* data, int index, int worker) {
  Run& run = *static_cast<Run*>(data);
  if (worker < 0 || worker >= run.workers) {
    run.bad_worker.store(worker, std::memory_order_relaxed);
    return 1;
  }
  if (index < 0 || index >= run.count) {
    run.bad_index.store(index, std::memory_order_relaxed);
    return 1;
  }
  if (int failure = compute_task(run, run.first_task + index, worker)) {
    run.leaf_failure.store(failure, std::memory_order_relaxed);
    return failure;
  }
  run.done.fetch_add(1, std::memory_order_relaxed);
  return 0;
}

sepconv_status run_tasks(Run* run, const sepconv_arguments& arguments) {
  constexpr int64_t most_at_once = 1 << 30;
  constexpr sepconv_status failed = SEPCONV_TASK_FAILED;
  const sepconv_plan& plan = *run->plan;
  const int64_t tasks = plan.geometry.problem.batch * plan.cut.tasks;
  if (arguments.parallel_for == nullptr) {
    for (int64_t task = 0; task < tasks; ++task) {
      if (int failure = compute_task(*run, task, 0))
        return fail(failed, "variant %s returned %d", plan.row->name, failure);
    }
    return SEPCONV_OK;
  }
  for (run->first_task = 0; run->first_task < tasks; run->first_task += most_at_once) {
    const int count = static_cast<int>(smaller(tasks - run->first_task, most_at_once));
    run->count = count;
    run->done.store(0, std::memory_order_relaxed);
    const int result = arguments.parallel_for(arguments.parallel_context, count, task_callback, run);
    if (int failure = run->leaf_failure.load(std::memory_order_relaxed)) {
      return fail(failed, "variant %s returned %d", plan.row->name, failure);
    }
    const int64_t worker = run->bad_worker.load(std::memory_order_relaxed);
    if (worker != none_bad) {
      return fail(failed,
                  "arguments.parallel_for called a task as worker %" PRId64 ": the plan has max_threads %" PRId32,
                  worker, plan.max_threads);
    }
    const int64_t index = run->bad_index.load(std::memory_order_relaxed);
    if (index != none_bad) {
      return fail(failed, "arguments.parallel_for called task %" PRId64 " of %d", index, count);
    }
    if (result != 0) return fail(failed, "arguments.parallel_for returned %d", result);
    const int64_t done = run->done.load(std::memory_order_relaxed);
    if (done != count) {
      return fail(failed, "arguments.parallel_for returned 0, but ran %" PRId64 " of %d tasks", done, count);
    }
  }
  return SEPCONV_OK;
}

struct Range {
  const char* name;
  const void* data;
  size_t size;
};

bool aligned(const void* pointer, size_t alignment) { return reinterpret_cast<uintptr_t>(pointer) % alignment == 0; }

sepconv_status check_apart(const Range& a, const Range& b) {
  const uintptr_t a_begin = reinterpret_cast<uintptr_t>(a.data), b_begin = reinterpret_cast<uintptr_t>(b.data);
  if (a_begin >= b_begin + b.size || b_begin >= a_begin + a.size) return SEPCONV_OK;
  return fail(invalid, "arguments.%s (%p, %zu bytes) overlaps arguments.%s (%p, %zu bytes)", a.name, a.data, a.size,
              b.name, b.data, b.size);
}

sepconv_status check_buffers(const sepconv_plan& plan, const sepconv_arguments& a) {
  const Range input = {"input", a.input, static_cast<size_t>(plan.geometry.input_bytes)};
  const Range output = {"output", a.output, static_cast<size_t>(plan.geometry.output_bytes)};
  const Range packed = {"packed", a.packed, plan.packed.size};
  const Range workspace = {"workspace", a.workspace, plan.workspace_size};
  const Range residual = {"residual", a.residual, a.residual == nullptr ? 0 : output.size};
  const bool has_residual = plan.geometry.problem.has_residual != 0;
  if (a.residual != nullptr && !has_residual) {
    return fail(invalid, "arguments.residual is given, but the plan's problem has none (has_residual is 0)");
  }
  if (input.size != 0) {  // an empty batch has no buffers
    for (const Range* range : {&input, &output, &residual}) {
      if (range == &residual && !has_residual) continue;
      if (range->data == nullptr) return fail(invalid, "arguments.%s is NULL", range->name);
      if (!aligned(range->data, static_cast<size_t>(dtype_size(plan.geometry.problem.output_dtype)))) {
        return fail(invalid, "arguments.%s is %p: it must be aligned to its elements", range->name, range->data);
      }
    }
    if (sepconv_status status = check_apart(output, residual)) return status;
    if (sepconv_status status = check_apart(output, input)) return status;
    if (sepconv_status status = check_apart(output, packed)) return status;
  }
  if (a.workspace == nullptr) return SEPCONV_OK;
  if (!aligned(a.workspace, 64))
    return fail(invalid, "arguments.workspace is %p: it must be 64-byte aligned", a.workspace);
  if (a.workspace_size < workspace.size) {
    return fail(invalid, "arguments.workspace_size is %zu: the plan needs %zu bytes", a.workspace_size, workspace.size);
  }
  if (input.size != 0) {
    if (sepconv_status status = check_apart(workspace, input)) return status;
    if (sepconv_status status = check_apart(workspace, output)) return status;
    if (sepconv_status status = check_apart(workspace, residual)) return status;
  }
  return check_apart(workspace, packed);
}

// Legal is legal first, for all of the arguments; only then comes what is not built yet.
sepconv_status check_memory(const sepconv_arguments& a) {
  const struct {
    const char* name;
    const sepconv_memory& memory;
  } places[] = {{"input_memory", a.input_memory},
                {"output_memory", a.output_memory},
                {"packed_memory", a.packed_memory},
                {"workspace_memory", a.workspace_memory}};
  sepconv_status unsupported = SEPCONV_OK;
  for (const auto& place : places) {
    const int kind = raw_value(place.memory.kind);
    if (kind < 0 || kind > SEPCONV_MEMORY_OPENCL)
      return fail(invalid, "arguments.%s.kind is %d: unknown", place.name, kind);
    if (kind == SEPCONV_MEMORY_HOST && (place.memory.handle != nullptr || place.memory.byte_offset != 0)) {
      return fail(invalid, "arguments.%s is host memory: its handle and byte_offset must be zero", place.name);
    }
    if (kind != SEPCONV_MEMORY_HOST && unsupported == SEPCONV_OK) {
      unsupported = fail(SEPCONV_UNSUPPORTED, "arguments.%s.kind is %d: only SEPCONV_MEMORY_HOST (0) is built yet",
                         place.name, kind);
    }
  }
  return unsupported;
}

sepconv_status check_arguments(const sepconv_plan& plan, const sepconv_arguments& a) {
  // Addresses of device memory are not ours to compare.
  if (sepconv_status status = check_memory(a)) return status;
  if (a.packed == nullptr) return fail(invalid, "arguments.packed is NULL");
  if (!aligned(a.packed, packed_alignment)) {
    return fail(invalid, "arguments.packed is %p: it must be 64-byte aligned", a.packed);
  }
  if (sepconv_status status = check_buffers(plan, a)) return status;
  if (a.stream != nullptr) return fail(SEPCONV_UNSUPPORTED, "arguments.stream is given: not built yet");
  return check_packed(plan.packed, a.packed);
}

sepconv_status run_plan(const sepconv_plan& plan, const sepconv_arguments* given) {
  sepconv_arguments arguments;
  sepconv_status status;
  if ((status = read_struct(given, &arguments))) return status;
  if ((status = check_arguments(plan, arguments))) return status;
  if (plan.geometry.problem.batch == 0) return SEPCONV_OK;

  const int32_t workers = arguments.parallel_for == nullptr ? 1 : plan.max_threads;
  void* own_workspace = nullptr;
  if (arguments.workspace == nullptr) {
    const size_t size = plan.zero_bytes + static_cast<size_t>(plan.cut.worker_bytes) * static_cast<size_t>(workers);
    own_workspace = aligned_alloc(64, size);
    if (own_workspace == nullptr) return fail(SEPCONV_OUT_OF_MEMORY, "no memory for the workspace (%zu bytes)", size);
    arguments.workspace = own_workspace;
  }
  Run run = {};
  run.plan = &plan;
  run.packed = static_cast<const char*>(arguments.packed);
  run.input = static_cast<const char*>(arguments.input);
  run.residual = static_cast<const char*>(arguments.residual);
  run.output = static_cast<char*>(arguments.output);
  memset(arguments.workspace, 0, plan.zero_bytes);
  run.zeros = static_cast<const char*>(arguments.workspace);
  run.workspace = static_cast<char*>(arguments.workspace) + plan.zero_bytes;
  run.workers = workers;
  run.bad_worker.store(none_bad, std::memory_order_relaxed);
  run.bad_index.store(none_bad, std::memory_order_relaxed);
  status = run_tasks(&run, arguments);
  free(own_workspace);
  return status;
}

}  // namespace
}  // namespace sepconv::internal

extern "C" sepconv_status sepconv_plan_run(const sepconv_plan* plan, const sepconv_arguments* arguments) {
  if (plan == nullptr) return sepconv::internal::fail(SEPCONV_INVALID_ARGUMENT, "plan is NULL");
  return sepconv::internal::run_plan(*plan, arguments);
}
