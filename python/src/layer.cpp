#include "layer.h"

#include <algorithm>
#include <cstring>

#include "gather.h"
#include "run.h"
#include "threads.h"

namespace sepconv::python {
namespace {

// Shapes that a layer remembers. Networks have few; inputs of any length, as in speech, are planned anew each time,
// which costs about a microsecond.
constexpr std::size_t remembered_shapes = 16;

bool same_place(const sepconv_problem& a, const sepconv_problem& b) {
  return a.batch == b.batch && std::equal(a.in_extent, a.in_extent + SEPCONV_MAX_SPATIAL_RANK, b.in_extent) &&
         std::equal(a.input_pitch, a.input_pitch + SEPCONV_MAX_SPATIAL_RANK + 1, b.input_pitch) &&
         a.input_channel_pitch == b.input_channel_pitch && a.has_residual == b.has_residual;
}

std::vector<unsigned char> copy_of(const Tensor* tensor) {
  if (tensor == nullptr) return {};
  std::vector<unsigned char> copy(static_cast<std::size_t>(tensor->shape.elements()) * bytes(tensor->type));
  gather(*tensor, copy.data());
  return copy;
}

}  // namespace

Layer::Layer(const Options& options, const Weights& weights)
    : prototype_(describe_layer(options, weights, &type_)),
      threads_(std::make_shared<std::atomic<int>>(0)),
      kept_(std::make_shared<const Kept>(Kept{copy_of(weights.depthwise_kernel), copy_of(weights.pointwise_kernel),
                                              copy_of(weights.mid_bias), copy_of(weights.out_bias)})) {
  set_threads(options.threads);
}

Layer::Layer(const Layer& other, sepconv_layout layout)
    : prototype_(other.prototype_), type_(other.type_), threads_(other.threads_), kept_(other.kept_) {
  prototype_.layout = layout;
}

std::shared_ptr<const Layer> Layer::layer_channels_last() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (channels_last_ == nullptr) channels_last_.reset(new Layer(*this, SEPCONV_LAYOUT_CHANNELS_LAST));
  return channels_last_;
}

void Layer::set_threads(int threads) {
  if (threads != 0) check_threads(threads);
  threads_->store(threads, std::memory_order_relaxed);
}

WeightData Layer::weights() const {
  const auto data = [](const Buffer& buffer) { return buffer.empty() ? nullptr : buffer.data(); };
  return {data(kept_->depthwise_kernel), data(kept_->pointwise_kernel), data(kept_->mid_bias), data(kept_->out_bias)};
}

sepconv_problem Layer::problem_for(const Shape& input) const {
  sepconv_problem problem = prototype_;
  describe_input(input, &problem);
  return problem;
}

Shape Layer::output_shape(const Shape& input) const { return python::output_shape(prototype_, input); }

void Layer::run(const Tensor& input, const Tensor* residual, const Tensor& output) const {
  demand_type("inputs", input, type_);
  sepconv_problem problem = problem_for(input.shape);
  problem.has_residual = residual != nullptr ? 1 : 0;
  const Shape shape = python::output_shape(problem);
  demand_shape("out", output, shape, type_);
  if (residual != nullptr) demand_shape("residual", *residual, shape, type_);
  const void* data = place_input(input, &problem);
  const std::shared_ptr<const Prepared> prepared = prepared_for(problem);
  follow(prepared);
  const Ahead ahead = {prepared->next->data.load(std::memory_order_relaxed),
                       prepared->next->size.load(std::memory_order_relaxed)};
  run_plan(prepared->plan, prepared->packed->weights.data(), data, residual, output, prepared->threads, ahead);
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

std::shared_ptr<const Layer::Prepared> Layer::prepared(const Shape& input, bool residual) const {
  sepconv_problem problem = problem_for(input);
  problem.has_residual = residual ? 1 : 0;
  return prepared_for(problem);
}

void Layer::prepare(const Shape& input) const { prepared_for(problem_for(input)); }
std::string Layer::variant(const Shape& input) const { return prepared_for(problem_for(input))->plan.variant(); }
std::string Layer::explain(const Shape& input) const { return prepared_for(problem_for(input))->plan.explain(); }

std::shared_ptr<const Layer::Prepared> Layer::prepared_for(const sepconv_problem& problem) const {
  const sepconv_options options = options_for(threads());
  const int threads = options.max_threads;
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
    Plan plan = make_plan(problem, options);
    Block packed = pack(plan, weights());
    packed_.push_back(std::make_shared<const Packed>(Packed{std::move(plan), std::move(packed)}));
    prepared = std::make_shared<const Prepared>(Prepared{make_plan(problem, options), packed_.back(), threads});
  }
  if (prepared_.size() == remembered_shapes) prepared_.pop_back();
  prepared_.insert(prepared_.begin(), prepared);
  return prepared;
}

}  // namespace sepconv::python
