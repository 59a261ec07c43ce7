// Tests of what the programs share: a benchmark is worth what its reference, its files and its clock are worth.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "bandwidth.h"
#include "files.h"
#include "layer_file.h"
#include "layer_run.h"
#include "peak.h"
#include "reference.h"
#include "sepconv_default.h"
#include "timing.h"

namespace sepconv::support {
namespace {

namespace fs = std::filesystem;

class Folder : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "sepconv.XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  void TearDown() override { fs::remove_all(path_); }

  std::string write(const std::string& contents) const {
    std::ofstream(path_ / "layers.json") << contents;
    return (path_ / "layers.json").string();
  }

  // What reading a file with one such layer complains about; "" if nothing.
  std::string complaint(const std::string& layer) const {
    const std::string file = write(R"({"version": 1, "layers": [)" + layer + "]}");
    try {
      read_layers(file);
    } catch (const std::runtime_error& error) {
      const std::string text = error.what();
      EXPECT_EQ(text.rfind(file + ": ", 0), 0U) << text;
      return text.substr(file.size() + 2);
    }
    return "";
  }

  fs::path path_;
};

using LayerFile = Folder;
using Files = Folder;

const char* const kBase = R"("name": "a", "spatial": [5, 7], "cin": 3, "cout": 4, "kernel": [3, 1])";
std::string with(const std::string& more) { return std::string("{") + kBase + ", " + more + "}"; }

TEST_F(LayerFile, FillsTheDefaults) {
  const Layer layer = read_layers(write(R"({"version": 1, "layers": [{)" + std::string(kBase) + "}]}")).at(0);
  sepconv_problem expected;
  sepconv_problem_init(&expected, sizeof expected);
  expected.in_extent[0] = 5;
  expected.in_extent[1] = 7;
  expected.kernel_extent[0] = 3;
  expected.kernel_extent[1] = 1;
  expected.in_channels = 3;
  expected.out_channels = 4;
  const sepconv_problem& problem = layer.problem;
  EXPECT_EQ(layer.name, "a");
  EXPECT_TRUE(layer.fusable);
  EXPECT_EQ(layer.repeat, 1);
  EXPECT_EQ(problem.spatial_rank, 2);
  EXPECT_EQ(problem.padding, SEPCONV_PADDING_VALID);
  EXPECT_EQ(problem.batch, 1);
  EXPECT_EQ(problem.depth_multiplier, 1);
  for (int axis = 0; axis < 2; ++axis) {
    EXPECT_EQ(problem.in_extent[axis], expected.in_extent[axis]);
    EXPECT_EQ(problem.kernel_extent[axis], expected.kernel_extent[axis]);
    EXPECT_EQ(problem.stride[axis], 1);
    EXPECT_EQ(problem.dilation[axis], 1);
  }
  EXPECT_EQ(flops(problem), 2.0 * 3 * 7 * 3 * (3 + 4));
}

TEST_F(LayerFile, ReadsEveryKey) {
  const std::string file = write(R"({"$schema": "x", "version": 1, "description": "d", "layers": [{
    "name": "b", "n": 2, "spatial": [9], "cin": 3, "mult": 2, "cout": 4, "kernel": [3], "strides": [2], "dilation": [4],
    "padding": {"before": [5], "after": [6]}, "data_format": "channels_first", "dtype": "float16",
    "input_activation": "relu", "mid_bias": true, "mid_activation": {"clamp": [-1, null]}, "out_bias": true,
    "out_activation": "relu6", "repeat": 7, "residual": 3, "source": "s"}]})");
  const Layer layer = read_layers(file).at(0);
  const sepconv_problem& problem = layer.problem;
  EXPECT_EQ(problem.spatial_rank, 1);
  EXPECT_EQ(problem.batch, 2);
  EXPECT_EQ(problem.depth_multiplier, 2);
  EXPECT_EQ(problem.stride[0], 2);
  EXPECT_EQ(problem.dilation[0], 4);
  EXPECT_EQ(problem.padding, SEPCONV_PADDING_EXPLICIT);
  EXPECT_EQ(problem.pad_before[0], 5);
  EXPECT_EQ(problem.pad_after[0], 6);
  EXPECT_EQ(problem.layout, SEPCONV_LAYOUT_CHANNELS_FIRST);
  EXPECT_EQ(problem.output_dtype, SEPCONV_DTYPE_F16);
  EXPECT_EQ(problem.input_activation.kind, SEPCONV_ACTIVATION_RELU);
  EXPECT_EQ(problem.mid_activation.kind, SEPCONV_ACTIVATION_CLAMP);
  EXPECT_EQ(problem.mid_activation.lo, -1);
  EXPECT_EQ(problem.mid_activation.hi, std::numeric_limits<float>::infinity());
  EXPECT_EQ(problem.out_activation.kind, SEPCONV_ACTIVATION_RELU6);
  EXPECT_TRUE(problem.has_mid_bias && problem.has_out_bias);
  EXPECT_EQ(layer.repeat, 7);
  EXPECT_EQ(layer.residual, 3);
}

