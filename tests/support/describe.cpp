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
  if (value.kind != SEPCONV_ACTIVATION_NONE) text << " " << where << " " << sepconv_activation_name(value.kind);
  if (value.kind == SEPCONV_ACTIVATION_CLAMP) text << " " << value.lo << ".." << value.hi;
  return text.str();
}

// Where not all are dense.
std::string pitches(const char* tensor, const sepconv_problem& problem, const int64_t* pitch, int64_t channel_pitch) {
  std::ostringstream text;
  int64_t any = channel_pitch;
  for (int i = 0; i <= problem.spatial_rank; ++i) any |= pitch[i];
  if (any == 0) return "";
  text << " " << tensor << " pitches";
  for (int i = 0; i <= problem.spatial_rank; ++i) text << " " << pitch[i];
  if (channel_pitch != 0) text << " channels " << channel_pitch;
  return text.str();
}

}  // namespace

std::string describe(const sepconv_problem& problem) {
  std::ostringstream text;
  text << problem.spatial_rank << "-D " << sepconv_dtype_name(problem.input_dtype)
       << (problem.stages != SEPCONV_STAGES_BOTH ? std::string(" ") + sepconv_stages_name(problem.stages) + " only"
                                                 : "")
       << " " << sepconv_layout_name(problem.layout) << " " << sepconv_padding_name(problem.padding) << " batch "
       << problem.batch << " in " << by_axis(problem, problem.in_extent) << " kernel "
       << by_axis(problem, problem.kernel_extent) << " stride " << by_axis(problem, problem.stride) << " dilation "
       << by_axis(problem, problem.dilation) << " channels " << problem.in_channels << " multiplier "
       << problem.depth_multiplier << " out channels " << problem.out_channels
       << activation("input", problem.input_activation) << (problem.has_mid_bias ? " mid bias" : "")
       << activation("mid", problem.mid_activation) << (problem.has_out_bias ? " out bias" : "")
       << activation("out", problem.out_activation) << (problem.has_residual ? " residual" : "")
       << pitches("input", problem, problem.input_pitch, problem.input_channel_pitch)
       << pitches("output", problem, problem.output_pitch, problem.output_channel_pitch);
  if (problem.padding == SEPCONV_PADDING_EXPLICIT) {
    text << " pads " << by_axis(problem, problem.pad_before) << " before " << by_axis(problem, problem.pad_after)
         << " after";
  }
  return text.str();
}

}  // namespace sepconv::test
