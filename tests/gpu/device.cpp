#include "gpu/device.h"

#include <algorithm>
#include <cstring>

namespace sepconv::test {
namespace {

constexpr size_t behind = 256;
constexpr unsigned char pattern = 0xc5;

}  // namespace

std::vector<unsigned char> DeviceMemory::filled(const void* host) const {
  std::vector<unsigned char> whole(offset_ + bytes_ + behind, pattern);
  if (host != nullptr) std::memcpy(whole.data() + offset_, host, bytes_);
  return whole;
}

void DeviceMemory::read(void* host) const {
  const std::vector<unsigned char> whole = all();
  std::memcpy(host, whole.data() + offset_, bytes_);
}

bool DeviceMemory::pattern_untouched() const {
  const std::vector<unsigned char> whole = all();
  const auto is_pattern = [](unsigned char byte) { return byte == pattern; };
  const auto tensor = whole.begin() + static_cast<std::ptrdiff_t>(offset_);
  return std::all_of(whole.begin(), tensor, is_pattern) &&
         std::all_of(tensor + static_cast<std::ptrdiff_t>(bytes_), whole.end(), is_pattern);
}

}  // namespace sepconv::test
