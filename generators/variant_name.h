// The grammar of variant names: the name is the variant.
//
//   <rank>d_<type>_<layout>_<fixed>[_<family>]
//
//   rank     1, 2 or 3 spatial axes
//   type     f32 or f64; for GPUs f32, f16 or bf16, of which the last two are summed in float32
//   layout   nwc, nhwc or ndhwc (channels last); ncw, nchw, ncdhw (channels first)
//   fixed    "any", or in this order some of: k<taps> s<stride> d<dilation> m<multiplier> c<in channels>
//            o<out channels> e<input extents>; unequal axes outermost first, as in k3x5; cdiv64 for any number of
//            channels that 64 divides
//   family   act: fixes something and takes every activation, not the clamps alone; depthwise: no pointwise stage;
//            large_weights: for pointwise kernels larger than a core's caches; on a GPU narrow, split, split_small,
//            split_deep: the shapes of device_parameters.cpp; any other word: a second variant that fixes the same
//
// variant_name.inc has the patterns.
#ifndef SEPCONV_GENERATORS_VARIANT_NAME_H
#define SEPCONV_GENERATORS_VARIANT_NAME_H

#include <cstdint>
#include <string>
#include <vector>

namespace sepconv {

// What a name fixes. Vectors have one entry a spatial axis, outermost first; 0 means "any".
struct VariantName {
  std::string text;
  int rank = 0;
  std::string types;
  bool integers = false;  // tensors that stand for real numbers by a scale and a zero point
  bool channels_first = false;
  std::vector<int64_t> kernel, stride, dilation, extent;
  int64_t multiplier = 0, in_channels = 0, out_channels = 0;
  int64_t channels_multiple = 1;  // of in_channels where they are not fixed
  std::string family;

  bool fixes_nothing() const;
  // Whether all legal numbers of input channels are multiples of n.
  bool channels_come_in(int64_t n) const { return (in_channels > 0 ? in_channels : channels_multiple) % n == 0; }
  bool depthwise_only() const { return family == "depthwise"; }
  bool large_weights_only() const { return family == "large_weights"; }
  // Whether the variant takes the activations that are not clamps, too: one that fixes nothing takes everything.
  // Integers are clamped only.
  bool all_activations() const { return (family == "act" || fixes_nothing()) && !integers; }
};

// Throws std::invalid_argument with a sentence that quotes the name and the part that is wrong.
VariantName parse_variant_name(const std::string& name);

}  // namespace sepconv

#endif
