// The operations SepconvConv and SepconvLayer of TensorFlow. TensorFlow's C++ interface is that of one release, so this
// file travels as source and is compiled against the TensorFlow that is there (tensorflow.py). All it does is to pass
// tensors on to the functions of entry.h, whose address it is told.
#include <string>
#include <utility>
#include <vector>

#include "entry.h"
#include "tensorflow/core/framework/common_shape_fns.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/shape_inference.h"

namespace tf = tensorflow;

namespace {

const sepconv_entry* entry = nullptr;

constexpr tf::DataType types[] = {
#define SEPCONV_TENSOR_TYPE(enumerator, format, xla, tensorflow) tf::tensorflow,
#include "types.inc"
};

int32_t type_of(tf::DataType dtype) {
  for (int type = 0; type < SEPCONV_ENTRY_TYPES; ++type) {
    if (dtype == types[type]) return type;
  }
  return SEPCONV_ENTRY_TYPES;  // refused by the entry's functions
}

absl::Status status_of(const char* sentence) {
  return sentence == nullptr ? absl::OkStatus() : absl::InvalidArgumentError(sentence);
}

// The attributes of SepconvConv; Context is that of a kernel's construction or of shape inference.
struct Attributes {
  std::vector<tf::int64> strides, pads, dilation_rate;
  std::string padding, data_format;

  template <typename Context>
  absl::Status read(Context* context) {
    for (auto& [name, list] : {std::pair<const char*, std::vector<tf::int64>*>{"strides", &strides},
                               {"pads", &pads},
                               {"dilation_rate", &dilation_rate}}) {
      if (absl::Status status = context->GetAttr(name, list); !status.ok()) return status;
    }
    if (absl::Status status = context->GetAttr("padding", &padding); !status.ok()) return status;
    return context->GetAttr("data_format", &data_format);
  }

  sepconv_entry_call call() const {
    sepconv_entry_call call = {};
    call.strides = reinterpret_cast<const int64_t*>(strides.data());
    call.pads = reinterpret_cast<const int64_t*>(pads.data());
    call.dilation_rate = reinterpret_cast<const int64_t*>(dilation_rate.data());
    call.strides_count = static_cast<int64_t>(strides.size());
    call.pads_count = static_cast<int64_t>(pads.size());
    call.dilation_rate_count = static_cast<int64_t>(dilation_rate.size());
    call.padding = padding.c_str();
    call.data_format = data_format.c_str();
    return call;
  }
};

// The attribute T of both operations: "T: {half, bfloat16, float, double}".
std::string type_attribute() {
  std::string list;
  for (const tf::DataType type : types) list += (list.empty() ? "T: {" : ", ") + tf::DataTypeString(type);
  return list + "}";
}

sepconv_entry_tensor describe(const tf::Tensor& tensor) {
  sepconv_entry_tensor described = {};
  described.data = const_cast<char*>(tensor.tensor_data().data());
  described.type = type_of(tensor.dtype());
  described.rank = tensor.dims();
  for (int axis = 0; axis < tensor.dims() && axis < SEPCONV_ENTRY_MAX_RANK; ++axis) {
    described.extent[axis] = tensor.dim_size(axis);
  }
  return described;
}

tf::TensorShape shape_of(const sepconv_entry_tensor& tensor) {
  tf::TensorShape shape;
  for (int axis = 0; axis < tensor.rank; ++axis) shape.AddDim(tensor.extent[axis]);
  return shape;
}

// Shape inference where extents may be unknown. Without a known rank, or with kernels of unknown shape, nothing is known.
bool known(tf::shape_inference::InferenceContext* context, int input, bool extents_too, sepconv_entry_tensor* tensor) {
  const auto shape = context->input(input);
  if (!context->RankKnown(shape) || context->Rank(shape) > SEPCONV_ENTRY_MAX_RANK) return false;
  tensor->type = SEPCONV_ENTRY_F32;  // any: it is the shape that is asked for
  tensor->rank = context->Rank(shape);
  for (int axis = 0; axis < tensor->rank; ++axis) {
    const int64_t extent = context->Value(context->Dim(shape, axis));
    if (extent < 0 && extents_too) return false;
    tensor->extent[axis] = extent < 0 ? -1 : extent;
  }
  return true;
}

absl::Status infer(tf::shape_inference::InferenceContext* context, const char* sentence,
                   const sepconv_entry_tensor& output) {
  if (absl::Status status = status_of(sentence); !status.ok()) return status;
  if (output.rank < 0) return tf::shape_inference::UnknownShape(context);
  std::vector<tf::shape_inference::DimensionHandle> extents;
  for (int axis = 0; axis < output.rank; ++axis) {
    extents.push_back(output.extent[axis] < 0 ? context->UnknownDim() : context->MakeDim(output.extent[axis]));
  }
  context->set_output(0, context->MakeShape(extents));
  return absl::OkStatus();
}

absl::Status conv_shape(tf::shape_inference::InferenceContext* context) {
  Attributes attributes;
  if (absl::Status status = attributes.read(context); !status.ok()) return status;
  sepconv_entry_call call = attributes.call();
  if (!known(context, 0, false, &call.input) || !known(context, 1, true, &call.depthwise_kernel) ||
      (context->num_inputs() > 2 && !known(context, 2, true, &call.pointwise_kernel))) {
    return tf::shape_inference::UnknownShape(context);
  }
  sepconv_entry_tensor output = {};
  const char* sentence = entry->conv_shape(&call, &output);
  return infer(context, sentence, output);
}

absl::Status layer_shape(tf::shape_inference::InferenceContext* context) {
  tf::int64 layer;
  if (absl::Status status = context->GetAttr("layer", &layer); !status.ok()) return status;
  sepconv_entry_tensor input = {}, output = {};
  if (!known(context, 0, false, &input)) return tf::shape_inference::UnknownShape(context);
  return infer(context, entry->layer_shape(layer, &input, &output), output);
}

class Conv : public tf::OpKernel {
 public:
  explicit Conv(tf::OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, attributes_.read(context));
  }

