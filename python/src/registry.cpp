#include "registry.h"

#include <unistd.h>

#include <exception>
#include <mutex>
#include <random>
#include <string>
#include <unordered_map>

namespace sepconv::python {
namespace {

struct Registry {
  std::mutex mutex;
  pid_t process = 0;
  int64_t own = 0;   // the upper bits of this process's numbers: drawn, so that another's are others
  int64_t next = 0;  // the lower bits
  std::unordered_map<int64_t, std::weak_ptr<const Runnable>> layers;
  Restorer restorer;  // set once, when the package is imported
};

constexpr int lower_bits = 20;

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

// Whether the number is another process's, and nothing has been made of it yet.
bool is_foreign(int64_t number) {
  Registry& all = registry();
  const std::lock_guard<std::mutex> lock(all.mutex);
  return number >> lower_bits != all.own && all.layers.count(number) == 0;
}

// A layer of another process: nothing is known.
const char* layer_shape(int64_t layer, const sepconv_entry_tensor* input, sepconv_entry_tensor* output) {
  return guarded([&] {
    output->rank = -1;
    if (!is_foreign(layer)) store(find_layer(layer)->output_shape(tensor_of(*input).shape), output);
  });
}

const char* layer_restore(int64_t layer, const void* state, int64_t size) {
  return guarded([&] {
    Registry& all = registry();
    if (!is_foreign(layer) || !all.restorer) return;
    std::shared_ptr<const Runnable> restored = find_layer(all.restorer(layer, state, static_cast<std::size_t>(size)));
    const std::lock_guard<std::mutex> lock(all.mutex);
    all.layers[layer] = restored;
  });
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
  if (all.process != getpid() ||
      all.next == 1 << lower_bits) {  // at first, in the child of a fork, and when all are used
    all.process = getpid();
    all.next = 0;
    std::random_device draw;
    all.own = (static_cast<int64_t>(draw()) << 32 | draw()) & (INT64_MAX >> lower_bits);
  }
  const int64_t number = all.own << lower_bits | all.next++;
  all.layers.emplace(number, layer);
  return number;
}

void set_restorer(Restorer restorer) {
  Registry& all = registry();
  all.restorer = std::move(restorer);
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
                                " does not exist: keep the Layer as long as what was traced with it, in its process");
  }
  return layer;
}

const sepconv_entry& entry() {
  static const sepconv_entry functions = {SEPCONV_ENTRY_VERSION, conv_shape,  conv_run,
                                          layer_restore,         layer_shape, layer_run};
  return functions;
}

}  // namespace sepconv::python
