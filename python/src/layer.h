// Layers whose weights are packed once.
#ifndef SEPCONV_PYTHON_LAYER_H
#define SEPCONV_PYTHON_LAYER_H

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "run.h"

namespace sepconv::python {

/// What graphs of frameworks run by a number: a layer, or a chain of them.
class Runnable {
 public:
  Runnable() = default;
  Runnable(const Runnable&) = delete;
  virtual ~Runnable() = default;

  virtual Type type() const = 0;  ///< of inputs and outputs

  /// Shape of the output for an input of this shape; extents may be -1, as in describe.h.
  virtual Shape output_shape(const Shape& input) const = 0;

  /// `residual` may be null; it and `output` are dense and of output_shape. The input may be a slice: strides that the
  /// runtime reads are read where they lie, others are copied first.
  virtual void run(const Tensor& input, const Tensor* residual, const Tensor& output) const = 0;

  /// The same with tensors in channels_last, for those of channels_first that lie in memory in that way. It shares the
  /// weights, and is made once.
  virtual std::shared_ptr<const Runnable> channels_last() const = 0;
};

/// A separable convolution (or one of its stages) with its weights: copied when it is made, packed at the first run of
/// a shape. Any number of threads may run one layer at the same time.
class Layer : public Runnable {
 public:
  /// Weights of any strides; they are copied. Throws std::invalid_argument for what cannot be.
  Layer(const Options& options, const Weights& weights);

  Type type() const override { return type_; }
  int threads() const { return threads_->load(std::memory_order_relaxed); }
  void set_threads(int threads);  ///< of the runs that begin from now on; 0: default_threads()
  const sepconv_problem& problem() const { return prototype_; }  ///< its batch and in_extent are 0

  /// The weights as they were given, dense, in the layer's type; null for what the layer does not have.
  WeightData weights() const;

  Shape output_shape(const Shape& input) const override;
  void run(const Tensor& input, const Tensor* residual, const Tensor& output) const override;
  std::shared_ptr<const Runnable> channels_last() const override { return layer_channels_last(); }
  std::shared_ptr<const Layer> layer_channels_last() const;

  /// Plans and packs for inputs of this shape, so that the first run does not have to.
  void prepare(const Shape& input) const;

  /// Full name of the variant for inputs of this shape; and why it was chosen.
  std::string variant(const Shape& input) const;
  std::string explain(const Shape& input) const;

  struct Packed {  // for all plans with this packing
    Plan anchor;
    Block weights;
  };
  struct Next {  // the packed weights that a thread used after these: an address to fetch from, which may be stale
    std::atomic<const void*> data = nullptr;
    std::atomic<std::size_t> size = 0;
  };
  struct Prepared {  // for one shape, set of pitches, and number of threads
    Plan plan;
    std::shared_ptr<const Packed> packed;
    int threads;
    std::shared_ptr<Next> next = std::make_shared<Next>();
  };
  /// What a run of inputs of this shape uses.
  std::shared_ptr<const Prepared> prepared(const Shape& input, bool residual) const;

 private:
  using Buffer = std::vector<unsigned char>;
  struct Kept {  // dense, in the layer's type
    Buffer depthwise_kernel, pointwise_kernel, mid_bias, out_bias;
  };

  Layer(const Layer& other, sepconv_layout layout);

  sepconv_problem problem_for(const Shape& input) const;
  std::shared_ptr<const Prepared> prepared_for(const sepconv_problem& problem) const;
  static void follow(const std::shared_ptr<const Prepared>& prepared);

  sepconv_problem prototype_;
  Type type_;
  std::shared_ptr<std::atomic<int>> threads_;
  std::shared_ptr<const Kept> kept_;
  mutable std::mutex mutex_;  // of what follows
  mutable std::shared_ptr<const Layer> channels_last_;
  mutable std::vector<std::shared_ptr<const Packed>> packed_;
  mutable std::vector<std::shared_ptr<const Prepared>> prepared_;  // the most recently used first
};

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_LAYER_H
