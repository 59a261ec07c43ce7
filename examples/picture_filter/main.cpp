// picture_filter: a soft glow and another mood for a picture, by one separable convolution.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>

#include "filter.h"
#include "layer_run.h"
#include "options.h"
#include "picture.h"
#include "reference.h"
#include "sepconv/sepconv.h"
#include "sepconv_default.h"
#include "standard_output.h"

namespace {

using sepconv::examples::Filtered;
using sepconv::examples::Picture;
using sepconv::examples::tones;

struct CommandLine {
  std::string input, output = "filtered.png", compare;
  std::string tone = "sepia";
  float sigma = 2;
  bool channels_first = false;
};

Picture side_by_side(const Picture& left, const Picture& right) {
  Picture both(left.width + right.width, left.height);
  for (int y = 0; y < left.height; ++y) {
    std::copy_n(left.pixel(0, y), 3 * left.width, both.pixel(0, y));
    std::copy_n(right.pixel(0, y), 3 * right.width, both.pixel(left.width, y));
  }
  return both;
}

int run(const CommandLine& line) {
  constexpr int kWidth = 960, kHeight = 640;  // of the picture that is drawn
  const Picture picture = line.input.empty() ? sepconv::examples::draw_landscape(kWidth, kHeight)
                                             : sepconv::examples::read_picture(line.input);

  sepconv::support::require(sepconv_register(sepconv_default_variants()));
  const sepconv_layout layout = line.channels_first ? SEPCONV_LAYOUT_CHANNELS_FIRST : SEPCONV_LAYOUT_CHANNELS_LAST;
  const Filtered filtered = sepconv::examples::filter_picture(picture, line.sigma, tones().at(line.tone), layout);
  fmt::print("{} {}x{}: Gaussian of {} pixels, colours \"{}\": {:.2f} ms by {}, max error {:.1e}\n",
             line.input.empty() ? "a drawn picture" : line.input, picture.width, picture.height, line.sigma, line.tone,
             filtered.milliseconds, filtered.variant, filtered.max_error);
  if (!(filtered.max_error < sepconv::support::kErrorLimit)) {
    fmt::print(stderr, "picture_filter: the result is wrong; nothing was written\n");
    return 1;
  }
  sepconv::examples::write_png(line.output, filtered.picture);
  fmt::print("wrote {}\n", line.output);
  if (!line.compare.empty()) sepconv::examples::write_png(line.compare, side_by_side(picture, filtered.picture));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  sepconv::support::check_standard_output_at_exit("picture_filter");
  CLI::App app{"Blurs a picture and changes its colours with one separable convolution."};
  CommandLine line;
  app.add_option("picture", line.input, "PNG or JPEG; a picture is drawn where none is given");
  app.add_option("-o,--output", line.output, "The filtered picture, as PNG")->capture_default_str();
  app.add_option("--sigma", line.sigma, "Width of the Gaussian in pixels")
      ->check(sepconv::support::number(0.1, 20))
      ->capture_default_str();
  app.add_option("--tone", line.tone, "Colours: sepia, gray, cool or keep")
      ->check(CLI::IsMember(tones()))
      ->capture_default_str();
  app.add_flag("--channels-first", line.channels_first, "Filter the colours as three planes, not side by side");
  app.add_option("--compare", line.compare, "Also write the picture and the filtered one side by side, as PNG");
  CLI11_PARSE(app, argc, argv);
  try {
    return run(line);
  } catch (const std::exception& error) {
    std::fflush(stdout);
    fmt::print(stderr, "picture_filter: {}\n", error.what());
    return 1;
  }
}
