#include "scratch.h"

#include <array>

#include "block.h"

namespace sepconv::python {

void* scratch(Scratch purpose, std::size_t size) {
  static thread_local std::array<Block, static_cast<std::size_t>(Scratch::count)> blocks;
  Block& block = blocks[static_cast<std::size_t>(purpose)];
  if (block.size() < size) {
    block = Block();  // the old one goes before the new one comes
    block = Block(size);
  }
  return block.data();
}

}  // namespace sepconv::python
