// What the page calls: the landscape, the picture filter, the time of a layer. Pictures are RGBA bytes, as a canvas has
// them. Answers are JSON, in memory that the next call overwrites; an error is {"error": "a sentence"}.
#include <emscripten.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#include "filter.h"
#include "layer_run.h"
#include "picture.h"
#include "problem_size.h"
#include "sepconv/sepconv.h"
#include "sepconv_default.h"
#include "sepconv_web_layers.h"
#include "timing.h"

namespace {

using sepconv::examples::Picture;
using sepconv::support::LayerRun;

void copy_to_canvas(const Picture& picture, uint8_t* rgba) {
  const size_t pixels = picture.rgb.size() / 3;
  for (size_t i = 0; i < pixels; ++i) {
    for (size_t c = 0; c < 3; ++c) {
      const float value = std::min(std::max(picture.rgb[3 * i + c], 0.0F), 1.0F);
      rgba[4 * i + c] = static_cast<uint8_t>(std::lround(255.0F * value));
    }
    rgba[4 * i + 3] = 255;
  }
}

Picture copy_from_canvas(const uint8_t* rgba, int width, int height) {
  Picture picture(width, height);
  for (size_t i = 0; i < picture.rgb.size(); ++i) {
    picture.rgb[i] = static_cast<float>(rgba[4 * (i / 3) + i % 3]) / 255.0F;
  }
  return picture;
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

template <typename Function>
const char* answer(Function function) {
  static std::string text;
  try {
    static const bool registered = [] {
      sepconv::support::require(sepconv_register(sepconv_default_variants()));
      sepconv::support::require(sepconv_register(sepconv_web_layers_variants()));
      return true;
    }();
    static_cast<void>(registered);
    text = "{" + function() + "}";
  } catch (const std::exception& error) {
    text = "{\"error\": " + quoted(error.what()) + "}";
  }
  return text.c_str();
}

// As the layers of layers.json are.
sepconv_problem describe_problem(int height, int width, int in_channels, int out_channels, int taps, int stride,
                                 bool out_relu6) {
  sepconv_problem problem;
  sepconv_problem_init(&problem, sizeof problem);
  problem.padding = SEPCONV_PADDING_SAME;
  problem.in_extent[0] = height;
  problem.in_extent[1] = width;
  problem.kernel_extent[0] = problem.kernel_extent[1] = taps;
  problem.stride[0] = problem.stride[1] = stride;
  problem.in_channels = in_channels;
  problem.out_channels = out_channels;
  problem.has_mid_bias = problem.has_out_bias = 1;
  problem.mid_activation.kind = SEPCONV_ACTIVATION_RELU6;
  if (out_relu6) problem.out_activation.kind = SEPCONV_ACTIVATION_RELU6;
  return problem;
}

}  // namespace

extern "C" {

EMSCRIPTEN_KEEPALIVE const char* page_draw(uint8_t* rgba, int width, int height) {
  return answer([&] {
    copy_to_canvas(sepconv::examples::draw_landscape(width, height), rgba);
    return std::string();
  });
}

// Filters the picture where it lies: {"milliseconds", "variant", "max_error"}.
EMSCRIPTEN_KEEPALIVE const char* page_filter(uint8_t* rgba, int width, int height, float sigma, const char* tone) {
  return answer([&] {
    const sepconv::examples::Filtered filtered =
        sepconv::examples::filter_picture(copy_from_canvas(rgba, width, height), sigma,
                                          sepconv::examples::tones().at(tone), SEPCONV_LAYOUT_CHANNELS_LAST);
    copy_to_canvas(filtered.picture, rgba);
    return "\"milliseconds\": " + std::to_string(filtered.milliseconds) + ", \"variant\": " + quoted(filtered.variant) +
           ", \"max_error\": " + std::to_string(1e6 * filtered.max_error) + "e-6";
  });
}

// Runs a layer by the variant of that name, or by the library's choice where the name is empty, checks it and times it:
// {"milliseconds", "gflops" (a second), "variant", "max_error"}.
EMSCRIPTEN_KEEPALIVE const char* page_time_layer(int height, int width, int in_channels, int out_channels, int taps,
                                                 int stride, int out_relu6, const char* variant, double seconds) {
  return answer([&] {
    const sepconv_problem problem =
        describe_problem(height, width, in_channels, out_channels, taps, stride, out_relu6 != 0);
    sepconv_options options;
    sepconv_options_init(&options, sizeof options);
    if (*variant != '\0') options.variant = variant;
    sepconv::support::Random random(1);
    const sepconv::support::Weights weights = sepconv::support::random_weights(problem, &random, 0.1F);
    std::vector<float> input;
    random.fill(&input, static_cast<size_t>(sepconv::support::input_pixels(problem) * in_channels), 1.0F);
    const LayerRun run(problem, &options, weights);
    constexpr double kCheckBudget = 1e6;
    run.run(input.data());
    const double error = sepconv::support::check(problem, input.data(), weights, run.output(), kCheckBudget).max_error;
    const double fastest = sepconv::support::time_in_turns({[&] { run.run(input.data()); }}, seconds)[0].min;
    return "\"milliseconds\": " + std::to_string(1e3 * fastest) +
           ", \"gflops\": " + std::to_string(1e-9 * sepconv::support::flops(problem) / fastest) +
           ", \"variant\": " + quoted(run.variant()) + ", \"max_error\": " + std::to_string(1e6 * error) + "e-6";
  });
}

}  // extern "C"