TEST_F(LayerFile, SaysWhatIsWrong) {
  EXPECT_EQ(complaint(with(R"("strdies": [1, 1])")), R"(layer "a": the key "strdies" is not known)");
  EXPECT_EQ(complaint(R"({"name": "a"})"), R"(layer "a": the key "spatial" is missing)");
  EXPECT_EQ(complaint(with(R"("mult": 0)")), R"(layer "a": "mult" is 0; it must be an integer of at least 1)");
  EXPECT_EQ(complaint(with(R"("mult": 1.5)")), R"(layer "a": "mult" is 1.5; it must be an integer of at least 1)");
  EXPECT_EQ(complaint(with(R"("strides": [1])")),
            R"(layer "a": "strides" is [1]; it must be a list of 2 numbers, like "spatial")");
  EXPECT_EQ(complaint(with(R"("padding": "full")")),
            R"(layer "a": "padding" is "full"; known are "valid", "same", "causal")");
  EXPECT_EQ(complaint(with(R"("mid_bias": 1)")), R"(layer "a": "mid_bias" is 1; it must be true or false)");
  EXPECT_EQ(complaint(with(R"("out_activation": {"clamp": [1]})")),
            R"(layer "a": "out_activation" is {"clamp":[1]}; a clamp is {"clamp": [lo, hi]}, null for no bound)");
  EXPECT_EQ(complaint(with(R"("fusable": false)")), R"(layer "a": "fusable" is false, so "between" must say why)");
  EXPECT_EQ(complaint(with(R"("n": 1)") + ", " + with(R"("n": 1)")), R"(layer "a": another layer has the same "name")");
  EXPECT_EQ(complaint("3"), R"(layer "number 1": it is 3; it must be an object)");
  EXPECT_EQ(complaint(""), R"("layers" must be a list of at least one layer)");
  EXPECT_NE(complaint("{").find("not JSON"), std::string::npos);
  EXPECT_THROW(read_layers(write(R"({"version": 2, "layers": []})")), std::runtime_error);
  EXPECT_THROW(read_layers((path_ / "none.json").string()), std::runtime_error);
}

TEST(ShippedLayerFiles, AreReadable) {
  size_t layers = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(SEPCONV_LAYERS_DIR)) {
    for (const Layer& layer : read_layers(entry.path().string())) {
      EXPECT_GT(flops(layer.problem), 0) << layer.name;
      ++layers;
    }
  }
  EXPECT_EQ(layers, 148U);
}

// A golden case of docs/semantics.md: 10x10 pixels of 3 channels, 2x2 taps, multiplier 2, 12 outputs, stride 2, "same",
// dilation 2.
sepconv_problem golden_problem() {
  sepconv_problem problem;
  sepconv_problem_init(&problem, sizeof problem);
  problem.padding = SEPCONV_PADDING_SAME;
  problem.batch = 2;
  problem.in_channels = 3;
  problem.depth_multiplier = 2;
  problem.out_channels = 12;
  for (int axis = 0; axis < 2; ++axis) {
    problem.in_extent[axis] = 10;
    problem.kernel_extent[axis] = problem.stride[axis] = problem.dilation[axis] = 2;
  }
  return problem;
}

std::vector<float> counting(size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 0.0F);
  return values;
}

