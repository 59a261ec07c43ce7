// The calls of a stream: frames through one layer after the other.
#include <cstring>

#include "run.h"
#include "scratch.h"
#include "stream.h"

namespace sepconv::python {
namespace {

[[noreturn]] void refuse(const std::string& sentence) { throw std::invalid_argument(sentence); }

int64_t frames_of(const sepconv_problem& problem, const Shape& shape) {
  return shape[problem.layout == SEPCONV_LAYOUT_CHANNELS_FIRST ? 2 : 1];
}

// Outputs of a whole signal; 0 for one that is too short to have any.
int64_t whole_outputs(sepconv_problem problem, int64_t frames) {
  problem.batch = 1;
  problem.in_extent[0] = frames;
  int64_t extent[SEPCONV_MAX_SPATIAL_RANK];
  return sepconv_output_extent(&problem, extent) == SEPCONV_OK ? extent[0] : 0;
}

// Frames [begin, begin + count) of a tensor, where they lie.
Tensor frames_within(const Tensor& tensor, const sepconv_problem& problem, int64_t begin, int64_t count) {
  const int axis = problem.layout == SEPCONV_LAYOUT_CHANNELS_FIRST ? 2 : 1;
  Tensor part = tensor;
  part.shape[axis] = count;
  part.data = static_cast<char*>(tensor.data) +
              begin * tensor.stride[static_cast<std::size_t>(axis)] * static_cast<int64_t>(bytes(tensor.type));
  return part;
}

// Copies a dense tensor of frames into a longer one, from frame `begin` on.
void copy_frames(const Tensor& from, const sepconv_problem& problem, int64_t begin, const Tensor& to) {
  const bool first = problem.layout == SEPCONV_LAYOUT_CHANNELS_FIRST;
  const int64_t count = frames_of(problem, from.shape), room = frames_of(problem, to.shape);
  const int64_t lines = to.shape[0] * (first ? to.shape[1] : 1);
  const auto frame = static_cast<int64_t>(bytes(to.type)) * (first ? 1 : to.shape[2]);
  for (int64_t line = 0; line < lines; ++line) {
    std::memcpy(static_cast<char*>(to.data) + (line * room + begin) * frame,
                static_cast<const char*>(from.data) + line * count * frame, static_cast<std::size_t>(count * frame));
  }
}

}  // namespace

Shape shape_of(const sepconv_problem& problem, int64_t batch, int64_t frames, int64_t channels) {
  Shape shape;
  shape.append(batch);
  const bool first = problem.layout == SEPCONV_LAYOUT_CHANNELS_FIRST;
  shape.append(first ? channels : frames);
  shape.append(first ? frames : channels);
  return shape;
}

Shape Stream::output_shape(const Shape& input) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return shape_after(input);
}

Shape Stream::shape_after(const Shape& input) const {
  const sepconv_problem &first = parts_.front().layer->problem(), &last = parts_.back().layer->problem();
  sepconv_problem problem = first;
  describe_input(input, &problem);
  if (problem.batch != batch_) {
    refuse("inputs must have the batch of the stream, " + std::to_string(batch_) + ", received shape " + input.text());
  }
  int64_t frames = frames_of(first, input);
  for (const Part& part : parts_) {
    frames = sepconv_stream_frames(part.stream.get(), frames);
    if (frames < 0) refuse("inputs has more frames than a stream can count, received shape " + input.text());
  }
  return shape_of(last, batch_, frames, last.out_channels);
}

// What each layer gives when the signals end: what the end of those before completes, and its own.
std::vector<int64_t> Stream::last_frames() const {
  std::vector<int64_t> list;
  int64_t more = 0;
  for (const Part& part : parts_) {
    const sepconv_problem& problem = part.layer->problem();
    const int64_t now = sepconv_stream_position(part.stream.get(), 0);
    more = whole_outputs(problem, now + more) - whole_outputs(problem, now) +
           sepconv_stream_last_frames(part.stream.get());
    list.push_back(more);
  }
  return list;
}

Shape Stream::last_shape() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const sepconv_problem& last = parts_.back().layer->problem();
  return shape_of(last, batch_, last_frames().back(), last.out_channels);
}

