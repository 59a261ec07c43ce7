// Reads layer files into problems. What a file may hold is schema/layers.schema.json's to say, which is compiled in.
#ifndef SEPCONV_SUPPORT_LAYER_FILE_H
#define SEPCONV_SUPPORT_LAYER_FILE_H

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "problem_size.h"
#include "sepconv/sepconv.h"

namespace sepconv::support {

struct Layer {
  std::string name;
  sepconv_problem problem;  // without the residual: programs run the layer without it
  bool fusable = true;
  std::string between;  // what stands between the stages of a layer that is not fusable
  int64_t repeat = 1;
};

// Throws std::runtime_error with one sentence that names the file, the layer and the key.
std::vector<Layer> read_layers(const std::string& path);

// The same from a stream; `name` stands for it in errors.
std::vector<Layer> read_layers(std::istream& stream, const std::string& name);

}  // namespace sepconv::support

#endif  // SEPCONV_SUPPORT_LAYER_FILE_H