std::vector<double> reference_output(const sepconv_problem& problem, const std::vector<float>& input,
                                     const Weights& weights) {
  const int64_t pixels = output_pixels(problem), channels = problem.out_channels;
  const bool channels_last = problem.layout == SEPCONV_LAYOUT_CHANNELS_LAST;
  std::vector<double> output(static_cast<size_t>(problem.batch * pixels * channels)),
      pixel_output(static_cast<size_t>(channels));
  Reference<float> reference(problem, input.data(), weights);
  for (int64_t image = 0; image < problem.batch; ++image) {
    for (int64_t pixel = 0; pixel < pixels; ++pixel) {
      reference.compute(image, pixel, pixel_output.data());
      for (int64_t f = 0; f < channels; ++f) {
        const int64_t at = channels_last ? pixel * channels + f : f * pixels + pixel;
        output[static_cast<size_t>(image * pixels * channels + at)] = pixel_output[static_cast<size_t>(f)];
      }
    }
  }
  return output;
}

TEST(Reference, GivesTheGoldenValues) {
  sepconv_problem problem = golden_problem();
  const Weights weights = {counting(24), counting(72), {}, {}};
  const std::vector<double> last = reference_output(problem, counting(600), weights);
  EXPECT_EQ(last.front(), 451536);
  EXPECT_EQ(last.back(), 466693);
  EXPECT_EQ(std::accumulate(last.begin(), last.end(), 0.0), 1456859844.0);
  problem.layout = SEPCONV_LAYOUT_CHANNELS_FIRST;
  const std::vector<double> first = reference_output(problem, counting(600), weights);
  EXPECT_EQ(first.front(), 1595280);
  EXPECT_EQ(first.back(), 459400);
  EXPECT_EQ(std::accumulate(first.begin(), first.end(), 0.0), 1685561400.0);
}

TEST(Reference, EndsInTheMiddleWhereThatIsAll) {
  sepconv_problem problem = golden_problem();
  problem.stages = SEPCONV_STAGES_DEPTHWISE;
  problem.out_channels = 0;
  problem.mid_activation = {SEPCONV_ACTIVATION_CLAMP, 0, 2500};
  EXPECT_EQ(output_channels(problem), mid_channels(problem));
  const Weights weights = {counting(24), {}, {}, {}};
  const std::vector<float> input = counting(600);
  std::vector<double> one(static_cast<size_t>(mid_channels(problem)));
  Reference<float> reference(problem, input.data(), weights);
  reference.compute(0, 0, one.data());
  // The taps of the first pixel: tap t of channel k weighs 6 * t + k.
  const auto tap_sum = [&](int64_t k) {
    const int64_t c = k / problem.depth_multiplier;
    double sum = 0;
    for (int64_t t = 0; t < taps(problem); ++t) {
      const int64_t y = t / 2 * problem.dilation[0], x = t % 2 * problem.dilation[1];
      const int64_t sample = (y * problem.in_extent[1] + x) * problem.in_channels + c;
      sum += static_cast<double>(sample * (t * mid_channels(problem) + k));
    }
    return std::min(sum, 2500.0);
  };
  for (int64_t k = 0; k < mid_channels(problem); ++k) EXPECT_EQ(one[static_cast<size_t>(k)], tap_sum(k)) << k;
}

// Layers are run in the type they have, and with the stages they have.
TEST(LayerRun, TakesBothTypesAndTheDepthwiseStageAlone) {
  ASSERT_EQ(sepconv_register(sepconv_default_variants()), SEPCONV_OK);
  for (const sepconv_dtype dtype : {SEPCONV_DTYPE_F32, SEPCONV_DTYPE_F64}) {
    for (const sepconv_stages stages : {SEPCONV_STAGES_BOTH, SEPCONV_STAGES_DEPTHWISE}) {
      sepconv_problem problem = golden_problem();
      problem.stages = stages;
      problem.input_dtype = problem.weight_dtype = problem.mid_dtype = problem.output_dtype = dtype;
      if (stages == SEPCONV_STAGES_DEPTHWISE) problem.out_channels = 0;
      Random random(3);
      const Weights weights = random_weights(problem, &random, 0.5F);
      std::vector<float> values;
      random.fill(&values, 600, 1);
      const LayerRun run(problem, nullptr, weights);
      const Buffer input = elements_of(values, dtype);
      const Accuracy accuracy = run.run_and_check(input.get(), weights);
      EXPECT_TRUE(accuracy.complete);
      EXPECT_LT(accuracy.max_error, error_limit(dtype));
      EXPECT_GT(accuracy.max_magnitude, 0.01);
      values[300] += 100;  // a sample that some output reads
      EXPECT_GT(check(problem, elements_of(values, dtype).get(), weights, run.output()).max_error, 0.1);
    }
  }
  EXPECT_THROW(elements_of({1}, SEPCONV_DTYPE_F16), std::runtime_error);
}