void Stream::demand_output(const Tensor& output, const Shape& shape, const Tensor* residual) const {
  demand_shape("out", output, shape, type());
  if (residual != nullptr && !residual_) {
    refuse("residual is given, but the stream was made without: Stream(..., residual=True)");
  }
  if (residual == nullptr && residual_) refuse("residual is missing: the stream was made with residual=True");
  if (residual != nullptr) demand_shape("residual", *residual, shape, type());
}

// Computes with call(residual, output, output frames, frames written).
template <typename Call>
void Stream::run_part(std::size_t index, const Tensor* residual, const Tensor& output, Call call) const {
  const void* const added = residual == nullptr ? nullptr : dense(*residual, Scratch::residual);
  int64_t written = 0;
  check_part(index, call(added, output.data, frames_of(parts_[index].layer->problem(), output.shape), &written));
  if (output.shape.elements() != 0) count_run();
}

void Stream::push_part(std::size_t index, const Tensor& input, const Tensor* residual, const Tensor& output) const {
  const Part& part = parts_[index];
  const int64_t frames = frames_of(part.layer->problem(), input.shape);
  const void* const data = dense(input, Scratch::input);
  run_part(index, residual, output, [&](const void* added, void* to, int64_t room, int64_t* written) {
    return sepconv_stream_push(part.stream.get(), data, frames, added, to, room, written);
  });
}

// The end of the signals for one layer: `input` is what it gets of the layer before it, nothing for the first one.
void Stream::finish_part(std::size_t index, const Tensor* input, const Tensor* residual, const Tensor& output) const {
  const Part& part = parts_[index];
  const sepconv_problem& problem = part.layer->problem();
  const int64_t all = frames_of(problem, output.shape);
  const int64_t pushed =
      input == nullptr ? 0 : sepconv_stream_frames(part.stream.get(), frames_of(problem, input->shape));
  // Each of the two in a tensor of its own, and from there into its place.
  const auto piece = [&](int64_t begin, int64_t count, auto run) {
    const Shape shape = shape_of(problem, batch_, count, problem.out_channels);
    std::vector<unsigned char> memory(static_cast<std::size_t>(shape.elements()) * bytes(output.type));
    const Tensor frames = Tensor::dense(memory.data(), output.type, shape);
    const Tensor added = residual == nullptr ? Tensor() : frames_within(*residual, problem, begin, count);
    run(residual == nullptr ? nullptr : &added, frames);
    copy_frames(frames, problem, begin, output);
  };
  if (input != nullptr) {
    piece(0, pushed, [&](const Tensor* added, const Tensor& frames) { push_part(index, *input, added, frames); });
  }
  piece(pushed, all - pushed, [&](const Tensor* added, const Tensor& frames) {
    run_part(index, added, frames, [&](const void* from, void* to, int64_t room, int64_t* written) {
      return sepconv_stream_finish(part.stream.get(), from, to, room, written);
    });
  });
}

// Where the index-th layer's output goes: what lies between layers is scratch.
Tensor Stream::output_of(std::size_t index, int64_t frames, const Tensor& output) const {
  if (index + 1 == parts_.size()) return output;
  const sepconv_problem& problem = parts_[index].layer->problem();
  const Shape shape = shape_of(problem, batch_, frames, problem.out_channels);
  const auto size = static_cast<std::size_t>(shape.elements()) * bytes(type());
  return Tensor::dense(scratch(index % 2 == 0 ? Scratch::even_layer : Scratch::odd_layer, size), type(), shape);
}

void Stream::push(const Tensor& input, const Tensor* residual, const Tensor& output) {
  const std::lock_guard<std::mutex> lock(mutex_);
  demand_type("inputs", input, type());
  demand_output(output, shape_after(input.shape), residual);
  Tensor from = input;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const int64_t frames = frames_of(parts_[i].layer->problem(), from.shape);
    const Tensor to = output_of(i, sepconv_stream_frames(parts_[i].stream.get(), frames), output);
    push_part(i, from, i + 1 == parts_.size() ? residual : nullptr, to);
    from = to;
  }
}

void Stream::finish(const Tensor* residual, const Tensor& output) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::vector<int64_t> frames = last_frames();
  const sepconv_problem& last = parts_.back().layer->problem();
  demand_output(output, shape_of(last, batch_, frames.back(), last.out_channels), residual);
  Tensor from;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const Tensor to = output_of(i, frames[i], output);
    finish_part(i, i == 0 ? nullptr : &from, i + 1 == parts_.size() ? residual : nullptr, to);
    from = to;
  }
}

}  // namespace sepconv::python
