#include "support/tensor.h"

#include "integers.h"
#include "support/reference.h"

namespace sepconv::test {
namespace {

using internal::saturating_add;
using internal::saturating_multiply;

Tensor tensor_of(const sepconv_problem& problem, int64_t channels, const int64_t* extent, const int64_t* pitch,
                 int64_t channel_pitch) {
  Tensor tensor = {{problem.batch, pitch[0]}};
  const bool last = problem.layout == SEPCONV_LAYOUT_CHANNELS_LAST;
  if (!last) tensor.push_back({channels, channel_pitch});
  for (int axis = 0; axis < problem.spatial_rank; ++axis) tensor.push_back({extent[axis], pitch[axis + 1]});
  if (last) tensor.push_back({channels, 1});
  // What is dense follows from what lies inside.
  int64_t dense = 1;
  for (size_t i = tensor.size(); i-- > 0;) {
    if (tensor[i].pitch == 0) tensor[i].pitch = dense;
    dense = saturating_multiply(tensor[i].extent, tensor[i].pitch);  // of an empty batch they are any
  }
  return tensor;
}

}  // namespace

Tensor input_tensor(const sepconv_problem& given) {
  const sepconv_problem problem = completed(given);
  return tensor_of(problem, problem.in_channels, problem.in_extent, problem.input_pitch, problem.input_channel_pitch);
}

Tensor output_tensor(const sepconv_problem& given) {
  const sepconv_problem problem = completed(given);
  int64_t extent[SEPCONV_MAX_SPATIAL_RANK];
  for (int axis = 0; axis < problem.spatial_rank; ++axis) extent[axis] = output_axis(problem, axis).extent;
  return tensor_of(problem, problem.out_channels, extent, problem.output_pitch, problem.output_channel_pitch);
}

int64_t span(const Tensor& tensor) {
  int64_t last = 0;
  for (const TensorAxis& axis : tensor) {
    if (axis.extent == 0) return 0;
    last = saturating_add(last, saturating_multiply(axis.extent - 1, axis.pitch));
  }
  return saturating_add(last, 1);
}

}  // namespace sepconv::test