  void Compute(tf::OpKernelContext* context) override {
    sepconv_entry_call call = attributes_.call();
    call.input = describe(context->input(0));
    call.depthwise_kernel = describe(context->input(1));
    if (context->num_inputs() > 2) call.pointwise_kernel = describe(context->input(2));
    sepconv_entry_tensor shape = {};
    OP_REQUIRES_OK(context, status_of(entry->conv_shape(&call, &shape)));
    tf::Tensor* output = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, shape_of(shape), &output));
    const sepconv_entry_tensor described = describe(*output);
    OP_REQUIRES_OK(context, status_of(entry->conv_run(&call, &described)));
  }

 private:
  Attributes attributes_;
};

class Layer : public tf::OpKernel {
 public:
  explicit Layer(tf::OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("layer", &layer_));
    OP_REQUIRES_OK(context, context->GetAttr("R", &residuals_));
  }

  void Compute(tf::OpKernelContext* context) override {
    const sepconv_entry_tensor input = describe(context->input(0));
    sepconv_entry_tensor shape = {}, residual = {};
    if (context->num_inputs() > 1 + residuals_) {
      const auto state = context->input(1 + residuals_).tensor_data();
      OP_REQUIRES_OK(context,
                     status_of(entry->layer_restore(layer_, state.data(), static_cast<int64_t>(state.size()))));
    }
    OP_REQUIRES_OK(context, status_of(entry->layer_shape(layer_, &input, &shape)));
    tf::Tensor* output = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, shape_of(shape), &output));
    const sepconv_entry_tensor described = describe(*output);
    if (residuals_ > 0) residual = describe(context->input(1));
    OP_REQUIRES_OK(context,
                   status_of(entry->layer_run(layer_, &input, residuals_ > 0 ? &residual : nullptr, &described)));
  }

 private:
  tf::int64 layer_ = 0;
  int residuals_ = 0;
};

// What XLA meets where it compiles a tf.function that was traced for itself before, without jit_compile.
class RefuseXla : public tf::OpKernel {
 public:
  explicit RefuseXla(tf::OpKernelConstruction* context) : OpKernel(context) {
    context->SetStatus(absl::UnimplementedError(
        "XLA cannot call sepconv's operation, which this tf.function was traced with: let it be traced anew inside of "
        "the function with jit_compile=True, or wrap only what does not call sepconv"));
  }
  void Compute(tf::OpKernelContext* context) override {}
};

REGISTER_OP("SepconvConv")
    .Attr(type_attribute())
    .Attr("P: int >= 0")
    .Input("inputs: T")
    .Input("depthwise_kernel: T")
    .Input("pointwise_kernel: P * T")
    .Output("outputs: T")
    .Attr("strides: list(int)")
    .Attr("padding: string")
    .Attr("pads: list(int)")
    .Attr("data_format: string")
    .Attr("dilation_rate: list(int)")
    .SetShapeFn(conv_shape);
REGISTER_KERNEL_BUILDER(Name("SepconvConv").Device(tf::DEVICE_CPU), Conv);
REGISTER_KERNEL_BUILDER(Name("SepconvConv").Device("XLA_CPU_JIT"), RefuseXla);

REGISTER_OP("SepconvLayer")
    .Attr(type_attribute())
    .Attr("R: int >= 0")
    .Attr("S: int >= 0")
    .Input("inputs: T")
    .Input("residual: R * T")
    .Input("state: S * uint8")
    .Output("outputs: T")
    .Attr("layer: int")
    .SetShapeFn(layer_shape);
REGISTER_KERNEL_BUILDER(Name("SepconvLayer").Device(tf::DEVICE_CPU), Layer);
REGISTER_KERNEL_BUILDER(Name("SepconvLayer").Device("XLA_CPU_JIT"), RefuseXla);

}  // namespace

// 0, or 1 for an entry of another version.
extern "C" __attribute__((visibility("default"))) int sepconv_tensorflow_entry(const sepconv_entry* given) {
  if (given->version != SEPCONV_ENTRY_VERSION) return 1;
  entry = given;
  return 0;
}
