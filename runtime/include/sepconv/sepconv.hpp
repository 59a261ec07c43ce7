/// @file
/// sepconv for C++17: thin, header-only classes over the C functions of sepconv.h. Everything that fails throws
/// sepconv::Error.
///
///     auto problem = sepconv::Problem(2).input({56, 56}).kernel({3, 3}).channels(128, 128).same();
///     sepconv::Plan plan(problem);
///     sepconv::PackedWeights weights = plan.pack(depthwise_kernel, pointwise_kernel);
///     plan.run(weights, input, output);
///
/// or all of it in one call, for when speed does not matter:
///
///     sepconv::separable_conv(problem, input, depthwise_kernel, pointwise_kernel);
#ifndef SEPCONV_SEPCONV_HPP
#define SEPCONV_SEPCONV_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

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

/// Throws the status as an Error unless it is SEPCONV_OK.
inline void check(sepconv_status status) {
  if (status != SEPCONV_OK) throw Error(status, sepconv_last_error());
}

/// The word of a value, as in layer files and in Keras: "float32", "channels_last". NULL for a number that is no value.
inline const char* name(sepconv_dtype value) { return sepconv_dtype_name(value); }
inline const char* name(sepconv_activation_kind value) { return sepconv_activation_name(value); }
inline const char* name(sepconv_layout value) { return sepconv_layout_name(value); }
inline const char* name(sepconv_padding value) { return sepconv_padding_name(value); }
inline const char* name(sepconv_stages value) { return sepconv_stages_name(value); }
inline const char* name(sepconv_device value) { return sepconv_device_name(value); }

/// The value of a word: from_name<sepconv_dtype>("float32"). Empty for a word that names none.
template <typename Enum>
std::optional<Enum> from_name(std::string_view word) {
  for (int value = 0; const char* known = name(static_cast<Enum>(value)); ++value) {
    if (word == known) return static_cast<Enum>(value);
  }
  return std::nullopt;
}

/// What to compute: a sepconv_problem with its defaults, filled field by field. Axes are outermost first; a list of
/// extents has one entry an axis. The struct itself is at hand for what has no method here.
class Problem {
 public:
  using Extents = std::initializer_list<int64_t>;

  explicit Problem(int spatial_rank = 2) {
    sepconv_problem_init(&problem_, sizeof problem_);
    problem_.spatial_rank = spatial_rank;
  }
  explicit Problem(const sepconv_problem& problem) : problem_(problem) {}

  Problem& batch(int64_t images) { return problem_.batch = images, *this; }
  /// C input and F output channels.
  Problem& channels(int64_t in, int64_t out) { return problem_.in_channels = in, problem_.out_channels = out, *this; }
  /// M: the intermediate has C*M channels.
  Problem& multiplier(int64_t m) { return problem_.depth_multiplier = m, *this; }
  Problem& input(Extents extents) { return set(problem_.in_extent, extents, "input"); }
  Problem& kernel(Extents extents) { return set(problem_.kernel_extent, extents, "kernel"); }
  Problem& stride(Extents steps) { return set(problem_.stride, steps, "stride"); }
  Problem& stride(int64_t step) { return fill(problem_.stride, step); }
  Problem& dilation(Extents steps) { return set(problem_.dilation, steps, "dilation"); }
  Problem& dilation(int64_t step) { return fill(problem_.dilation, step); }
  Problem& padding(sepconv_padding padding) { return problem_.padding = padding, *this; }
  /// Zeros before and after each axis, as PyTorch and ONNX have them.
  Problem& padding(Extents before, Extents after) {
    return set(problem_.pad_before, before, "padding"), set(problem_.pad_after, after, "padding"),
           padding(SEPCONV_PADDING_EXPLICIT);
  }
  Problem& causal() { return padding(SEPCONV_PADDING_CAUSAL); }
  Problem& same() { return padding(SEPCONV_PADDING_SAME); }
  Problem& valid() { return padding(SEPCONV_PADDING_VALID); }
  Problem& channels_first() { return problem_.layout = SEPCONV_LAYOUT_CHANNELS_FIRST, *this; }
  Problem& float64() {
    return problem_.input_dtype = problem_.weight_dtype = problem_.mid_dtype = problem_.output_dtype =
               SEPCONV_DTYPE_F64,
           *this;
  }
  Problem& stages(sepconv_stages stages) { return problem_.stages = stages, *this; }
  Problem& residual(bool has = true) { return problem_.has_residual = has ? 1 : 0, *this; }
  Problem& mid_bias(bool has = true) { return problem_.has_mid_bias = has ? 1 : 0, *this; }
  Problem& out_bias(bool has = true) { return problem_.has_out_bias = has ? 1 : 0, *this; }
  Problem& input_activation(sepconv_activation_kind kind, float lo = 0, float hi = 0) {
    return problem_.input_activation = {kind, lo, hi}, *this;
  }
  Problem& mid_activation(sepconv_activation_kind kind, float lo = 0, float hi = 0) {
    return problem_.mid_activation = {kind, lo, hi}, *this;
  }
  Problem& out_activation(sepconv_activation_kind kind, float lo = 0, float hi = 0) {
    return problem_.out_activation = {kind, lo, hi}, *this;
  }

