// Runs of GPU plans on tensors in host memory, with everything that runs on device memory leave to the caller.
#include "device.h"
#include "error.h"
#include "structs.h"

namespace sepconv::internal {
namespace {

constexpr sepconv_status invalid = SEPCONV_INVALID_ARGUMENT;

// Device memory of one call; freed at its end.
class Block {
 public:
  explicit Block(const sepconv_driver& driver) : driver_(driver) {}
  ~Block() {
    if (data_ != nullptr) driver_.free(data_);
  }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  // Allocates `bytes`, and copies `host` there unless it is NULL.
  sepconv_status fill(void* context, void* stream, const void* host, size_t bytes) {
    if (bytes == 0) return SEPCONV_OK;
    if (int error = driver_.allocate(context, bytes, &data_)) {
      data_ = nullptr;
      return fail(SEPCONV_OUT_OF_MEMORY, "no device memory (%zu bytes): the driver returned %d", bytes, error);
    }
    if (host == nullptr) return SEPCONV_OK;
    if (int error = driver_.write(stream, data_, host, bytes))
      return fail(SEPCONV_DEVICE_FAILED, "a copy to the device failed: the driver returned %d", error);
    return SEPCONV_OK;
  }

  void* data() const { return data_; }

  // Names the memory in a run's arguments.
  template <typename Pointer>
  void name(Pointer* pointer, sepconv_memory* place) const {
    if (driver_.memory == SEPCONV_MEMORY_CUDA) {
      *pointer = data_;
    } else {
      *pointer = nullptr;
      place->handle = data_;
    }
    place->kind = driver_.memory;
  }

 private:
  const sepconv_driver& driver_;
  void* data_ = nullptr;
};

sepconv_status run_host(const sepconv_plan& plan, const sepconv_arguments& host, void* stream) {
  const Geometry& g = plan.geometry;
  const sepconv_driver* const driver = plan.variant->driver;
  if (driver == nullptr) return fail(invalid, "the plan runs on the CPU: call sepconv_plan_run");
  if (g.problem.batch == 0) return SEPCONV_OK;
  const bool residual = g.problem.has_residual != 0;
  if (host.packed == nullptr) return fail(invalid, "arguments.packed is NULL");
  if (host.input == nullptr) return fail(invalid, "arguments.input is NULL");
  if (host.output == nullptr) return fail(invalid, "arguments.output is NULL");
  if (residual != (host.residual != nullptr))
    return fail(invalid, "arguments.residual is %p: the plan's problem %s one", host.residual,
                residual ? "has" : "does not have");
  if (sepconv_status status = check_header(plan.packed, host.packed, "arguments.packed")) return status;
  void* context = nullptr;
  char reason[320] = "";
  if (sepconv_status status = driver->context_of(stream, &context, reason, sizeof reason))
    return fail(status, "%s", reason);

  const auto output_bytes = static_cast<size_t>(g.output_bytes);
  const int64_t dense = g.problem.batch * g.out_pixels * g.problem.out_channels * dtype_size(g.problem.output_dtype);
  Block packed(*driver), input(*driver), added(*driver), output(*driver), workspace(*driver);
  const struct {
    Block* block;
    const void* from;
    size_t bytes;
  } parts[] = {{&packed, host.packed, plan.packed.size},
               {&input, host.input, static_cast<size_t>(g.input_bytes)},
               {&added, host.residual, residual ? output_bytes : 0},
               {&output, g.output_bytes == dense ? nullptr : host.output, output_bytes},
               {&workspace, nullptr, plan.workspace_size}};
  sepconv_status status = SEPCONV_OK;
  for (const auto& part : parts) {
    if (status == SEPCONV_OK) status = part.block->fill(context, stream, part.from, part.bytes);
  }
  if (status == SEPCONV_OK) {
    sepconv_arguments device;
    sepconv_arguments_init(&device, sizeof device);
    packed.name(&device.packed, &device.packed_memory);
    input.name(&device.input, &device.input_memory);
    if (residual) added.name(&device.residual, &device.residual_memory);
    output.name(&device.output, &device.output_memory);
    if (workspace.data() != nullptr) workspace.name(&device.workspace, &device.workspace_memory);
    device.workspace_size = plan.workspace_size;
    device.stream = stream;
    status = sepconv_plan_run(&plan, &device);
  }
  if (status == SEPCONV_OK) {
    if (int error = driver->read(stream, output.data(), host.output, output_bytes))
      status = fail(SEPCONV_DEVICE_FAILED, "the copy from the device failed: the driver returned %d", error);
  }
  // Copies of host memory may be under way, whatever has failed.
  if (int error = driver->wait(stream)) {
    if (status == SEPCONV_OK) status = fail(SEPCONV_DEVICE_FAILED, "waiting failed: the driver returned %d", error);
  }
  return status;
}

sepconv_status run_on_host_memory(const sepconv_plan* plan, const sepconv_arguments* given, void* stream) {
  if (plan == nullptr) return fail(SEPCONV_INVALID_ARGUMENT, "plan is NULL");
  sepconv_arguments arguments;
  if (sepconv_status status = read_struct(given, &arguments)) return status;
  return run_host(*plan, arguments, stream);
}

sepconv_status release_device(const sepconv_device& device, void* context) {
  const int number = raw_value(device);
  if (number < 0 || number >= SEPCONV_DEVICE_COUNT)
    return fail(invalid, "device is %d: it must be from 0 to %d", number, SEPCONV_DEVICE_COUNT - 1);
  if (context == nullptr) return fail(invalid, "context is NULL");
  Tables tables;
  registered_tables(&tables);
  const sepconv_driver* const driver = find_driver(device, tables);
  if (driver == nullptr)
    return fail(SEPCONV_UNSUPPORTED, "device is %s: no registered library has variants for it",
                sepconv_device_name(device));
  driver->release(context);
  return SEPCONV_OK;
}

}  // namespace
}  // namespace sepconv::internal

extern "C" sepconv_status sepconv_plan_run_host(const sepconv_plan* plan, const sepconv_arguments* arguments,
                                                void* stream) {
  return sepconv::internal::run_on_host_memory(plan, arguments, stream);
}

extern "C" sepconv_status sepconv_device_release(sepconv_device device, void* context) {
  return sepconv::internal::release_device(device, context);
}
