#include "scratch.h"

#include <array>

namespace sepconv::python {

void* scratch(Scratch purpose, std::size_t size) {
  static thread_local std::array<AlignedBytes, static_cast<std::size_t>(Scratch::count)> blocks;
  AlignedBytes& block = blocks[static_cast<std::size_t>(purpose)];
  if (block.size() < size) {
    block = AlignedBytes();  // the old one goes before the new one comes
    block = AlignedBytes(size);
  }
  return block.data();
}

}  // namespace sepconv::python
