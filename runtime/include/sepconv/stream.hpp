/// @file
/// Streams for C++17: sepconv::Stream over the functions sepconv_stream_*. A plan of one axis, fed piece by piece,
/// gives the outputs of the whole signal bit for bit, wherever it is cut.
///
///     auto problem = sepconv::Problem(1).input({1}).kernel({5}).channels(64, 64).causal();
///     sepconv::Plan plan(problem);
///     sepconv::PackedWeights weights = plan.pack(depthwise_kernel, pointwise_kernel);
///     sepconv::Stream stream(plan, weights);
///     std::vector<float> ready = stream.push(frames, 160);
#ifndef SEPCONV_STREAM_HPP
#define SEPCONV_STREAM_HPP

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "sepconv/sepconv.hpp"

namespace sepconv {

/// One signal (or one batch of them) on its way through a plan; one thread at a time. The weights must outlive it.
class Stream {
 public:
  Stream(const Plan& plan, const PackedWeights& packed)
      : frame_(frame_of(plan.problem().get())),
        dtype_(plan.problem().get().output_dtype),
        memory_(sepconv_stream_size(plan.get())),
        stream_(create(plan, packed, &memory_)) {}

  /// How many input frames behind frame o * stride output o waits for; 0 with causal padding.
  int64_t delay() const { return sepconv_stream_delay(stream_.get()); }

  /// The output frames that the next `frames` input frames complete.
  int64_t output_frames(int64_t frames) const { return sepconv_stream_frames(stream_.get(), frames); }

  /// Takes the next `frames` frames and writes what they complete; `output` has room for `room` frames of each signal.
  /// Returns how many were written. Allocates nothing.
  template <typename T>
  int64_t push(const T* input, int64_t frames, Same<T>* output, int64_t room, const Same<T>* residual = nullptr) {
    demand_type<T>();
    int64_t written = 0;
    check(sepconv_stream_push(stream_.get(), input, frames, residual, output, room, &written));
    return written;
  }

  /// The same, into a vector of the right size.
  template <typename T>
  std::vector<T> push(const T* input, int64_t frames, const Same<T>* residual = nullptr) {
    std::vector<T> output = room_for<T>(output_frames(frames));
    push(input, frames, output.data(), output_frames(frames), residual);
    return output;
  }

  /// Ends the signals: the output frames that read the zeros behind them. Starts again at frame 0.
  template <typename T>
  std::vector<T> finish(const T* residual = nullptr) {
    demand_type<T>();
    const int64_t room = sepconv_stream_last_frames(stream_.get());
    std::vector<T> output = room_for<T>(room);
    int64_t written = 0;
    check(sepconv_stream_finish(stream_.get(), residual, output.data(), room, &written));
    return output;
  }

  /// The frames that a signal has taken since its start.
  int64_t position(int64_t signal = 0) const { return sepconv_stream_position(stream_.get(), signal); }

  /// What the stream remembers, of one signal or of all: bytes for restore(), here or in another stream of the layer.
  std::vector<unsigned char> save(int64_t signal = SEPCONV_ALL_SIGNALS) const {
    std::vector<unsigned char> state(sepconv_stream_state_size(stream_.get(), signal));
    check(sepconv_stream_save(stream_.get(), signal, state.data(), state.size()));
    return state;
  }
  void restore(const std::vector<unsigned char>& state, int64_t signal = SEPCONV_ALL_SIGNALS) {
    check(sepconv_stream_restore(stream_.get(), signal, state.data(), state.size()));
  }

  void reset() { sepconv_stream_reset(stream_.get()); }                                      ///< back to frame 0
  void reset(int64_t signal) { check(sepconv_stream_reset_signal(stream_.get(), signal)); }  ///< one signal

 private:
  struct Delete {
    void operator()(sepconv_stream* stream) const noexcept { sepconv_stream_destroy(stream); }
  };
  template <typename T>
  void demand_type() const {
    if (!is_type<T>(dtype_)) {
      raise(SEPCONV_INVALID_ARGUMENT, "the tensors' type is not the problem's dtype");
    }
  }
  template <typename T>
  std::vector<T> room_for(int64_t frames) const {
    if (frame_ != 0 && frames > PTRDIFF_MAX / static_cast<int64_t>(sizeof(T)) / frame_) {
      raise(SEPCONV_INVALID_ARGUMENT,
            "frames is too large: the output of " + std::to_string(frames) + " frames has too many elements");
    }
    return std::vector<T>(frames < 0 ? 0 : static_cast<std::size_t>(frames * frame_));
  }
  // Elements of one output frame of the whole batch.
  static int64_t frame_of(const sepconv_problem& problem) {
    const bool summed = problem.stages != SEPCONV_STAGES_DEPTHWISE;
    return problem.batch * (summed ? problem.out_channels : problem.in_channels * problem.depth_multiplier);
  }
  static sepconv_stream* create(const Plan& plan, const PackedWeights& packed, AlignedBytes* memory) {
    if (packed.size() < plan.packed_size()) raise(SEPCONV_BAD_PACKED, "the packed weights are too short");
    sepconv_stream* stream = nullptr;
    check(sepconv_stream_create(plan.get(), packed.data(), memory->data(), memory->size(), &stream));
    return stream;
  }

  int64_t frame_;
  sepconv_dtype dtype_;
  AlignedBytes memory_;
  std::unique_ptr<sepconv_stream, Delete> stream_;
};

}  // namespace sepconv

#endif  // SEPCONV_STREAM_HPP
