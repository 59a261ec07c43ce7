// Bytes as a layer file: read, or refused in a sentence that begins with the file's name.
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "fuzz/fuzz.h"
#include "layer_file.h"

namespace sepconv::test {
namespace {

void check(const support::Layer& layer) {
  require(!layer.name.empty() && layer.repeat >= 1, "a layer has what the schema asks for");
  int64_t out_extent[SEPCONV_MAX_SPATIAL_RANK];
  require(sepconv_output_extent(&layer.problem, out_extent) == SEPCONV_OK, "a layer that is read is legal");
}

void fuzz(const std::string& text) {
  std::istringstream stream(text);
  std::vector<support::Layer> layers;
  try {
    layers = support::read_layers(stream, "a file");
  } catch (const std::runtime_error& error) {  // of any other kind there is none
    require(std::string(error.what()).rfind("a file: ", 0) == 0, "a refusal says where");
    return;
  }
  require(!layers.empty(), "a file has layers");
  for (const support::Layer& layer : layers) check(layer);
  count_reached();
}

}  // namespace
}  // namespace sepconv::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  sepconv::test::count_execution();
  sepconv::test::fuzz(std::string(reinterpret_cast<const char*>(bytes), size));
  return 0;
}
