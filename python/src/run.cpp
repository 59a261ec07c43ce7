#include "run.h"

#include <atomic>
#include <new>

#include "gather.h"
#include "threads.h"

namespace sepconv::python {
namespace {

std::atomic<int64_t> runs = 0, copies = 0;

}  // namespace

sepconv_options options_for(int threads) {
  sepconv_options options = default_options();
  options.max_threads = threads != 0 ? threads : default_threads();
  return options;
}

Plan make_plan(const sepconv_problem& problem, const sepconv_options& options) {
  try {
    return Plan(Problem(problem), options);
  } catch (const Error& error) {
    check_status(error.status());  // whose sentence is still the thread's last
    throw;
  }
}

void pack(const Plan& plan, const WeightData& weights, void* packed) {
  sepconv_weights given;
  sepconv_weights_init(&given, sizeof given);
  given.depthwise_kernel = weights.depthwise_kernel;
  given.pointwise_kernel = weights.pointwise_kernel;
  given.mid_bias = weights.mid_bias;
  given.out_bias = weights.out_bias;
  check_status(sepconv_plan_pack(plan.get(), &given, packed, plan.packed_size()));
}

Block pack(const Plan& plan, const WeightData& weights) {
  Block packed(plan.packed_size());
  pack(plan, weights, packed.data());
  return packed;
}

const void* dense(const Tensor& tensor, Scratch purpose) {
  if (tensor.dense()) return tensor.data;
  void* copy = scratch(purpose, static_cast<std::size_t>(tensor.shape.elements()) * bytes(tensor.type));
  gather(tensor, copy);
  copies.fetch_add(1, std::memory_order_relaxed);
  return copy;
}

const void* place_input(const Tensor& input, sepconv_problem* problem) {
  return describe_pitches(input, problem) ? input.data : dense(input, Scratch::input);
}

void demand_shape(const char* argument, const Tensor& tensor, const Shape& shape, Type type) {
  demand_type(argument, tensor, type);
  if (tensor.shape == shape) return;
  throw std::invalid_argument(std::string(argument) + " must have the shape of the output, " + shape.text() +
                              ", received shape " + tensor.shape.text());
}

void run_plan(const Plan& plan, const void* packed, const void* data, const Tensor* residual, const Tensor& output,
              int threads, Ahead ahead) {
  if (output.shape.elements() == 0) return;
  sepconv_arguments arguments;
  sepconv_arguments_init(&arguments, sizeof arguments);
  arguments.packed = packed;
  arguments.input = data;
  arguments.next = ahead.data;
  arguments.next_size = ahead.size;
  if (residual != nullptr) arguments.residual = dense(*residual, Scratch::residual);
  arguments.output = output.data;
  arguments.workspace_size = plan.workspace_size();
  arguments.workspace = scratch(Scratch::workspace, arguments.workspace_size);
  {
    const Workers workers(threads);
    arguments.parallel_for = workers.parallel_for;
    arguments.parallel_context = workers.context;
    check_status(sepconv_plan_run(plan.get(), &arguments));
  }
  count_run();
}

int64_t run_count() { return runs.load(std::memory_order_relaxed); }
void count_run() { runs.fetch_add(1, std::memory_order_relaxed); }
int64_t copy_count() { return copies.load(std::memory_order_relaxed); }

}  // namespace sepconv::python
