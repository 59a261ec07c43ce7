// MobileNetV1's 13 separable layers, compiled ahead of time from layers.json, over a real picture. The weights are
// random (from a fixed seed), so the numbers mean nothing as a classification; what is shown is that they are right,
// and how fast they come.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "layer_file.h"
#include "layer_run.h"
#include "mobilenet_v1_layers.h"
#include "network.h"
#include "peak.h"
#include "picture.h"
#include "progress.h"
#include "reference.h"
#include "sepconv/sepconv.h"
#include "sepconv/variant_table.h"
#include "standard_output.h"
#include "stem.h"
#include "timing.h"

namespace {

using sepconv::examples::LayerReport;
using sepconv::examples::Network;
using sepconv::examples::Picture;
using sepconv::support::Layer;

constexpr uint64_t kSeed = 1;
constexpr int kPictureSize = 224;
constexpr double kBudget = 0.15;  // seconds of timing a layer
constexpr const char* kFirstLayer = "dw3";

struct FirstResult {
  std::string shape;
  double seconds = 0;
};

// Everything that stands between weights in hand and the first result: register, plan, allocate, pack, run.
FirstResult time_first_result(const std::vector<Layer>& layers) {
  const auto layer =
      std::find_if(layers.begin(), layers.end(), [](const Layer& candidate) { return candidate.name == kFirstLayer; });
  if (layer == layers.end()) throw std::runtime_error(std::string("the layer file has no layer ") + kFirstLayer);
  const sepconv_problem& problem = layer->problem;
  sepconv::support::Random random(kSeed);
  const sepconv::support::Weights weights = random_weights(problem, &random, 0.5F);
  std::vector<float> input;
  random.fill(&input, static_cast<size_t>(sepconv::support::input_pixels(problem) * problem.in_channels), 1.0F);

  const double start = sepconv::support::seconds_now();
  sepconv::support::require(sepconv_register(mobilenet_v1_layers_variants()));
  sepconv::support::LayerRun(problem, nullptr, weights).run(input.data());
  return {sepconv::support::describe(problem), sepconv::support::seconds_now() - start};
}

// The picture through the stem, in both precisions.
void feed(const Picture& picture, sepconv::support::Random* random, Network* network) {
  sepconv::examples::StemWeights weights;
  constexpr int kSummed = sepconv::examples::kStemTaps * sepconv::examples::kStemTaps * sepconv::examples::kStemInputs;
  random->fill(&weights.kernel, size_t{kSummed} * sepconv::examples::kStemOutputs, std::sqrt(6.0F / kSummed));
  random->fill(&weights.bias, sepconv::examples::kStemOutputs, 0.5F);
  network->set_input(sepconv::examples::stem<float>(picture, weights),
                     sepconv::examples::stem<double>(picture, weights));
}

void print_layer(const LayerReport& report, double peak_gflops) {
  const double gflops = report.flops / report.seconds / 1e9;
  fmt::print("{:<10} {:<25} {:>8.3f} {:>8.1f} {:>6.1f} {:>8.1e}  {}\n", report.name, report.shape, report.seconds * 1e3,
             gflops, 100 * gflops / peak_gflops, report.max_error, report.variant);
  std::fflush(stdout);
}

void print_sizes() {
  const sepconv_variant_table& table = *mobilenet_v1_layers_variants();
  double objects = 0;
  for (size_t i = 0; i < table.variant_count; ++i) objects += table.variants[i].object_size;
  std::error_code error;
  const auto program = std::filesystem::file_size("/proc/self/exe", error);
  fmt::print("program size: {:.0f} KB; the {} compiled variants in it: {:.0f} KB\n",
             error ? NAN : static_cast<double>(program) / 1024, table.variant_count, objects / 1024);
}

int run(const std::string& picture_path) {
  const std::vector<Layer> layers = sepconv::support::read_layers(MOBILENET_V1_LAYERS);
  const FirstResult first = time_first_result(layers);
  const Picture picture = picture_path.empty() ? sepconv::examples::draw_landscape(960, 640)
                                               : sepconv::examples::read_picture(picture_path);
  const sepconv::support::Peak peak = sepconv::support::measure_peak();
  fmt::print("MobileNetV1's separable layers on {} ({}x{}, resized to {}x{})\n{}\n\n",
             picture_path.empty() ? "a drawn picture" : picture_path, picture.width, picture.height, kPictureSize,
             kPictureSize, to_text(peak));

  sepconv::support::Random random(kSeed);
  Network network(layers, &random);
  feed(resize(picture, kPictureSize, kPictureSize), &random, &network);
  fmt::print("{:<10} {:<25} {:>8} {:>8} {:>6} {:>8}  {}\n", "layer", "shape", "ms", "GFLOP/s", "% peak", "error",
             "variant");
  sepconv::support::Progress progress(network.size());
  double max_error = 0, flops = 0, least_alive = 1;
  for (size_t i = 0; i < network.size(); ++i) {
    progress.next(network.layer(i).name);
    const LayerReport report = network.run_layer(i, kBudget);
    progress.clear();
    print_layer(report, peak.gflops);
    max_error = std::max(max_error, report.max_error);
    least_alive = std::min(least_alive, report.alive);
    flops += report.flops;
  }
  const double seconds = network.time_all(3 * kBudget);
  fmt::print("{:<36} {:>8.3f} {:>8.1f} {:>6.1f} {:>8.1e}\n\n",
             fmt::format("all {}, one after the other", network.size()), seconds * 1e3, flops / seconds / 1e9,
             100 * flops / seconds / 1e9 / peak.gflops, max_error);
  fmt::print(
      "error: largest difference from the same network in double precision, over the layer's largest value; every "
      "layer has "
      "at least\n{:.0f}% of its outputs above zero\n",
      100 * least_alive);
  fmt::print("time to the first result of {} (register, plan, pack, run): {:.2f} ms\n", first.shape,
             first.seconds * 1e3);
  print_sizes();
  if (!(max_error < sepconv::support::kErrorLimit)) {
    throw std::runtime_error(
        fmt::format("the largest error is {:.1e}; at most {:.1e} is right", max_error, sepconv::support::kErrorLimit));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  sepconv::support::check_standard_output_at_exit("mobilenet_v1");
  CLI::App app{"Runs MobileNetV1's separable layers over a picture, and checks and times each."};
  std::string picture;
  app.add_option("picture", picture, "PNG or JPEG; a picture is drawn where none is given");
  CLI11_PARSE(app, argc, argv);
  try {
    return run(picture);
  } catch (const std::exception& error) {
    std::fflush(stdout);
    fmt::print(stderr, "mobilenet_v1: {}\n", error.what());
    return 1;
  }
}
