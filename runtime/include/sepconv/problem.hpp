/// @file
/// Problems for C++17: sepconv::Problem, filled field by field, the words of the enumerations, and sepconv::Error. A
/// part of sepconv.hpp.
#ifndef SEPCONV_PROBLEM_HPP
#define SEPCONV_PROBLEM_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "sepconv/sepconv.h"

namespace sepconv {

/// What failed: the status, and in what() the sentence of sepconv_last_error.
class Error : public std::runtime_error {
 public:
  Error(sepconv_status status, const std::string& sentence) : std::runtime_error(sentence), status_(status) {}
  sepconv_status status() const noexcept { return status_; }

 private:
  sepconv_status status_;
};

/// Throws an Error. Code that is compiled without exceptions has no other way than to end the program, by std::abort;
/// before that it calls SEPCONV_ON_ERROR(status, sentence), a macro that such a program may define in front of this
/// header, to write the sentence down or not to return. All of a program includes these headers with the same settings.
/// The C functions return a status instead.
[[noreturn]] inline void raise(sepconv_status status, const std::string& sentence) {
#if defined(__cpp_exceptions)
  throw Error(status, sentence);
#else
#if defined(SEPCONV_ON_ERROR)
  SEPCONV_ON_ERROR(status, sentence.c_str());
#endif
  static_cast<void>(status);
  static_cast<void>(sentence);
  std::abort();
#endif
}

/// Throws the status as an Error unless it is SEPCONV_OK.
inline void check(sepconv_status status) {
  if (status != SEPCONV_OK) raise(status, sepconv_last_error());
}

/// The word of a value, as in layer files and in Keras: "float32", "channels_last". NULL for any other number.
inline const char* name(sepconv_dtype value) { return sepconv_dtype_name(value); }
inline const char* name(sepconv_activation_kind value) { return sepconv_activation_name(value); }
inline const char* name(sepconv_layout value) { return sepconv_layout_name(value); }
inline const char* name(sepconv_padding value) { return sepconv_padding_name(value); }
inline const char* name(sepconv_stages value) { return sepconv_stages_name(value); }
inline const char* name(sepconv_device value) { return sepconv_device_name(value); }

/// The value of a word: from_name<sepconv_dtype>("float32"). Empty for any other word.
template <typename Enum>
std::optional<Enum> from_name(std::string_view word) {
  for (int value = 0; const char* known = name(static_cast<Enum>(value)); ++value) {
    if (word == known) return static_cast<Enum>(value);
  }
  return std::nullopt;
}

/// Whether elements have 16 bits, and are computed with in float32.
inline bool is_half(sepconv_dtype dtype) { return dtype == SEPCONV_DTYPE_F16 || dtype == SEPCONV_DTYPE_BF16; }

/// Gives all tensors of a problem one type. The intermediate of float16 and bfloat16 is float32; weights of uint8 are
/// int8.
inline void set_dtype(sepconv_problem* problem, sepconv_dtype dtype) {
  problem->input_dtype = problem->output_dtype = dtype;
  problem->weight_dtype = dtype == SEPCONV_DTYPE_U8 ? SEPCONV_DTYPE_I8 : dtype;
  problem->mid_dtype = is_half(dtype) ? SEPCONV_DTYPE_F32 : dtype;
}

/// What to compute: a sepconv_problem with its defaults, filled field by field. Axes are outermost first; a list of
/// extents has one entry an axis. get() gives the struct itself, for what has no method here.
class Problem {
 public:
  using Extents = std::initializer_list<int64_t>;

  explicit Problem(int spatial_rank = 2) : problem_() {
    sepconv_problem_init(&problem_, sizeof problem_);
    problem_.spatial_rank = spatial_rank;
  }
  explicit Problem(const sepconv_problem& problem) : problem_(problem) {}

