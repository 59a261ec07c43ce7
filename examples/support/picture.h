// Pictures for the examples: read, drawn, resized, written.
#ifndef SEPCONV_EXAMPLES_SUPPORT_PICTURE_H
#define SEPCONV_EXAMPLES_SUPPORT_PICTURE_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sepconv::examples {

// Red, green, blue in rows from the top; in [0, 1] unless said otherwise.
struct Picture {
  int width = 0, height = 0;
  std::vector<float> rgb;

  Picture() = default;
  Picture(int picture_width, int picture_height)
      : width(picture_width),
        height(picture_height),
        rgb(3 * static_cast<size_t>(picture_width) * static_cast<size_t>(picture_height)) {}
  float* pixel(int x, int y) {
    return rgb.data() + 3 * (static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x));
  }
  const float* pixel(int x, int y) const { return const_cast<Picture*>(this)->pixel(x, y); }
};

// PNG, JPEG and what else stb_image reads. Throws std::runtime_error with a sentence that names the path.
Picture read_picture(const std::string& path);

// Values outside [0, 1] are cut off. Written whole or not at all; throws std::runtime_error with a sentence that names
// the path.
void write_png(const std::string& path, const Picture& picture);

Picture resize(const Picture& picture, int width, int height);

// An evening at a mountain lake; the same picture on every machine.
Picture draw_landscape(int width, int height);

}  // namespace sepconv::examples

#endif  // SEPCONV_EXAMPLES_SUPPORT_PICTURE_H
