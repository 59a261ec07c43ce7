// Reads layer files (schema/layers.schema.json) into problems.
#ifndef SEPCONV_SUPPORT_LAYER_FILE_H
#define SEPCONV_SUPPORT_LAYER_FILE_H

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "sepconv/sepconv.h"

namespace sepconv::support {

struct Layer {
  std::string name;
  sepconv_problem problem;  // without the residual: programs run the layer without it
  bool fusable = true;
  std::string between;  // what stands between the stages of a layer that is not fusable
  int64_t repeat = 1;
  int64_t residual = 0;
};

// Throws std::runtime_error with one sentence that names the file, the layer and the key.
std::vector<Layer> read_layers(const std::string& path);

// The same from a stream; `name` stands for it in errors.
std::vector<Layer> read_layers(std::istream& stream, const std::string& name);

// The problem's depthwise stage alone. Layer files have no such layers, the library has variants for them.
sepconv_problem depthwise_stage(sepconv_problem problem);

// Sizes in elements.
int64_t output_pixels(const sepconv_problem& problem);  // of one image
int64_t input_pixels(const sepconv_problem& problem);   // of one image
int64_t taps(const sepconv_problem& problem);
int64_t mid_channels(const sepconv_problem& problem);
int64_t output_channels(const sepconv_problem& problem);  // those in the middle, where that is the end

// Multiplications and additions of the stages over the unpadded shape; biases and activations are not counted.
double flops(const sepconv_problem& problem);

// "56x56 128->128 k3x3 s2x2 d2x2", for tables; strides and dilations of 1 are left out.
std::string describe(const sepconv_problem& problem);

}  // namespace sepconv::support

#endif  // SEPCONV_SUPPORT_LAYER_FILE_H
