// Layers that run one after another, in one call.
#ifndef SEPCONV_PYTHON_CHAIN_H
#define SEPCONV_PYTHON_CHAIN_H

#include <memory>
#include <mutex>
#include <vector>

#include "layer.h"

namespace sepconv::python {

/// What lies between its layers stays in two blocks of the calling thread's memory, which take turns: the next layer
/// finds its input where the processor's caches still have it, and nothing is allocated. Any number of threads may run
/// one chain at the same time.
class Chain : public Runnable {
 public:
  /// At least one layer. Throws std::invalid_argument for layers that do not follow one another: each takes the type,
  /// the data format, the spatial axes and the channels that the one before it gives.
  explicit Chain(std::vector<std::shared_ptr<const Layer>> layers);

  Type type() const override { return layers_.front()->type(); }
  Shape output_shape(const Shape& input) const override;
  /// The residual is the last layer's.
  void run(const Tensor& input, const Tensor* residual, const Tensor& output) const override;
  std::shared_ptr<const Runnable> channels_last() const override;

 private:
  std::vector<std::shared_ptr<const Layer>> layers_;
  mutable std::mutex mutex_;  // of what follows
  mutable std::shared_ptr<const Chain> channels_last_;
};

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_CHAIN_H
