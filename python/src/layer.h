// Layers whose weights are packed once, and calls that bring their weights along.
#ifndef SEPCONV_PYTHON_LAYER_H
#define SEPCONV_PYTHON_LAYER_H

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "block.h"
#include "describe.h"
#include "sepconv/sepconv.hpp"
#include "tensor.h"

namespace sepconv::python {

/// What graphs of frameworks run by a number: a layer, or a chain of them.
class Runnable {
 public:
  Runnable() = default;
  Runnable(const Runnable&) = delete;
  virtual ~Runnable() = default;

  virtual Type type() const = 0;  ///< of inputs and outputs

  /// Shape of the output for an input of this shape.
  virtual Shape output_shape(const Shape& input) const = 0;

  /// `residual` may be null; it and `output` are dense and of output_shape. The input may be a slice: strides that the
  /// runtime reads are read where they lie, others are copied first.
  virtual void run(const Tensor& input, const Tensor* residual, const Tensor& output) const = 0;
};

/// A separable convolution (or one of its stages) with its weights: copied when it is made, packed at the first run of
/// a shape. Any number of threads may run one layer at the same time.
class Layer : public Runnable {
 public:
  /// Weights of any strides; they are copied. Throws std::invalid_argument for what cannot be.
  Layer(const Options& options, const Weights& weights);

  Type type() const override { return type_; }
  int threads() const { return threads_; }
  const sepconv_problem& problem() const { return prototype_; }  ///< its batch and in_extent are 0

  /// The weights as they were given, dense, in the type that is computed in; null for what the layer does not have.
  struct Kept {
    const void *depthwise_kernel, *pointwise_kernel, *mid_bias, *out_bias;
  };
  Kept weights() const;

  Shape output_shape(const Shape& input) const override;
  void run(const Tensor& input, const Tensor* residual, const Tensor& output) const override;

  /// Plans and packs for inputs of this shape, so that the first run does not have to.
  void prepare(const Shape& input) const;

  /// Full name of the variant for inputs of this shape; and why it was chosen.
  std::string variant(const Shape& input) const;
  std::string explain(const Shape& input) const;

 private:
  struct Packed {  // for all plans with this packing
    Plan anchor;
    Block weights;
  };
  struct
      Next {  // the packed weights that a thread used after these: where they lay, which is all that is done with them
    std::atomic<const void*> data = nullptr;
    std::atomic<std::size_t> size = 0;
  };
  struct Prepared {  // for one shape, set of pitches, and number of threads
    Plan plan;
    std::shared_ptr<const Packed> packed;
    int threads;
    std::shared_ptr<Next> next = std::make_shared<Next>();
  };
  using Buffer = std::vector<unsigned char>;

  sepconv_problem problem_for(const Shape& input) const;
  std::shared_ptr<const Prepared> prepared_for(const sepconv_problem& problem, int threads) const;
  std::shared_ptr<const Packed> pack(const sepconv_problem& problem, const sepconv_options& options) const;
  static void follow(const std::shared_ptr<const Prepared>& prepared);

  sepconv_problem prototype_;
  Type type_;
  int threads_;
  Buffer depthwise_kernel_, pointwise_kernel_, mid_bias_, out_bias_;  // dense, in the type that is computed in
  mutable std::mutex mutex_;                                          // of what follows
  mutable std::vector<std::shared_ptr<const Packed>> packed_;
  mutable std::vector<std::shared_ptr<const Prepared>> prepared_;  // the most recently used first
};

/// One run with weights that are dense or not, and used for this call only.
void run_once(const Options& options, const Weights& weights, const Tensor& input, const Tensor& output);

/// The shape of that run's output.
Shape output_shape(const Options& options, const Weights& weights, const Shape& input);

/// Why that run's variant is chosen: a text for people.
std::string explain(const Options& options, const Weights& weights, const Shape& input);

/// How many convolutions this process has computed, and how many tensors it copied to do so: those of 16-bit types, and
/// those whose strides the runtime does not read.
int64_t run_count();
int64_t copy_count();
void count_run();  ///< one more

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_LAYER_H
