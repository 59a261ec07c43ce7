// stream_filter: filters a sound piece by piece, as it would arrive, and shows that the answer is that of the whole
// sound, byte for byte.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>

#include "files.h"
#include "filter.h"
#include "layer_run.h"
#include "options.h"
#include "picture.h"
#include "sepconv_default.h"
#include "spectrogram.h"
#include "standard_output.h"
#include "wav.h"

namespace {

using sepconv::examples::Filter;
using sepconv::examples::Filtered;
using sepconv::examples::Picture;
using sepconv::examples::Sound;

struct CommandLine {
  std::string output = "filtered.wav", original, picture;
  int64_t chunk = 0;
  double seconds = 2, cutoff = 1500;
};

bool same_bytes(const Sound& a, const Sound& b) {
  return a.samples.size() == b.samples.size() &&
         std::memcmp(a.samples.data(), b.samples.data(), a.samples.size() * sizeof(float)) == 0;
}

Picture one_above_the_other(const Picture& above, const Picture& below) {
  Picture both(above.width, above.height + below.height);
  const auto next = std::copy(above.rgb.begin(), above.rgb.end(), both.rgb.begin());
  std::copy(below.rgb.begin(), below.rgb.end(), next);
  return both;
}

int run(const CommandLine& line) {
  sepconv::support::require(sepconv_register(sepconv_default_variants()));
  const Sound sound = sepconv::examples::make_sound(line.seconds);
  const Filter filter(line.cutoff);
  const Filtered whole = filter.whole(sound), streamed = filter.streamed(sound, line.chunk);
  for (const auto& [how, result] : {std::pair("at once", &whole), std::pair("streamed", &streamed)}) {
    fmt::print("{}: {} frames in {} {}: {:.2f} ms by {}\n", how, sound.frames(), result->chunks,
               result->chunks == 1 ? "piece" : "pieces", 1e3 * result->seconds, result->variant);
  }
  if (!same_bytes(whole.sound, streamed.sound)) {
    fmt::print(stderr,
               "stream_filter: the streamed sound differs from the one filtered at once; nothing was written\n");
    return 1;
  }
  fmt::print("the same {} bytes\n", whole.sound.samples.size() * sizeof(float));
  sepconv::support::write_file(line.output, to_wav(streamed.sound));
  fmt::print("wrote {}\n", line.output);
  if (!line.original.empty()) sepconv::support::write_file(line.original, to_wav(sound));
  if (!line.picture.empty()) {
    constexpr int kWidth = 600, kHeight = 160;
    sepconv::examples::write_png(line.picture, one_above_the_other(draw_spectrogram(sound, kWidth, kHeight),
                                                                   draw_spectrogram(streamed.sound, kWidth, kHeight)));
    fmt::print("wrote {}\n", line.picture);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  sepconv::support::check_standard_output_at_exit("stream_filter");
  CLI::App app{"Filters a sound piece by piece with one causal separable convolution."};
  CommandLine line;
  app.add_option("-o,--output", line.output, "The filtered sound, as WAV")->capture_default_str();
  app.add_option("--original", line.original, "Also write the sound before the filter, as WAV");
  app.add_option("--picture", line.picture, "Also draw spectrograms, before above after, as PNG");
  app.add_option("--chunk", line.chunk, "Frames of one piece; 0: all lengths from 1 to 4000")
      ->check(sepconv::support::whole_number(0, 1'000'000))
      ->capture_default_str();
  app.add_option("--seconds", line.seconds, "Length of the sound")
      ->check(sepconv::support::number(0.01, 600))
      ->capture_default_str();
  app.add_option("--cutoff", line.cutoff, "Where the bands part, in Hz")
      ->check(sepconv::support::number(20, 20'000))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    return run(line);
  } catch (const std::exception& error) {
    std::fflush(stdout);
    fmt::print(stderr, "stream_filter: {}\n", error.what());
    return 1;
  }
}
