#include "picture.h"

#include <stb_image.h>
#include <stb_image_resize.h>
#include <stb_image_write.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "files.h"

namespace sepconv::examples {
namespace {

constexpr int kChannels = 3;
constexpr int64_t kMaxPixels = 1 << 28;

}  // namespace

Picture read_picture(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) throw std::runtime_error("cannot open the picture " + path + ": " + std::strerror(errno));
  int width = 0, height = 0, channels = 0;
  if (stbi_info_from_file(file.get(), &width, &height, &channels) != 0 &&
      static_cast<int64_t>(width) * height > kMaxPixels) {
    throw std::runtime_error("the picture " + path + " is too large: " + std::to_string(width) + "x" +
                             std::to_string(height));
  }
  const std::unique_ptr<stbi_uc, void (*)(void*)> bytes(
      stbi_load_from_file(file.get(), &width, &height, &channels, kChannels), stbi_image_free);
  if (!bytes) throw std::runtime_error("cannot read " + path + " as a PNG or JPEG picture: " + stbi_failure_reason());
  Picture picture(width, height);
  std::transform(bytes.get(), bytes.get() + picture.rgb.size(), picture.rgb.begin(),
                 [](stbi_uc byte) { return static_cast<float>(byte) / 255.0F; });
  return picture;
}

void write_png(const std::string& path, const Picture& picture) {
  std::vector<stbi_uc> bytes(picture.rgb.size());
  std::transform(picture.rgb.begin(), picture.rgb.end(), bytes.begin(), [](float value) {
    return static_cast<stbi_uc>(std::lround(255.0F * std::min(std::max(value, 0.0F), 1.0F)));
  });
  std::string png;
  const auto append = [](void* context, void* data, int size) {
    static_cast<std::string*>(context)->append(static_cast<const char*>(data), static_cast<size_t>(size));
  };
  if (stbi_write_png_to_func(append, &png, picture.width, picture.height, kChannels, bytes.data(), 0) == 0) {
    throw std::runtime_error("cannot encode the picture for " + path);
  }
  support::write_file(path, png);
}

Picture resize(const Picture& picture, int width, int height) {
  Picture result(width, height);
  if (stbir_resize_float(picture.rgb.data(), picture.width, picture.height, 0, result.rgb.data(), width, height, 0,
                         kChannels) == 0) {
    throw std::runtime_error("cannot resize a picture of " + std::to_string(picture.width) + "x" +
                             std::to_string(picture.height) + " to " + std::to_string(width) + "x" +
                             std::to_string(height));
  }
  return result;
}

}  // namespace sepconv::examples