  /// Spatial extents of the output; entries past the rank are 1.
  std::array<int64_t, SEPCONV_MAX_SPATIAL_RANK> output_extent() const {
    std::array<int64_t, SEPCONV_MAX_SPATIAL_RANK> extent = {};
    check(sepconv_output_extent(&problem_, extent.data()));
    return extent;
  }

  /// Elements of each tensor, dense; 0 for a kernel that the problem does not have. They throw for an illegal problem,
  /// whose products may not fit.
  std::size_t input_size() const { return output_extent(), elements(problem_.batch * pixels() * problem_.in_channels); }
  std::size_t output_size() const {
    int64_t size = 1;
    for (int64_t extent : output_extent()) size *= extent;
    const bool summed = problem_.stages != SEPCONV_STAGES_DEPTHWISE;
    return elements(problem_.batch * size * (summed ? problem_.out_channels : mid()));
  }
  std::size_t depthwise_size() const {
    return output_extent(), problem_.stages == SEPCONV_STAGES_POINTWISE ? 0 : elements(taps() * mid());
  }
  std::size_t pointwise_size() const {
    return output_extent(), problem_.stages == SEPCONV_STAGES_DEPTHWISE ? 0 : elements(mid() * problem_.out_channels);
  }
  std::size_t mid_channels() const { return output_extent(), elements(mid()); }

  sepconv_problem& get() { return problem_; }
  const sepconv_problem& get() const { return problem_; }

 private:
  int64_t mid() const { return problem_.in_channels * problem_.depth_multiplier; }
  int64_t pixels() const { return product(problem_.in_extent); }
  int64_t taps() const { return product(problem_.kernel_extent); }
  int64_t product(const int64_t* extents) const {
    int64_t size = 1;
    for (int axis = 0; axis < problem_.spatial_rank; ++axis) size *= extents[axis];
    return size;
  }
  static std::size_t elements(int64_t count) { return static_cast<std::size_t>(count); }

  Problem& fill(int64_t* field, int64_t value) {
    for (int axis = 0; axis < SEPCONV_MAX_SPATIAL_RANK; ++axis) field[axis] = value;
    return *this;
  }
  Problem& set(int64_t* field, Extents values, const char* name) {
    if (values.size() != static_cast<std::size_t>(problem_.spatial_rank) || values.size() > SEPCONV_MAX_SPATIAL_RANK) {
      throw Error(SEPCONV_INVALID_ARGUMENT, std::string(name) + " has " + std::to_string(values.size()) +
                                                " entries, spatial_rank is " + std::to_string(problem_.spatial_rank));
    }
    for (int64_t value : values) *field++ = value;
    return *this;
  }

  sepconv_problem problem_;
};

/// Bytes at a multiple of 64: packed weights, and workspaces.
class AlignedBytes {
 public:
  AlignedBytes() = default;
  explicit AlignedBytes(std::size_t size)
      : data_(size == 0 ? nullptr : ::operator new(size, std::align_val_t(alignment))), size_(size) {}
  AlignedBytes(AlignedBytes&& other) noexcept : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}
  AlignedBytes& operator=(AlignedBytes&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  void* data() noexcept { return data_.get(); }
  const void* data() const noexcept { return data_.get(); }
  std::size_t size() const noexcept { return size_; }

 private:
  static constexpr std::size_t alignment = 64;
  struct Delete {
    void operator()(void* data) const noexcept { ::operator delete(data, std::align_val_t(alignment)); }
  };
  std::unique_ptr<void, Delete> data_;
  std::size_t size_ = 0;
};

using PackedWeights = AlignedBytes;
using Workspace = AlignedBytes;

/// T itself, but not deduced from an argument: null pointers and braces stay possible there.
template <typename T>
struct SameAs {
  using type = T;
};
template <typename T>
using Same = typename SameAs<T>::type;

/// A sepconv_options with its defaults.
inline sepconv_options default_options() {
  sepconv_options options;
  sepconv_options_init(&options, sizeof options);
  return options;
}

/// A plan, owned. Immutable: threads may share one.
class Plan {
 public:
  explicit Plan(const Problem& problem, const sepconv_options& options = default_options()) : problem_(problem) {
    sepconv_plan* plan = nullptr;
    check(sepconv_plan_create(&problem.get(), &options, &plan));
    plan_.reset(plan);
  }

  const Problem& problem() const noexcept { return problem_; }
  const char* variant() const noexcept { return sepconv_plan_variant(plan_.get()); }
  std::size_t packed_size() const noexcept { return sepconv_plan_packed_size(plan_.get()); }
  std::size_t workspace_size() const noexcept { return sepconv_plan_workspace_size(plan_.get()); }
  const sepconv_plan* get() const noexcept { return plan_.get(); }

  /// The variants considered, and why this one; cut at 64 KB.
  std::string explain() const {
    std::string text(64 * 1024, '\0');
    check(sepconv_plan_explain(plan_.get(), text.data(), text.size()));
    text.resize(text.find('\0'));
    return text;
  }

