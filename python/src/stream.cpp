#include "stream.h"

#include <utility>

#include "chain.h"

namespace sepconv::python {
namespace {

[[noreturn]] void refuse(const std::string& sentence) { throw std::invalid_argument(sentence); }

}  // namespace

Stream::Stream(std::vector<std::shared_ptr<const Layer>> layers, int64_t batch, bool residual)
    : batch_(batch), residual_(residual) {
  if (batch < 1) refuse("batch must be positive, received " + std::to_string(batch));
  const Chain chain(layers);  // says where one does not follow the other
  parts_.resize(layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i)
    parts_[i] = make_part(layers[i], i, residual && i + 1 == layers.size());
}

Stream::Part Stream::make_part(std::shared_ptr<const Layer> layer, std::size_t index, bool residual) const {
  const sepconv_problem& problem = layer->problem();
  const std::string name = name_of(index);
  if (problem.spatial_rank != 1) {
    refuse(name + "a stream needs a layer of one spatial axis, received one of " +
           std::to_string(problem.spatial_rank));
  }
  if (problem.padding == SEPCONV_PADDING_SAME && problem.stride[0] != 1) {
    refuse(name + "padding \"same\" with strides " + std::to_string(problem.stride[0]) +
           " cannot be streamed: the length of the whole signal decides where its zeros go; use \"causal\", or pairs");
  }
  // The extent does not matter to a stream; it is one that has several outputs.
  const int64_t reach = (problem.kernel_extent[0] - 1) * problem.dilation[0] + 1;
  if (problem.pad_before[0] >= reach || problem.pad_after[0] >= reach) {
    refuse(name + "padding (" + std::to_string(problem.pad_before[0]) + ", " + std::to_string(problem.pad_after[0]) +
           ") cannot be streamed: each must be less than the " + std::to_string(reach) +
           " frames that the kernel reaches over");
  }
  Part part;
  part.layer = std::move(layer);
  const Shape input = shape_of(problem, batch_, reach + 2 * problem.stride[0], problem.in_channels);
  part.prepared = part.layer->prepared(input, residual);
  const Plan& plan = part.prepared->plan;
  part.memory = Block(sepconv_stream_size(plan.get()));
  sepconv_stream* stream = nullptr;
  check_part(index, sepconv_stream_create(plan.get(), part.prepared->packed->weights.data(), part.memory.data(),
                                          part.memory.size(), &stream));
  part.stream.reset(stream);
  return part;
}

std::string Stream::name_of(std::size_t index) const {
  return parts_.size() == 1 ? "" : "layers[" + std::to_string(index) + "]: ";
}

void Stream::check_part(std::size_t index, sepconv_status status) const {
  try {
    check_status(status);
  } catch (const std::invalid_argument& error) {
    refuse(name_of(index) + error.what());
  }
}

int64_t Stream::delay() const {
  int64_t delay = 0, step = 1;
  for (const Part& part : parts_) {
    delay += step * sepconv_stream_delay(part.stream.get());
    step *= part.layer->problem().stride[0];
  }
  return delay;
}

int64_t Stream::stride() const {
  int64_t step = 1;
  for (const Part& part : parts_) step *= part.layer->problem().stride[0];
  return step;
}

int64_t Stream::position(int64_t signal) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return sepconv_stream_position(parts_.front().stream.get(), signal);
}

std::string Stream::save(int64_t signal) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::string state;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const sepconv_stream* stream = parts_[i].stream.get();
    const std::size_t at = state.size(), size = sepconv_stream_state_size(stream, signal);
    state.resize(at + size);
    check_part(i, sepconv_stream_save(stream, signal, &state[at], size));
  }
  return state;
}

void Stream::restore(int64_t signal, const std::string& state) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::size_t size = 0;
  for (const Part& part : parts_) size += sepconv_stream_state_size(part.stream.get(), signal);
  if (state.size() != size) {
    refuse("state has " + std::to_string(state.size()) + " bytes, that of " +
           (signal == SEPCONV_ALL_SIGNALS ? std::to_string(batch_) : "1") + " signals of this stream " +
           std::to_string(size));
  }
  for (const bool check : {true, false}) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      sepconv_stream* stream = parts_[i].stream.get();
      const std::size_t part = sepconv_stream_state_size(stream, signal);
      check_part(i, check ? sepconv_stream_check_state(stream, signal, &state[at], part)
                          : sepconv_stream_restore(stream, signal, &state[at], part));
      at += part;
    }
  }
}

void Stream::reset(int64_t signal) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const bool check : {true, false}) {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      sepconv_stream* stream = parts_[i].stream.get();
      check_part(i, check ? sepconv_stream_check_reset(stream, signal) : sepconv_stream_reset_signal(stream, signal));
    }
  }
}

}  // namespace sepconv::python
