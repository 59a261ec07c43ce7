// The GPU that candidates are measured on: its name, a stream or queue, and its clock. The drivers' libraries are
// opened here, so that nothing of CUDA or OpenCL is linked.
#ifndef SEPCONV_TOOLS_RUNNER_DEVICE_H
#define SEPCONV_TOOLS_RUNNER_DEVICE_H

#include <functional>
#include <memory>
#include <string>

#include "sepconv/sepconv.h"

namespace sepconv::runner {

class Device {
 public:
  virtual ~Device() = default;

  virtual std::string name() const = 0;  // as its driver says it
  virtual void* stream() const = 0;      // a CUstream or cl_command_queue

  // Seconds from when the device begins with what `enqueue` puts on the stream until it is done.
  virtual double seconds_of(const std::function<void()>& enqueue) = 0;
};

// The first device. CUDA's clock is that of its events; OpenCL's is this machine's, around clFinish. Throws
// std::runtime_error where there is none.
std::unique_ptr<Device> open_device(sepconv_device kind);

// "nvidia-h100-pcie": a name as keys of tuning records have it.
std::string record_name(const std::string& name);

}  // namespace sepconv::runner

#endif  // SEPCONV_TOOLS_RUNNER_DEVICE_H
