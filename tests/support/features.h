// What the library computes so far, in one place: the random problems of all tests stay inside it. Everything else has
// to be refused with SEPCONV_UNSUPPORTED.
#ifndef SEPCONV_TESTS_SUPPORT_FEATURES_H
#define SEPCONV_TESTS_SUPPORT_FEATURES_H

namespace sepconv::test {

struct Features {
  bool channels_first, three_axes, float64, halves;
  bool causal, explicit_padding, pitches;
  bool input_activation, residual;
  bool every_activation;  // else clamps only
  bool single_stages;     // depthwise-only and pointwise-only problems
  bool far;               // padding, strides and dilations in thousands
};

inline constexpr Features all_features = {true, true, true, true, true, true, true, true, true, true, true, true};

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_SUPPORT_FEATURES_H
