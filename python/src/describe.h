// From the arguments of a Python call to a sepconv_problem, with errors in the words of those arguments.
#ifndef SEPCONV_PYTHON_DESCRIBE_H
#define SEPCONV_PYTHON_DESCRIBE_H

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include "sepconv/sepconv.hpp"
#include "tensor.h"

namespace sepconv::python {

/// What a call fixes beside its tensors. Lists have one entry a spatial axis, or one for all axes.
struct Options {
  std::vector<int64_t> strides = {1}, dilation_rate = {1};
  sepconv_padding padding = SEPCONV_PADDING_VALID;
  std::vector<int64_t> pad_before, pad_after;  ///< SEPCONV_PADDING_EXPLICIT only
  sepconv_layout layout = SEPCONV_LAYOUT_CHANNELS_LAST;
  sepconv_activation input_activation = {}, mid_activation = {}, out_activation = {};
  int threads = 0;      ///< 0: default_threads() at the time of the run
  std::string variant;  ///< full name of the one to run; empty for the best
};

/// The tensors that a layer keeps; null for what it does not have, one of the kernels at least is there.
struct Weights {
  const Tensor *depthwise_kernel = nullptr, *pointwise_kernel = nullptr, *mid_bias = nullptr, *out_bias = nullptr;
};

/// The words of an enumeration but some: "relu", "relu6", "swish", each in quotes.
template <typename Enum>
std::string quoted_names(std::initializer_list<Enum> without = {}) {
  std::string list;
  for (int value = 0; const char* word = sepconv::name(static_cast<Enum>(value)); ++value) {
    if (std::find(without.begin(), without.end(), static_cast<Enum>(value)) != without.end()) continue;
    list += std::string(list.empty() ? "\"" : ", \"") + word + '"';
  }
  return list;
}

/// The parsers of strings that every caller has; they throw std::invalid_argument. Any case.
sepconv_padding parse_padding(const std::string& text);
sepconv_layout parse_layout(const std::string& text);
std::string padding_choices();  ///< what padding may be, in words

/// Padding as graphs carry it: a word, which may be "explicit", and then zeros before and after each spatial axis.
void set_padding(const std::string& text, const int64_t* pads, int64_t count, Options* options);

/// A problem without its input: batch and in_extent are left 0. `type` becomes the type of all tensors. Throws
/// std::invalid_argument, with a sentence that names the argument and its value.
sepconv_problem describe_layer(const Options& options, const Weights& weights, Type* type);

/// Sets batch and in_extent from a tensor's shape, and checks them.
void describe_input(const Shape& input, sepconv_problem* problem);

/// Sets the pitches of an input that is read where it lies; false if its strides are not those of a slice that can be.
bool describe_pitches(const Tensor& input, sepconv_problem* problem);

/// The shape of the output of a complete problem.
Shape output_shape(const sepconv_problem& problem);

/// The same for a problem without its input, whose extents may be -1: not known. Then nor are the output's on these
/// axes. Channels that are not known are the kernel's.
Shape output_shape(sepconv_problem problem, const Shape& input);

/// Throws std::invalid_argument unless `tensor` has this type.
void demand_type(const char* argument, const Tensor& tensor, Type type);

/// Throws what a status other than SEPCONV_OK means in Python.
void check_status(sepconv_status status);

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_DESCRIBE_H
