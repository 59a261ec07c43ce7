// From a problem and tensors to one run: what layers, calls that bring their weights along, and GPUs have in common.
#ifndef SEPCONV_PYTHON_RUN_H
#define SEPCONV_PYTHON_RUN_H

#include "block.h"
#include "describe.h"
#include "scratch.h"
#include "sepconv/sepconv.hpp"

namespace sepconv::python {

/// Options for runs with this many threads; 0 stands for default_threads().
sepconv_options options_for(int threads);

/// A plan's errors speak of the problem's fields; this makes them what Python raises.
Plan make_plan(const sepconv_problem& problem, const sepconv_options& options);

/// Weights in the type that the plan takes; null for what the problem does not have.
struct WeightData {
  const void *depthwise_kernel = nullptr, *pointwise_kernel = nullptr, *mid_bias = nullptr, *out_bias = nullptr;
};
/// `packed` has plan.packed_size() bytes.
void pack(const Plan& plan, const WeightData& weights, void* packed);
Block pack(const Plan& plan, const WeightData& weights);

/// The tensor's elements, dense: where they lie, if they are that already, else a copy in this thread's scratch memory.
const void* dense(const Tensor& tensor, Scratch purpose);

/// Where the run reads the input from, with the problem's pitches set: the tensor itself or, if its strides do not
/// allow that, a dense copy.
const void* place_input(const Tensor& input, sepconv_problem* problem);

/// Throws std::invalid_argument unless the tensor has this shape, that of the output, and this type.
void demand_shape(const char* argument, const Tensor& tensor, const Shape& shape, Type type);

/// Packed weights that the calling thread needs next; null if that is not known.
struct Ahead {
  const void* data = nullptr;
  std::size_t size = 0;
};

/// One run of a plan: converts what has to be, takes workspace and threads, and computes. The input lies at `data`.
void run_plan(const Plan& plan, const void* packed, const void* data, const Tensor* residual, const Tensor& output,
              int threads, Ahead ahead = {});

/// How many convolutions this process has computed, and how many tensors it copied to do so: those of 16-bit types, and
/// those whose strides the runtime does not read.
int64_t run_count();
int64_t copy_count();
void count_run();  ///< one more

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_RUN_H