  /// Packs weights in Keras's layouts: depthwise (kernel..., C, M), pointwise (C*M, F), biases (C*M), (F); null for
  /// what the problem does not have. T is float or double, as the problem has it.
  template <typename T>
  PackedWeights pack(const T* depthwise, const Same<T>* pointwise, const Same<T>* mid_bias = nullptr,
                     const Same<T>* out_bias = nullptr) const {
    demand_type<T>();
    sepconv_weights weights;
    sepconv_weights_init(&weights, sizeof weights);
    weights.depthwise_kernel = depthwise;
    weights.pointwise_kernel = pointwise;
    weights.mid_bias = mid_bias;
    weights.out_bias = out_bias;
    PackedWeights packed(packed_size());
    check(sepconv_plan_pack(plan_.get(), &weights, packed.data(), packed.size()));
    return packed;
  }

  /// One run of a problem without a residual. Without a workspace it allocates its own; without parallel_for it is
  /// serial.
  template <typename T>
  void run(const PackedWeights& packed, const T* input, Same<T>* output, Workspace* workspace = nullptr,
           sepconv_parallel_for parallel_for = nullptr, void* parallel_context = nullptr) const {
    demand_type<T>();
    if (packed.size() < packed_size()) {
      throw Error(SEPCONV_BAD_PACKED, "the packed weights have " + std::to_string(packed.size()) +
                                          " bytes, the plan needs " + std::to_string(packed_size()));
    }
    sepconv_arguments arguments;
    sepconv_arguments_init(&arguments, sizeof arguments);
    arguments.packed = packed.data();
    arguments.input = input;
    arguments.output = output;
    if (workspace != nullptr) {
      arguments.workspace = workspace->data();
      arguments.workspace_size = workspace->size();
    }
    arguments.parallel_for = parallel_for;
    arguments.parallel_context = parallel_context;
    run(arguments);
  }
  void run(const sepconv_arguments& arguments) const { check(sepconv_plan_run(plan_.get(), &arguments)); }

  /// Throws unless T is the type of the problem's tensors.
  template <typename T>
  void demand_type() const {
    static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>, "tensors are float or double");
    const sepconv_dtype wanted = std::is_same_v<T, double> ? SEPCONV_DTYPE_F64 : SEPCONV_DTYPE_F32;
    if (problem_.get().input_dtype == wanted) return;
    throw Error(SEPCONV_INVALID_ARGUMENT, "the tensors are of another type than the problem's dtypes");
  }

 private:
  struct Delete {
    void operator()(sepconv_plan* plan) const noexcept { sepconv_plan_destroy(plan); }
  };
  Problem problem_;
  std::unique_ptr<sepconv_plan, Delete> plan_;
};

/// Plans, packs and runs in one call, for a problem without a residual. Which biases the problem has follows from which
/// are given.
template <typename T>
void separable_conv(Problem problem, const T* input, const Same<T>* depthwise, const Same<T>* pointwise,
                    Same<T>* output, const Same<T>* mid_bias = nullptr, const Same<T>* out_bias = nullptr) {
  problem.mid_bias(mid_bias != nullptr).out_bias(out_bias != nullptr);
  const Plan plan(problem);
  plan.run(plan.pack<T>(depthwise, pointwise, mid_bias, out_bias), input, output);
}

/// The same over vectors, whose sizes are checked; an empty one means that there is none. Returns the output.
template <typename T>
std::vector<T> separable_conv(const Problem& problem, const std::vector<T>& input, const std::vector<T>& depthwise,
                              const std::vector<T>& pointwise, const std::vector<Same<T>>& mid_bias = {},
                              const std::vector<Same<T>>& out_bias = {}) {
  const auto demand = [](const char* what, std::size_t size, std::size_t wanted) {
    if (size == wanted) return;
    throw Error(SEPCONV_INVALID_ARGUMENT, std::string(what) + ": it has " + std::to_string(size) +
                                              " elements, the problem " + std::to_string(wanted));
  };
  demand("input has the wrong size", input.size(), problem.input_size());
  demand("input channels must match the kernel: depthwise kernel", depthwise.size(), problem.depthwise_size());
  demand("pointwise kernel must have in_channels * depth_multiplier rows and out_channels columns", pointwise.size(),
         problem.pointwise_size());
  if (!mid_bias.empty()) demand("mid_bias has the wrong size", mid_bias.size(), problem.mid_channels());
  if (!out_bias.empty()) {
    demand("out_bias has the wrong size", out_bias.size(), static_cast<std::size_t>(problem.get().out_channels));
  }
  const auto data = [](const std::vector<T>& values) { return values.empty() ? nullptr : values.data(); };
  std::vector<T> output(problem.output_size());
  separable_conv<T>(problem, input.data(), data(depthwise), data(pointwise), output.data(), data(mid_bias),
                    data(out_bias));
  return output;
}

}  // namespace sepconv

#endif  // SEPCONV_SEPCONV_HPP
