/// @file
/// Streams for C++17: sepconv::Stream over the functions sepconv_stream_*. A causal plan, fed piece by piece, gives the
/// outputs of the whole signal bit for bit, wherever it is cut.
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

  /// The output frames that the next `frames` input frames complete.
  int64_t output_frames(int64_t frames) const { return sepconv_stream_frames(stream_.get(), frames); }

  /// Takes the next `frames` frames and writes what they complete; `output` has room for `room` frames of each signal.
  /// Returns how many were written. Allocates nothing.
  template <typename T>
  int64_t push(const T* input, int64_t frames, Same<T>* output, int64_t room, const Same<T>* residual = nullptr) {
    if (!is_type<T>(dtype_)) {
      raise(SEPCONV_INVALID_ARGUMENT, "the tensors' type is not the problem's dtype");
    }
    int64_t written = 0;
    check(sepconv_stream_push(stream_.get(), input, frames, residual, output, room, &written));
    return written;
  }

  /// The same, into a vector of the right size.
  template <typename T>
  std::vector<T> push(const T* input, int64_t frames, const Same<T>* residual = nullptr) {
    const int64_t room = output_frames(frames);
    if (frame_ != 0 && room > PTRDIFF_MAX / static_cast<int64_t>(sizeof(T)) / frame_) {
      raise(SEPCONV_INVALID_ARGUMENT, "frames is " + std::to_string(frames) + ": the output has too many elements");
    }
    std::vector<T> output(room < 0 ? 0 : static_cast<std::size_t>(room * frame_));
    push(input, frames, output.data(), room, residual);
    return output;
  }

  void reset() { sepconv_stream_reset(stream_.get()); }  ///< back to frame 0

 private:
  struct Delete {
    void operator()(sepconv_stream* stream) const noexcept { sepconv_stream_destroy(stream); }
  };
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
