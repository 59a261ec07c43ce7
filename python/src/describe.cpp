#include "describe.h"

#include <algorithm>
#include <cctype>
#include <new>

namespace sepconv::python {
namespace {

[[noreturn]] void refuse(const std::string& sentence) { throw std::invalid_argument(sentence); }

std::string text(const std::vector<int64_t>& list) {
  std::string joined = "(";
  for (std::size_t i = 0; i < list.size(); ++i) joined += (i == 0 ? "" : ", ") + std::to_string(list[i]);
  return joined + ")";
}

std::string lower(std::string word) {
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
  return word;
}

// One number for all axes, or one for each.
void set_axes(const char* argument, const std::vector<int64_t>& list, int rank, int64_t smallest, int64_t* field) {
  if (list.size() != 1 && list.size() != static_cast<std::size_t>(rank)) {
    refuse(std::string(argument) + " must be an integer or have one entry for each of the " + std::to_string(rank) +
           " spatial axes, received " + text(list));
  }
  for (int axis = 0; axis < rank; ++axis) {
    field[axis] = list[list.size() == 1 ? 0 : static_cast<std::size_t>(axis)];
    if (field[axis] >= smallest) continue;
    refuse(std::string(argument) + (smallest == 1 ? " must be positive" : " must not be negative") + ", received " +
           (list.size() == 1 ? std::to_string(list[0]) : text(list)));
  }
}

void demand_extents(const char* argument, const Tensor& tensor) {
  for (int axis = 0; axis < tensor.shape.rank; ++axis) {
    if (tensor.shape[axis] > 0) continue;
    refuse(std::string(argument) + " must not be empty, received shape " + tensor.shape.text());
  }
}

int spatial_rank(const char* argument, const Tensor& kernel) {
  const int rank = kernel.shape.rank - 2;
  if (rank >= 1 && rank <= SEPCONV_MAX_SPATIAL_RANK) return rank;
  refuse(std::string(argument) + " must have rank 3, 4 or 5, received shape " + kernel.shape.text());
}

void describe_depthwise(const Tensor& kernel, sepconv_problem* problem) {
  demand_extents("depthwise_kernel", kernel);
  const int rank = problem->spatial_rank;
  for (int axis = 0; axis < rank; ++axis) problem->kernel_extent[axis] = kernel.shape[axis];
  problem->in_channels = kernel.shape[rank];
  problem->depth_multiplier = kernel.shape[rank + 1];
  if (__builtin_mul_overflow(problem->in_channels, problem->depth_multiplier, &problem->out_channels)) {
    refuse("depthwise_kernel is too large, received shape " + kernel.shape.text());
  }
}

void describe_pointwise(const Tensor& kernel, const Tensor* depthwise, sepconv_problem* problem) {
  demand_extents("pointwise_kernel", kernel);
  const int rank = problem->spatial_rank;
  if (kernel.shape.rank != rank + 2) {
    refuse("pointwise_kernel must have the rank of depthwise_kernel, received shapes " + kernel.shape.text() + " and " +
           depthwise->shape.text());
  }
  for (int axis = 0; axis < rank; ++axis) {
    if (kernel.shape[axis] == 1) continue;
    refuse("pointwise_kernel must have the extent 1 along each spatial axis, received shape " + kernel.shape.text());
  }
  if (depthwise == nullptr) {
    problem->in_channels = kernel.shape[rank];
  } else if (kernel.shape[rank] != problem->out_channels) {  // still C*M here
    refuse("pointwise_kernel must have in_channels * depth_multiplier = " + std::to_string(problem->out_channels) +
           " rows, received shape " + kernel.shape.text() + " for a depthwise_kernel of shape " +
           depthwise->shape.text());
  }
  problem->out_channels = kernel.shape[rank + 1];
}

void demand_bias(const char* argument, const Tensor* bias, int64_t channels, Type type) {
  if (bias == nullptr) return;
  demand_type(argument, *bias, type);
  if (bias->shape.rank == 1 && bias->shape[0] == channels) return;
  refuse(std::string(argument) + " must have shape (" + std::to_string(channels) + ",), received shape " +
         bias->shape.text());
}

// What belongs to a stage that the layer does not have.
void demand_stage(const char* stage, bool there, const char* bias_name, const Tensor* bias, const char* activation_name,
                  const sepconv_activation& activation) {
  if (there) return;
  const std::string missing = std::string(" is set, but ") + stage + " is None: the layer does not have that stage";
  if (bias != nullptr) refuse(bias_name + missing);
  if (activation.kind != SEPCONV_ACTIVATION_NONE) refuse(activation_name + missing);
}

}  // namespace

sepconv_padding parse_padding(const std::string& text) {
  const std::optional<sepconv_padding> padding = from_name<sepconv_padding>(lower(text));
  if (padding && *padding != SEPCONV_PADDING_EXPLICIT) return *padding;
  refuse("padding must be " + padding_choices() + ", received \"" + text + "\"");
}

std::string padding_choices() {
  return quoted_names({SEPCONV_PADDING_EXPLICIT}) + " or a sequence with a pair (before, after) for each spatial axis";
}

void set_padding(const std::string& text, const int64_t* pads, int64_t count, Options* options) {
  if (text != sepconv::name(SEPCONV_PADDING_EXPLICIT)) {
    options->padding = parse_padding(text);
    return;
  }
  options->padding = SEPCONV_PADDING_EXPLICIT;
  for (int64_t i = 0; i + 1 < count; i += 2) {
    options->pad_before.push_back(pads[i]);
    options->pad_after.push_back(pads[i + 1]);
  }
}

sepconv_layout parse_layout(const std::string& text) {
  if (const auto layout = from_name<sepconv_layout>(lower(text))) return *layout;
  refuse("data_format must be one of " + quoted_names<sepconv_layout>() + ", received \"" + text + "\"");
}

void demand_type(const char* argument, const Tensor& tensor, Type type) {
  if (tensor.type == type) return;
  refuse(std::string("all tensors must have the same dtype: received ") + name(type) + ", but " + argument + " is " +
         name(tensor.type));
}

sepconv_problem describe_layer(const Options& options, const Weights& weights, Type* type) {
  const Tensor *depthwise = weights.depthwise_kernel, *pointwise = weights.pointwise_kernel;
  sepconv_problem problem;
  sepconv_problem_init(&problem, sizeof problem);
  const Tensor& kernel = depthwise != nullptr ? *depthwise : *pointwise;
  problem.spatial_rank = spatial_rank(depthwise != nullptr ? "depthwise_kernel" : "pointwise_kernel", kernel);
  problem.layout = options.layout;
  problem.padding = options.padding;
  *type = kernel.type;
  if (depthwise != nullptr) describe_depthwise(*depthwise, &problem);
  if (pointwise != nullptr) describe_pointwise(*pointwise, depthwise, &problem);
  if (depthwise == nullptr) {
    problem.stages = SEPCONV_STAGES_POINTWISE;
    for (int64_t& extent : problem.kernel_extent) extent = 1;
  } else if (pointwise == nullptr) {
    problem.stages = SEPCONV_STAGES_DEPTHWISE;
  } else {
    demand_type("pointwise_kernel", *pointwise, *type);
  }
  demand_stage("depthwise_kernel", depthwise != nullptr, "mid_bias", weights.mid_bias, "mid_activation",
               options.mid_activation);
  demand_stage("pointwise_kernel", pointwise != nullptr, "out_bias", weights.out_bias, "out_activation",
               options.out_activation);
  demand_bias("mid_bias", weights.mid_bias, problem.in_channels * problem.depth_multiplier, *type);
  demand_bias("out_bias", weights.out_bias, problem.out_channels, *type);
  problem.has_mid_bias = weights.mid_bias != nullptr ? 1 : 0;
  problem.has_out_bias = weights.out_bias != nullptr ? 1 : 0;

  set_axes("strides", options.strides, problem.spatial_rank, 1, problem.stride);
  set_axes("dilation_rate", options.dilation_rate, problem.spatial_rank, 1, problem.dilation);
  for (int axis = 0; depthwise == nullptr && axis < problem.spatial_rank; ++axis) {
    if (problem.dilation[axis] == 1) continue;
    refuse("dilation_rate must be 1, received " + text(options.dilation_rate) +
           ": depthwise_kernel is None, and taps are what it spreads");
  }
  if (problem.padding == SEPCONV_PADDING_EXPLICIT) {
    if (options.pad_before.size() != static_cast<std::size_t>(problem.spatial_rank)) {
      refuse("padding must have a pair (before, after) for each of the " + std::to_string(problem.spatial_rank) +
             " spatial axes, received " + std::to_string(options.pad_before.size()));
    }
    set_axes("padding", options.pad_before, problem.spatial_rank, 0, problem.pad_before);
    set_axes("padding", options.pad_after, problem.spatial_rank, 0, problem.pad_after);
    const bool pads = *std::max_element(options.pad_before.begin(), options.pad_before.end()) > 0 ||
                      *std::max_element(options.pad_after.begin(), options.pad_after.end()) > 0;
    if (depthwise == nullptr && pads) {
      refuse("padding must be 0, received " + text(options.pad_before) + " before and " + text(options.pad_after) +
             " after: depthwise_kernel is None, and its taps are what padding is for");
    }
  } else if (problem.padding == SEPCONV_PADDING_CAUSAL && problem.spatial_rank != 1) {
    refuse("padding \"causal\" needs inputs of rank 3, received kernels for rank " +
           std::to_string(problem.spatial_rank + 2));
  }
  problem.input_activation = options.input_activation;
  problem.mid_activation = options.mid_activation;
  problem.out_activation = options.out_activation;
  set_dtype(&problem, dtype_of(*type));
  return problem;
}

void describe_input(const Shape& input, sepconv_problem* problem) {
  const int rank = problem->spatial_rank;
  if (input.rank != rank + 2) {
    refuse("inputs must have the rank of the kernels, " + std::to_string(rank + 2) + ", received shape " +
           input.text());
  }
  const bool first = problem->layout == SEPCONV_LAYOUT_CHANNELS_FIRST;
  const int64_t channels = input[first ? 1 : rank + 1];
  if (channels != problem->in_channels) {
    refuse("the number of input channels must match the kernel: inputs of shape " + input.text() + ", " +
           sepconv::name(problem->layout) + ", have " + std::to_string(channels) + ", the kernel has " +
           std::to_string(problem->in_channels));
  }
  problem->batch = input[0];
  for (int axis = 0; axis < rank; ++axis) problem->in_extent[axis] = input[axis + (first ? 2 : 1)];
}

bool describe_pitches(const Tensor& input, sepconv_problem* problem) {
  if (input.dense()) return true;
  const int rank = problem->spatial_rank;
  const bool first = problem->layout == SEPCONV_LAYOUT_CHANNELS_FIRST;
  const auto stride = [&](int axis) { return input.stride[static_cast<std::size_t>(axis)]; };
  // Every axis must reach over what lies inside it. Axes of one element have no distance between elements: they get
  // the shortest that is legal.
  int64_t inside = 1;
  std::array<int64_t, max_rank> pitch = {};
  for (int axis = rank + 1; axis >= 0; --axis) {
    const auto a = static_cast<std::size_t>(axis);
    pitch[a] = input.shape[axis] == 1 ? inside : stride(axis);
    if (axis == rank + 1 && pitch[a] != 1) return false;
    if (pitch[a] < inside) return false;
    inside = pitch[a] * input.shape[axis];
  }
  problem->input_pitch[0] = pitch[0];
  for (int axis = 0; axis < rank; ++axis)
    problem->input_pitch[axis + 1] = pitch[static_cast<std::size_t>(axis + (first ? 2 : 1))];
  if (first) problem->input_channel_pitch = pitch[1];
  return true;
}

Shape output_shape(sepconv_problem problem, const Shape& input) {
  const int rank = problem.spatial_rank, channels = problem.layout == SEPCONV_LAYOUT_CHANNELS_FIRST ? 1 : rank + 1;
  const auto unknown = [&](int axis) { return axis < input.rank && input[axis] < 0; };
  // What is not known is taken to be the smallest that has an output.
  Shape known = input;
  if (unknown(0)) known[0] = 1;
  if (unknown(channels)) known[channels] = problem.in_channels;
  for (int axis = 0; axis < rank; ++axis) {
    const int at = axis + (channels == 1 ? 2 : 1);
    int64_t reach = 0;
    if (!unknown(at)) continue;
    const bool overflows = __builtin_mul_overflow(problem.kernel_extent[axis] - 1, problem.dilation[axis], &reach);
    known[at] = overflows || reach == INT64_MAX ? INT64_MAX : reach + 1;
  }
  describe_input(known, &problem);
  Shape shape = output_shape(problem);
  for (int axis = 0; axis < shape.rank; ++axis) {
    if (axis != channels && unknown(axis)) shape[axis] = -1;
  }
  return shape;
}

Shape output_shape(const sepconv_problem& problem) {
  int64_t extent[SEPCONV_MAX_SPATIAL_RANK];
  check_status(sepconv_output_extent(&problem, extent));
  Shape shape;
  shape.append(problem.batch);
  if (problem.layout == SEPCONV_LAYOUT_CHANNELS_FIRST) shape.append(problem.out_channels);
  for (int axis = 0; axis < problem.spatial_rank; ++axis) shape.append(extent[axis]);
  if (problem.layout == SEPCONV_LAYOUT_CHANNELS_LAST) shape.append(problem.out_channels);
  return shape;
}

void check_status(sepconv_status status) {
  switch (status) {
    case SEPCONV_OK:
      return;
    case SEPCONV_INVALID_ARGUMENT:
    case SEPCONV_BAD_STATE:
      throw std::invalid_argument(sepconv_last_error());
    case SEPCONV_UNSUPPORTED:
      throw Unsupported(sepconv_last_error());
    case SEPCONV_OUT_OF_MEMORY:
      throw std::bad_alloc();
    default:
      throw std::runtime_error(sepconv_last_error());
  }
}

}  // namespace sepconv::python
