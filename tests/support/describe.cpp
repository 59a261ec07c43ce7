#include "support/describe.h"

#include <sstream>

namespace sepconv::test {
namespace {

std::string by_axis(const sepconv_problem& problem, const int64_t* values) {
  std::ostringstream text;
  for (int axis = 0; axis < problem.spatial_rank; ++axis) text << (axis ? "x" : "") << values[axis];
  return text.str();
}

std::string activation(const char* where, const sepconv_activation& value) {
  std::ostringstream text;
  if (value.kind == SEPCONV_ACTIVATION_RELU) text << " " << where << " relu";
  if (value.kind == SEPCONV_ACTIVATION_RELU6) text << " " << where << " relu6";
  if (value.kind == SEPCONV_ACTIVATION_CLAMP) text << " " << where << " clamp " << value.lo << ".." << value.hi;
  return text.str();
}

}  // namespace

std::string describe(const sepconv_problem& problem) {
  const char* const paddings[] = {"valid", "same", "causal", "explicit"};
  std::ostringstream text;
  text << problem.spatial_rank << "-D "
       << (problem.layout == SEPCONV_LAYOUT_CHANNELS_LAST ? "channels_last" : "channels_first") << " "
       << paddings[problem.padding] << " batch " << problem.batch << " in " << by_axis(problem, problem.in_extent)
       << " kernel " << by_axis(problem, problem.kernel_extent) << " stride " << by_axis(problem, problem.stride)
       << " dilation " << by_axis(problem, problem.dilation) << " channels " << problem.in_channels << " multiplier "
       << problem.depth_multiplier << " out channels " << problem.out_channels
       << activation("input", problem.input_activation) << (problem.has_mid_bias ? " mid bias" : "")
       << activation("mid", problem.mid_activation) << (problem.has_out_bias ? " out bias" : "")
       << activation("out", problem.out_activation);
  if (problem.padding == SEPCONV_PADDING_EXPLICIT) {
    text << " pads " << by_axis(problem, problem.pad_before) << " before " << by_axis(problem, problem.pad_after)
         << " after";
  }
  return text.str();
}

}  // namespace sepconv::test
