/// @file
/// sepconv for C++17: thin, header-only classes over the C functions of sepconv.h. Everything that fails throws
/// sepconv::Error; without exceptions see sepconv::raise.
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

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "sepconv/problem.hpp"
#include "sepconv/sepconv.h"

namespace sepconv {

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

/// Whether T is how C++ has elements of a dtype: float, double, and for float16 and bfloat16 whatever has 16 bits, such
/// as uint16_t with their bits, _Float16, std::bfloat16_t or Eigen::half.
template <typename T>
bool is_type(sepconv_dtype dtype) {
  constexpr bool half = sizeof(T) == 2 && std::is_trivially_copyable_v<T>;
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double> || half,
                "tensors are float, double, or of a type of 16 bits");
  if (half) return is_half(dtype);
  return dtype == (std::is_same_v<T, double> ? SEPCONV_DTYPE_F64 : SEPCONV_DTYPE_F32);
}

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
  explicit Plan(const Problem& problem, const sepconv_options& options = default_options())
      : problem_(problem), plan_(create(problem, options)) {}

  const Problem& problem() const noexcept { return problem_; }
  const char* variant() const noexcept { return sepconv_plan_variant(plan_.get()); }
  std::size_t packed_size() const noexcept { return sepconv_plan_packed_size(plan_.get()); }
  std::size_t workspace_size() const noexcept { return sepconv_plan_workspace_size(plan_.get()); }
  const sepconv_plan* get() const noexcept { return plan_.get(); }

  /// Which variants were considered, and why this one was chosen; cut at 64 KB.
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

  /// Throws unless every byte of packed weights, such as those of a file, is as pack() has left it. A run checks their
  /// header only.
  void check_packed(const PackedWeights& packed) const {
    check(sepconv_plan_check_packed(plan_.get(), packed.data(), packed.size()));
  }

  /// One run of a problem without a residual. Without a workspace it allocates its own; without parallel_for it is
  /// serial.
  template <typename T>
  void run(const PackedWeights& packed, const T* input, Same<T>* output, Workspace* workspace = nullptr,
           sepconv_parallel_for parallel_for = nullptr, void* parallel_context = nullptr) const {
    demand_type<T>();
    if (packed.size() < packed_size()) {
      raise(SEPCONV_BAD_PACKED, "the packed weights have " + std::to_string(packed.size()) + " bytes, the plan needs " +
                                    std::to_string(packed_size()));
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
    if (is_type<T>(problem_.get().input_dtype)) return;
    raise(SEPCONV_INVALID_ARGUMENT, "the tensors' type is not the problem's dtype");
  }

 private:
  struct Delete {
    void operator()(sepconv_plan* plan) const noexcept { sepconv_plan_destroy(plan); }
  };
  static sepconv_plan* create(const Problem& problem, const sepconv_options& options) {
    sepconv_plan* plan = nullptr;
    check(sepconv_plan_create(&problem.get(), &options, &plan));
    return plan;
  }

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

/// The same over vectors, whose sizes are checked; an empty one stands for a missing tensor. Returns the output.
template <typename T>
std::vector<T> separable_conv(const Problem& problem, const std::vector<T>& input, const std::vector<T>& depthwise,
                              const std::vector<T>& pointwise, const std::vector<Same<T>>& mid_bias = {},
                              const std::vector<Same<T>>& out_bias = {}) {
  const auto demand = [](const char* what, std::size_t size, std::size_t wanted) {
    if (size == wanted) return;
    raise(SEPCONV_INVALID_ARGUMENT,
          std::string(what) + ": it has " + std::to_string(size) + " elements, the problem " + std::to_string(wanted));
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
