// Runs on tensors in a GPU's memory, which their own library has allocated.
#ifndef SEPCONV_PYTHON_DEVICE_H
#define SEPCONV_PYTHON_DEVICE_H

#include <memory>

#include "layer.h"

namespace sepconv::python {

/// A tensor in the memory of a CUDA device.
struct DeviceTensor {
  Tensor tensor;
  int device = 0;  ///< its number
};

/// One layer for inputs of one shape, pitches and type. It keeps no weights, and nothing on the device.
class DevicePlan {
 public:
  /// Throws Unsupported where no GPU variant of this build computes the layer, std::runtime_error where there is no
  /// device.
  DevicePlan(const Layer& layer, const Tensor& input, bool has_residual);

  const char* variant() const { return plan_.variant(); }
  const Shape& output_shape() const { return output_shape_; }
  std::size_t workspace_size() const { return plan_.workspace_size(); }
  /// The weights of the layer that was planned for, to be copied to the device: the same for all plans of a variant.
  Block packed(const Layer& layer) const { return pack(plan_, layer.weights()); }

  /// Loads the code for the context that is current on the calling thread.
  void warm_up(void* stream) const;

  /// Puts one run on the stream; neither waits nor allocates nor copies. `packed` and `workspace` are bytes.
  void run(void* stream, const DeviceTensor& input, const DeviceTensor& packed, const DeviceTensor* residual,
           const DeviceTensor& output, const DeviceTensor* workspace) const;

 private:
  Type type_;
  bool has_residual_;
  Shape input_shape_, output_shape_;
  Plan plan_;
};

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_DEVICE_H
