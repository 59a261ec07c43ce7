// One layer, ready to run through the public C API: its operands, a plan, packed weights, buffers.
#ifndef SEPCONV_SUPPORT_LAYER_RUN_H
#define SEPCONV_SUPPORT_LAYER_RUN_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "reference.h"
#include "sepconv/sepconv.h"

namespace sepconv::support {

// Throws std::runtime_error with the library's sentence unless `status` is SEPCONV_OK.
void require(sepconv_status status);

// Throws std::runtime_error with a sentence unless the tensors of a problem, each of them twice, fit this machine's
// memory: programs fill one in float32 and copy it to the problem's type, and a system may grant more than it has.
void require_memory(const sepconv_problem& problem);

// `size` bytes, 64-byte aligned, uninitialised.
struct FreeDeleter {
  void operator()(void* memory) const;
};
using Buffer = std::unique_ptr<void, FreeDeleter>;
Buffer allocate(size_t size);

// The same numbers on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  float uniform(float limit);  // in [-limit, limit)
  void fill(std::vector<float>* values, size_t count, float limit);

 private:
  uint64_t state_;
};

// The values as elements of the type, one of the floats. Throws std::runtime_error for others: no variant has them.
Buffer elements_of(const std::vector<float>& values, sepconv_dtype dtype);

// Random weights that keep the size of what passes through them (He's rule), and biases up to `bias`, all of them
// numbers that the problem's type has.
Weights random_weights(const sepconv_problem& problem, Random* random, float bias);

class LayerRun {
 public:
  // Plans and packs. `options` may be null.
  LayerRun(const sepconv_problem& problem, const sepconv_options* options, const Weights& weights);

  const char* variant() const { return sepconv_plan_variant(plan_.get()); }
  float* output() const { return static_cast<float*>(output_.get()); }  // of a float32 layer
  size_t output_count() const { return output_count_; }

  // `parallel_for` may be null.
  void run(const void* input, sepconv_parallel_for parallel_for = nullptr, void* parallel_context = nullptr) const;

  // Runs into an output full of NaN, so that an element left out is seen, and checks it.
  Accuracy run_and_check(const void* input, const Weights& weights, sepconv_parallel_for parallel_for = nullptr,
                         void* parallel_context = nullptr) const;

 private:
  struct PlanDeleter {
    void operator()(sepconv_plan* plan) const { sepconv_plan_destroy(plan); }
  };
  sepconv_problem problem_;
  std::unique_ptr<sepconv_plan, PlanDeleter> plan_;
  size_t output_count_, workspace_size_ = 0;
  Buffer packed_, workspace_, output_;
};

}  // namespace sepconv::support

#endif  // SEPCONV_SUPPORT_LAYER_RUN_H
