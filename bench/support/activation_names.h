// The activations without bounds, by the names that layer files use.
#ifndef SEPCONV_BENCH_SUPPORT_ACTIVATION_NAMES_H
#define SEPCONV_BENCH_SUPPORT_ACTIVATION_NAMES_H

#include <utility>

#include "sepconv/sepconv.h"

namespace sepconv::programs {

inline constexpr std::pair<const char*, sepconv_activation_kind> kActivationNames[] = {
    {"none", SEPCONV_ACTIVATION_NONE},
    {"relu", SEPCONV_ACTIVATION_RELU},
    {"relu6", SEPCONV_ACTIVATION_RELU6},
    {"swish", SEPCONV_ACTIVATION_SWISH},
    {"hard_swish", SEPCONV_ACTIVATION_HARD_SWISH},
    {"sigmoid", SEPCONV_ACTIVATION_SIGMOID},
    {"tanh", SEPCONV_ACTIVATION_TANH},
    {"gelu", SEPCONV_ACTIVATION_GELU},
};

}  // namespace sepconv::programs

#endif  // SEPCONV_BENCH_SUPPORT_ACTIVATION_NAMES_H