  Problem& batch(int64_t images) { return put(problem_.batch, images); }
  /// C input and F output channels.
  Problem& channels(int64_t in, int64_t out) { return put(problem_.in_channels, in).put(problem_.out_channels, out); }
  /// M: the intermediate has C*M channels.
  Problem& multiplier(int64_t m) { return put(problem_.depth_multiplier, m); }
  Problem& input(Extents extents) { return set(problem_.in_extent, extents, "input"); }
  Problem& kernel(Extents extents) { return set(problem_.kernel_extent, extents, "kernel"); }
  Problem& stride(Extents steps) { return set(problem_.stride, steps, "stride"); }
  Problem& stride(int64_t step) { return fill(problem_.stride, step); }
  Problem& dilation(Extents steps) { return set(problem_.dilation, steps, "dilation"); }
  Problem& dilation(int64_t step) { return fill(problem_.dilation, step); }
  Problem& padding(sepconv_padding padding) { return put(problem_.padding, padding); }
  /// Zeros before and after each axis, as PyTorch and ONNX have them.
  Problem& padding(Extents before, Extents after) {
    set(problem_.pad_before, before, "padding").set(problem_.pad_after, after, "padding");
    return padding(SEPCONV_PADDING_EXPLICIT);
  }
  Problem& causal() { return padding(SEPCONV_PADDING_CAUSAL); }
  Problem& same() { return padding(SEPCONV_PADDING_SAME); }
  Problem& valid() { return padding(SEPCONV_PADDING_VALID); }
  Problem& channels_first() { return put(problem_.layout, SEPCONV_LAYOUT_CHANNELS_FIRST); }
  /// Of all tensors. With float16 and bfloat16 the intermediate is float32.
  Problem& dtype(sepconv_dtype dtype) {
    set_dtype(&problem_, dtype);
    return *this;
  }
  Problem& float64() { return dtype(SEPCONV_DTYPE_F64); }
  Problem& float16() { return dtype(SEPCONV_DTYPE_F16); }
  Problem& bfloat16() { return dtype(SEPCONV_DTYPE_BF16); }
  Problem& stages(sepconv_stages stages) { return put(problem_.stages, stages); }
  Problem& residual(bool has = true) { return put(problem_.has_residual, has ? 1 : 0); }
  Problem& mid_bias(bool has = true) { return put(problem_.has_mid_bias, has ? 1 : 0); }
  Problem& out_bias(bool has = true) { return put(problem_.has_out_bias, has ? 1 : 0); }
  Problem& input_activation(sepconv_activation_kind kind, float lo = 0, float hi = 0) {
    return put(problem_.input_activation, {kind, lo, hi});
  }
  Problem& mid_activation(sepconv_activation_kind kind, float lo = 0, float hi = 0) {
    return put(problem_.mid_activation, {kind, lo, hi});
  }
  Problem& out_activation(sepconv_activation_kind kind, float lo = 0, float hi = 0) {
    return put(problem_.out_activation, {kind, lo, hi});
  }

  /// Spatial extents of the output; entries past the rank are 1.
  std::array<int64_t, SEPCONV_MAX_SPATIAL_RANK> output_extent() const {
    std::array<int64_t, SEPCONV_MAX_SPATIAL_RANK> extent = {};
    check(sepconv_output_extent(&problem_, extent.data()));
    return extent;
  }

  /// Elements of each tensor, dense; 0 for a kernel that the problem does not have. They throw for an illegal problem,
  /// whose products may not fit.
  std::size_t input_size() const { return legal().elements(problem_.batch * pixels() * problem_.in_channels); }
  std::size_t output_size() const {
    int64_t size = 1;
    for (int64_t extent : output_extent()) size *= extent;
    const bool summed = problem_.stages != SEPCONV_STAGES_DEPTHWISE;
    return elements(problem_.batch * size * (summed ? problem_.out_channels : mid()));
  }
  std::size_t depthwise_size() const {
    return legal().problem_.stages == SEPCONV_STAGES_POINTWISE ? 0 : elements(taps() * mid());
  }
  std::size_t pointwise_size() const {
    return legal().problem_.stages == SEPCONV_STAGES_DEPTHWISE ? 0 : elements(mid() * problem_.out_channels);
  }
  std::size_t mid_channels() const { return elements(legal().mid()); }

  sepconv_problem& get() { return problem_; }
  const sepconv_problem& get() const { return problem_; }

 private:
  // Throws unless the problem is legal.
  const Problem& legal() const {
    static_cast<void>(output_extent());
    return *this;
  }
  int64_t mid() const { return problem_.in_channels * problem_.depth_multiplier; }
  int64_t pixels() const { return product(problem_.in_extent); }
  int64_t taps() const { return product(problem_.kernel_extent); }
  int64_t product(const int64_t* extents) const {
    int64_t size = 1;
    for (int axis = 0; axis < problem_.spatial_rank; ++axis) size *= extents[axis];
    return size;
  }
  static std::size_t elements(int64_t count) { return static_cast<std::size_t>(count); }

  template <typename Field>
  Problem& put(Field& field, Field value) {
    field = value;
    return *this;
  }
  Problem& fill(int64_t* field, int64_t value) {
    for (int axis = 0; axis < SEPCONV_MAX_SPATIAL_RANK; ++axis) field[axis] = value;
    return *this;
  }
  Problem& set(int64_t* field, Extents values, const char* name) {
    if (values.size() != static_cast<std::size_t>(problem_.spatial_rank) || values.size() > SEPCONV_MAX_SPATIAL_RANK) {
      raise(SEPCONV_INVALID_ARGUMENT, std::string(name) + " has " + std::to_string(values.size()) +
                                          " entries, spatial_rank is " + std::to_string(problem_.spatial_rank));
    }
    for (int64_t value : values) *field++ = value;
    return *this;
  }

  sepconv_problem problem_;
};

}  // namespace sepconv

#endif  // SEPCONV_PROBLEM_HPP
