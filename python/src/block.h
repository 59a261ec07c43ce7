// Memory for weights, scratch and results.
#ifndef SEPCONV_PYTHON_BLOCK_H
#define SEPCONV_PYTHON_BLOCK_H

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace sepconv::python {

/// Bytes at a multiple of 64, owned. From a megabyte on they come in whole large pages, where the system has them for
/// the asking: a network walks through all of its weights and tensors at each call, and addresses that no table at hand
/// knows cost time.
class Block {
 public:
  Block() = default;
  explicit Block(std::size_t size);  ///< throws std::bad_alloc

  void* data() noexcept { return data_.get(); }
  const void* data() const noexcept { return data_.get(); }
  std::size_t size() const noexcept { return data_ == nullptr ? 0 : size_; }

 private:
  struct Free {
    void operator()(void* data) const noexcept { std::free(data); }
  };
  std::unique_ptr<void, Free> data_;
  std::size_t size_ = 0;
};

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_BLOCK_H