TEST(Reference, AppliesBiasesAndActivations) {
  sepconv_problem problem;  // one pixel, one tap, one channel: out = clamp(2 + 3 * relu(1 + 5 * x))
  sepconv_problem_init(&problem, sizeof problem);
  problem.in_channels = problem.out_channels = 1;
  problem.in_extent[0] = problem.in_extent[1] = problem.kernel_extent[0] = problem.kernel_extent[1] = 1;
  problem.has_mid_bias = problem.has_out_bias = 1;
  problem.mid_activation = {SEPCONV_ACTIVATION_RELU, 0, 0};
  problem.out_activation = {SEPCONV_ACTIVATION_CLAMP, -1, 30};
  const Weights weights = {{5}, {3}, {1}, {2}};
  const auto at = [&](float x) { return reference_output(problem, {x}, weights)[0]; };
  EXPECT_EQ(at(1), 20);
  EXPECT_EQ(at(-1), 2);
  EXPECT_EQ(at(10), 30);
}

TEST(Check, FindsASingleWrongElementAtTheEdgeOfASample) {
  sepconv_problem problem = golden_problem();
  const Weights weights = {counting(24), counting(72), {}, {}};
  const std::vector<float> input = counting(600);
  const std::vector<double> exact = reference_output(problem, input, weights);
  std::vector<float> output(exact.begin(), exact.end());
  constexpr double kTinyBudget = 1;
  EXPECT_TRUE(check(problem, input.data(), weights, output.data()).complete);
  EXPECT_EQ(check(problem, input.data(), weights, output.data()).max_error, 0);
  output.back() += 400;
  EXPECT_GT(check(problem, input.data(), weights, output.data(), kTinyBudget).max_error, kErrorLimit);
  output.back() = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(check(problem, input.data(), weights, output.data(), kTinyBudget).max_error,
            std::numeric_limits<double>::infinity());
}

TEST_F(Files, AreWrittenWholeOrNotAtAll) {
  const std::string file = (path_ / "out.txt").string();
  write_file(file, "first");
  write_file(file, "second");
  std::string text;
  std::getline(std::ifstream(file) >> std::ws, text);
  EXPECT_EQ(text, "second");
  EXPECT_THROW(write_file((path_ / "no" / "out.txt").string(), "x"), std::runtime_error);
  fs::create_directory(path_ / "folder");
  EXPECT_THROW(write_file((path_ / "folder").string(), "x"), std::runtime_error);
  size_t entries = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(path_)) entries += entry.exists() ? 1 : 0;
  EXPECT_EQ(entries, 2U) << "a temporary file was left";
}

TEST(Timing, MeasuresAndTakesTurns) {
  int calls = 0;
  const std::vector<Timing> timings = time_in_turns({[&] { ++calls; }, [] { usleep(2000); }}, 0.1);
  ASSERT_EQ(timings.size(), 2U);
  EXPECT_GT(calls, 10);
  EXPECT_LT(timings[0].min, 1e-4);
  EXPECT_GE(timings[1].min, 2e-3);
  EXPECT_GE(timings[1].median, timings[1].min);
  EXPECT_GE(timings[1].samples, 3);
}

TEST(Peak, IsPositiveForEveryLoop) {
  for (const PeakLoop& loop : peak_loops()) {
    const Peak peak = measure_peak(loop, 1);
    EXPECT_GT(peak.gflops, 0.1) << loop.name;
    EXPECT_GT(peak.clock_ghz, 0.1) << loop.name;
    EXPECT_LT(peak.vectors_per_cycle, 4.4) << loop.name << ": no processor is that wide; a loop or a clock is wrong";
  }
}

TEST(Bandwidth, IsPositiveForEveryLevel) {
  for (const int64_t bytes : {int64_t{16} << 10, int64_t{256} << 10, int64_t{64} << 20}) {
    EXPECT_GT(measure_bandwidth(bytes), 0.1) << bytes << " bytes";
  }
}

}  // namespace
}  // namespace sepconv::support
