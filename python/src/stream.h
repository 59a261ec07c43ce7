// Layers, one or several in a row, over signals that arrive in pieces.
#ifndef SEPCONV_PYTHON_STREAM_H
#define SEPCONV_PYTHON_STREAM_H

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "layer.h"

namespace sepconv::python {

/// (batch, frames, channels), or (batch, channels, frames).
Shape shape_of(const sepconv_problem& problem, int64_t batch, int64_t frames, int64_t channels);

/// One stream of the runtime a layer; what a layer completes, the next one takes. Runs on the calling thread; calls
/// from several take turns.
class Stream {
 public:
  /// Throws std::invalid_argument, or Unsupported, for layers that cannot be streamed.
  Stream(std::vector<std::shared_ptr<const Layer>> layers, int64_t batch, bool residual);

  Type type() const { return parts_.front().layer->type(); }
  int64_t batch() const { return batch_; }
  /// Output o comes with input frame o * stride() + delay().
  int64_t delay() const;
  int64_t stride() const;

  /// The shape of what the next input completes, and of what the end would; the checks of the input's shape.
  Shape output_shape(const Shape& input) const;
  Shape last_shape() const;

  /// Tensors as those of a Layer; the output has that shape.
  void push(const Tensor& input, const Tensor* residual, const Tensor& output);
  void finish(const Tensor* residual, const Tensor& output);

  /// `signal` is one of the batch, or SEPCONV_ALL_SIGNALS. All layers change, or none.
  int64_t position(int64_t signal) const;
  std::string save(int64_t signal) const;
  void restore(int64_t signal, const std::string& state);
  void reset(int64_t signal);

 private:
  struct Destroy {
    void operator()(sepconv_stream* stream) const { sepconv_stream_destroy(stream); }
  };
  struct Part {
    std::shared_ptr<const Layer> layer;
    std::shared_ptr<const Layer::Prepared> prepared;  // whose packed weights the stream reads
    Block memory;
    std::unique_ptr<sepconv_stream, Destroy> stream;
  };

  Part make_part(std::shared_ptr<const Layer> layer, std::size_t index, bool residual) const;
  std::string name_of(std::size_t index) const;  // "layers[1]: ", nothing where there is only one
  void check_part(std::size_t index, sepconv_status status) const;
  void demand_output(const Tensor& output, const Shape& shape, const Tensor* residual) const;
  template <typename Call>
  void run_part(std::size_t index, const Tensor* residual, const Tensor& output, Call call) const;
  void push_part(std::size_t index, const Tensor& input, const Tensor* residual, const Tensor& output) const;
  void finish_part(std::size_t index, const Tensor* input, const Tensor* residual, const Tensor& output) const;
  Tensor output_of(std::size_t index, int64_t frames, const Tensor& output) const;
  Shape shape_after(const Shape& input) const;
  std::vector<int64_t> last_frames() const;

  std::vector<Part> parts_;
  int64_t batch_;
  bool residual_;
  mutable std::mutex mutex_;
};

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_STREAM_H
