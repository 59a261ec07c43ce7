#include "layer.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "convert.h"
#include "scratch.h"
#include "threads.h"

namespace sepconv::python {
namespace {

// Shapes that a layer remembers. Networks have few; inputs of any length, as in speech, are planned anew each time,
// which costs about a microsecond.
constexpr std::size_t remembered_shapes = 16;

std::atomic<int64_t> runs = 0, copies = 0;

sepconv_options options_for(int threads) {
  sepconv_options options = default_options();
  options.max_threads = threads;
  return options;
}

bool same_place(const sepconv_problem& a, const sepconv_problem& b) {
  return a.batch == b.batch && std::equal(a.in_extent, a.in_extent + SEPCONV_MAX_SPATIAL_RANK, b.in_extent) &&
         std::equal(a.input_pitch, a.input_pitch + SEPCONV_MAX_SPATIAL_RANK + 1, b.input_pitch) &&
         a.input_channel_pitch == b.input_channel_pitch && a.has_residual == b.has_residual;
}

// A plan's errors speak of the problem's fields; this adds what the caller passed.
Plan make_plan(const sepconv_problem& problem, const sepconv_options& options) {
  try {
    return Plan(Problem(problem), options);
  } catch (const Error& error) {
    if (error.status() == SEPCONV_INVALID_ARGUMENT) throw std::invalid_argument(error.what());
    if (error.status() == SEPCONV_UNSUPPORTED) throw Unsupported(error.what());
    if (error.status() == SEPCONV_OUT_OF_MEMORY) throw std::bad_alloc();
    throw;
  }
}

// The tensor's elements, dense and in the type that is computed in: where they lie, if they are that already.
const void* computable(const Tensor& tensor, Scratch purpose) {
  if (tensor.dense() && tensor.type == computed_in(tensor.type)) return tensor.data;
  void* copy = scratch(purpose, static_cast<std::size_t>(tensor.shape.elements()) * bytes(computed_in(tensor.type)));
  gather(tensor, copy);
  copies.fetch_add(1, std::memory_order_relaxed);
  return copy;
}

// One run of a plan: converts what has to be, takes workspace and threads, and computes.
void run_plan(const Plan& plan, const void* packed, int threads, const Tensor& input, const void* input_data,
              const Tensor* residual, const Tensor& output, const void* next = nullptr, std::size_t next_size = 0) {
  if (output.shape.elements() == 0) return;
  sepconv_arguments arguments;
  sepconv_arguments_init(&arguments, sizeof arguments);
  arguments.packed = packed;
  arguments.input = input_data;
  arguments.next = next;
  arguments.next_size = next_size;
  if (residual != nullptr) arguments.residual = computable(*residual, Scratch::residual);
  const Type computed = computed_in(input.type);
  const bool convert = output.type != computed;
  arguments.output = convert
                         ? scratch(Scratch::output, static_cast<std::size_t>(output.shape.elements()) * bytes(computed))
                         : output.data;
  arguments.workspace_size = plan.workspace_size();
  arguments.workspace = scratch(Scratch::workspace, arguments.workspace_size);
  {
    const Crew crew(threads);
    arguments.parallel_for = crew.parallel_for;
    arguments.parallel_context = crew.context;
    check_status(sepconv_plan_run(plan.get(), &arguments));
  }
  if (convert) scatter(arguments.output, output);
  count_run();
}

// Where the run reads the input from, with the problem's pitches set: the tensor itself or, if its type or its strides
// do not allow that, a dense copy.
const void* place_input(const Tensor& input, sepconv_problem* problem) {
  if (input.type == computed_in(input.type) && describe_pitches(input, problem)) return input.data;
  return computable(input, Scratch::input);
}

void demand_shape(const char* argument, const Tensor& tensor, const Shape& shape, Type type) {
  demand_type(argument, tensor, type);
  if (tensor.shape == shape) return;
  throw std::invalid_argument(std::string(argument) + " must have the shape of the output, " + shape.text() +
                              ", received shape " + tensor.shape.text());
}

std::vector<unsigned char> copy_of(const Tensor* tensor) {
  if (tensor == nullptr) return {};
  std::vector<unsigned char> copy(static_cast<std::size_t>(tensor->shape.elements()) *
                                  bytes(computed_in(tensor->type)));
  gather(*tensor, copy.data());
  return copy;
}

}  // namespace

Layer::Layer(const Options& options, const Weights& weights)
    : prototype_(describe_layer(options, weights, &type_)),
      threads_(options.threads),
      depthwise_kernel_(copy_of(weights.depthwise_kernel)),
      pointwise_kernel_(copy_of(weights.pointwise_kernel)),
      mid_bias_(copy_of(weights.mid_bias)),
      out_bias_(copy_of(weights.out_bias)) {
  if (threads_ != 0) check_threads(threads_);
}

Layer::Kept Layer::weights() const {
  const auto data = [](const Buffer& buffer) { return buffer.empty() ? nullptr : buffer.data(); };
  return {data(depthwise_kernel_), data(pointwise_kernel_), data(mid_bias_), data(out_bias_)};
}

sepconv_problem Layer::problem_for(const Shape& input) const {
  sepconv_problem problem = prototype_;
  describe_input(input, &problem);
  return problem;
}

Shape Layer::output_shape(const Shape& input) const { return python::output_shape(problem_for(input)); }

void Layer::run(const Tensor& input, const Tensor* residual, const Tensor& output) const {
  demand_type("inputs", input, type_);
  sepconv_problem problem = problem_for(input.shape);
  problem.has_residual = residual != nullptr ? 1 : 0;
  const Shape shape = python::output_shape(problem);
  demand_shape("out", output, shape, type_);
  if (residual != nullptr) demand_shape("residual", *residual, shape, type_);
  const int threads = threads_ != 0 ? threads_ : default_threads();
  const void* data = place_input(input, &problem);
  const std::shared_ptr<const Prepared> prepared = prepared_for(problem, threads);
  follow(prepared);
  run_plan(prepared->plan, prepared->packed->weights.data(), threads, input, data, residual, output,
           prepared->next->data.load(std::memory_order_relaxed), prepared->next->size.load(std::memory_order_relaxed));
}

// A network's layers run in the same order each time. So what a thread runs now is what the layer that it ran before
// should ask for next time, while it computes.
void Layer::follow(const std::shared_ptr<const Prepared>& prepared) {
  static thread_local std::weak_ptr<const Prepared> before;
  const std::shared_ptr<const Prepared> last = before.lock();
  if (last == prepared) return;
  if (last != nullptr) {
    last->next->data.store(prepared->packed->weights.data(), std::memory_order_relaxed);
    last->next->size.store(prepared->packed->weights.size(), std::memory_order_relaxed);
  }
  before = prepared;
}

void Layer::prepare(const Shape& input) const {
  prepared_for(problem_for(input), threads_ != 0 ? threads_ : default_threads());
}

std::string Layer::variant(const Shape& input) const {
  return prepared_for(problem_for(input), threads_ != 0 ? threads_ : default_threads())->plan.variant();
}

std::string Layer::explain(const Shape& input) const {
  return prepared_for(problem_for(input), threads_ != 0 ? threads_ : default_threads())->plan.explain();
}

std::shared_ptr<const Layer::Packed> Layer::pack(const sepconv_problem& problem, const sepconv_options& options) const {
  Plan plan = make_plan(problem, options);
  sepconv_weights weights;
  sepconv_weights_init(&weights, sizeof weights);
  const Kept kept = this->weights();
  weights.depthwise_kernel = kept.depthwise_kernel;
  weights.pointwise_kernel = kept.pointwise_kernel;
  weights.mid_bias = kept.mid_bias;
  weights.out_bias = kept.out_bias;
  Block packed(plan.packed_size());
  check_status(sepconv_plan_pack(plan.get(), &weights, packed.data(), packed.size()));
  return std::make_shared<const Packed>(Packed{std::move(plan), std::move(packed)});
}

std::shared_ptr<const Layer::Prepared> Layer::prepared_for(const sepconv_problem& problem, int threads) const {
  const sepconv_options options = options_for(threads);
  const std::lock_guard<std::mutex> lock(mutex_);
  for (auto found = prepared_.begin(); found != prepared_.end(); ++found) {
    const Plan& plan = (*found)->plan;
    if (!same_place(plan.problem().get(), problem) || (*found)->threads != threads) continue;
    std::rotate(prepared_.begin(), found, found + 1);
    return prepared_.front();
  }
  // The best variant for this shape. If an earlier one packed for the same variant, its packed weights serve.
  const Plan best = make_plan(problem, options);
  std::shared_ptr<const Prepared> prepared;
  for (const auto& earlier : packed_) {
    if (std::strcmp(earlier->anchor.variant(), best.variant()) != 0) continue;
    sepconv_options inside = options;
    inside.packing_of = earlier->anchor.get();
    inside.variant = best.variant();  // others may have that packing, too
    prepared = std::make_shared<const Prepared>(Prepared{make_plan(problem, inside), earlier, threads});
    break;
  }
  if (prepared == nullptr) {
    packed_.push_back(pack(problem, options));
    prepared = std::make_shared<const Prepared>(Prepared{make_plan(problem, options), packed_.back(), threads});
  }
  if (prepared_.size() == remembered_shapes) prepared_.pop_back();
  prepared_.insert(prepared_.begin(), prepared);
  return prepared;
}

Shape output_shape(const Options& options, const Weights& weights, const Shape& input) {
  Type type;
  sepconv_problem problem = describe_layer(options, weights, &type);
  describe_input(input, &problem);
  return output_shape(problem);
}

std::string explain(const Options& options, const Weights& weights, const Shape& input) {
  Type type;
  sepconv_problem problem = describe_layer(options, weights, &type);
  describe_input(input, &problem);
  return make_plan(problem, options_for(options.threads != 0 ? options.threads : default_threads())).explain();
}

int64_t run_count() { return runs.load(std::memory_order_relaxed); }
void count_run() { runs.fetch_add(1, std::memory_order_relaxed); }
int64_t copy_count() { return copies.load(std::memory_order_relaxed); }

void run_once(const Options& options, const Weights& weights, const Tensor& input, const Tensor& output) {
  Type type;
  sepconv_problem problem = describe_layer(options, weights, &type);
  describe_input(input.shape, &problem);
  demand_type("inputs", input, type);
  demand_shape("out", output, output_shape(problem), type);
  if (output.shape.elements() == 0) return;
  const int threads = options.threads != 0 ? options.threads : default_threads();
  const void* data = place_input(input, &problem);
  const Plan plan = make_plan(problem, options_for(threads));
  sepconv_weights given;
  sepconv_weights_init(&given, sizeof given);
  if (weights.depthwise_kernel != nullptr) {
    given.depthwise_kernel = computable(*weights.depthwise_kernel, Scratch::depthwise_kernel);
  }
  if (weights.pointwise_kernel != nullptr) {
    given.pointwise_kernel = computable(*weights.pointwise_kernel, Scratch::pointwise_kernel);
  }
  void* packed = scratch(Scratch::packed, plan.packed_size());
  check_status(sepconv_plan_pack(plan.get(), &given, packed, plan.packed_size()));
  run_plan(plan, packed, threads, input, data, nullptr, output);
}

}  // namespace sepconv::python
