#include "registry.h"

#include <exception>
#include <mutex>
#include <string>
#include <unordered_map>

namespace sepconv::python {
namespace {

struct Registry {
  std::mutex mutex;
  int64_t next = 1;
  std::unordered_map<int64_t, std::weak_ptr<const Runnable>> layers;
};

// Never destroyed: at exit, threads of a framework may still run its graphs.
Registry& registry() {
  static Registry* all = new Registry;
  return *all;
}

// Calls body; its exception becomes a sentence.
template <typename Body>
const char* guarded(Body body) {
  static thread_local std::string sentence;
  try {
    body();
    return nullptr;
  } catch (const std::exception& error) {
    sentence = error.what();
  } catch (...) {
    sentence = "sepconv: unknown failure";
  }
  return sentence.c_str();
}

Tensor tensor_of(const sepconv_entry_tensor& given) {
  if (given.type < 0 || given.type >= SEPCONV_ENTRY_TYPES || given.rank < 0 || given.rank > max_rank) {
    throw std::invalid_argument("tensors must be " + type_names() + " and have a rank up to " +
                                std::to_string(max_rank) + ", received rank " + std::to_string(given.rank));
  }
  Shape shape;
  for (int axis = 0; axis < given.rank; ++axis) shape.append(given.extent[axis]);
  return Tensor::dense(given.data, static_cast<Type>(given.type), shape);
}

void store(const Shape& shape, sepconv_entry_tensor* output) {
  output->rank = shape.rank;
  for (int axis = 0; axis < shape.rank; ++axis) output->extent[axis] = shape[axis];
}

struct Call {
  explicit Call(const sepconv_entry_call& call)
      : input(tensor_of(call.input)),
        depthwise(tensor_of(call.depthwise_kernel)),
        pointwise(tensor_of(call.pointwise_kernel)) {
    options.strides.assign(call.strides, call.strides + call.strides_count);
    options.dilation_rate.assign(call.dilation_rate, call.dilation_rate + call.dilation_rate_count);
    set_padding(call.padding, call.pads, call.pads_count, &options);
    options.layout = parse_layout(call.data_format);
    weights.depthwise_kernel = &depthwise;
    if (pointwise.shape.rank != 0) weights.pointwise_kernel = &pointwise;
  }
  Tensor input, depthwise, pointwise;
  Options options;
  Weights weights;
};

const char* conv_shape(const sepconv_entry_call* call, sepconv_entry_tensor* output) {
  return guarded([&] {
    const Call own(*call);
    store(output_shape(own.options, own.weights, own.input.shape), output);
  });
}

const char* conv_run(const sepconv_entry_call* call, const sepconv_entry_tensor* output) {
  return guarded([&] {
    const Call own(*call);
    run_once(own.options, own.weights, own.input, tensor_of(*output));
  });
}

const char* layer_shape(int64_t layer, const sepconv_entry_tensor* input, sepconv_entry_tensor* output) {
  return guarded([&] { store(find_layer(layer)->output_shape(tensor_of(*input).shape), output); });
}

const char* layer_run(int64_t layer, const sepconv_entry_tensor* input, const sepconv_entry_tensor* residual,
                      const sepconv_entry_tensor* output) {
  return guarded([&] {
    Tensor added;
    if (residual != nullptr) added = tensor_of(*residual);
    find_layer(layer)->run(tensor_of(*input), residual == nullptr ? nullptr : &added, tensor_of(*output));
  });
}

}  // namespace

int64_t register_layer(const std::shared_ptr<const Runnable>& layer) {
  Registry& all = registry();
  const std::lock_guard<std::mutex> lock(all.mutex);
  all.layers.emplace(all.next, layer);
  return all.next++;
}

void forget_layer(int64_t number) {
  Registry& all = registry();
  const std::lock_guard<std::mutex> lock(all.mutex);
  all.layers.erase(number);
}

std::shared_ptr<const Runnable> find_layer(int64_t number) {
  Registry& all = registry();
  const std::lock_guard<std::mutex> lock(all.mutex);
  const auto found = all.layers.find(number);
  std::shared_ptr<const Runnable> layer = found == all.layers.end() ? nullptr : found->second.lock();
  if (layer == nullptr) {
    throw std::invalid_argument("sepconv layer " + std::to_string(number) +
                                " no longer exists: keep the Layer as long as what was traced with it");
  }
  return layer;
}

const sepconv_entry& entry() {
  static const sepconv_entry functions = {SEPCONV_ENTRY_VERSION, conv_shape, conv_run, layer_shape, layer_run};
  return functions;
}

}  // namespace sepconv::python
