#include "jax_ffi.h"

#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "call.h"
#include "registry.h"
#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;

namespace sepconv::python {
namespace {

Tensor tensor_of(const ffi::AnyBuffer& buffer) {
  Shape shape;
  if (buffer.dimensions().size() > static_cast<std::size_t>(max_rank)) {
    throw std::invalid_argument("a tensor has rank " + std::to_string(buffer.dimensions().size()));
  }
  for (const int64_t extent : buffer.dimensions()) shape.append(extent);
  switch (buffer.element_type()) {
#define SEPCONV_TENSOR_TYPE(enumerator, format, xla, ...) \
  case ffi::DataType::xla:                                \
    return Tensor::dense(buffer.untyped_data(), Type::enumerator, shape);
#include "types.inc"
    default:
      throw std::invalid_argument("tensors must be " + type_names());
  }
}

// The argument that some calls have and others do not.
std::optional<Tensor> optional_tensor(const ffi::RemainingArgs& arguments) {
  if (arguments.size() == 0) return std::nullopt;
  const auto buffer = arguments.get<ffi::AnyBuffer>(0);
  if (!buffer.has_value()) throw std::invalid_argument("the last argument is not a tensor");
  return tensor_of(*buffer);
}

const Tensor* pointer_to(const std::optional<Tensor>& tensor) { return tensor ? &*tensor : nullptr; }

template <typename Body>
ffi::Error guarded(Body body) {
  try {
    body();
    return ffi::Error::Success();
  } catch (const std::invalid_argument& error) {
    return ffi::Error::InvalidArgument(error.what());
  } catch (const Unsupported& error) {
    return ffi::Error(ffi::ErrorCode::kUnimplemented, error.what());
  } catch (const std::exception& error) {
    return ffi::Error::Internal(error.what());
  }
}

using Numbers = ffi::Span<const int64_t>;

// The pointwise kernel comes last, if there is one.
ffi::Error conv(ffi::AnyBuffer input, ffi::AnyBuffer depthwise, ffi::RemainingArgs pointwise,
                ffi::Result<ffi::AnyBuffer> output, Numbers strides, std::string_view padding, Numbers pads,
                std::string_view data_format, Numbers dilation_rate) {
  return guarded([&] {
    Options options;
    options.strides.assign(strides.begin(), strides.end());
    options.dilation_rate.assign(dilation_rate.begin(), dilation_rate.end());
    set_padding(std::string(padding), pads.begin(), static_cast<int64_t>(pads.size()), &options);
    options.layout = parse_layout(std::string(data_format));
    const Tensor depthwise_kernel = tensor_of(depthwise);
    const std::optional<Tensor> pointwise_kernel = optional_tensor(pointwise);
    Weights weights;
    weights.depthwise_kernel = &depthwise_kernel;
    weights.pointwise_kernel = pointer_to(pointwise_kernel);
    run_once(options, weights, tensor_of(input), tensor_of(*output));
  });
}

// The residual comes last, if there is one.
ffi::Error run_layer(ffi::AnyBuffer input, ffi::RemainingArgs residual, ffi::Result<ffi::AnyBuffer> output,
                     int64_t layer) {
  return guarded([&] {
    const std::optional<Tensor> added = optional_tensor(residual);
    find_layer(layer)->run(tensor_of(input), pointer_to(added), tensor_of(*output));
  });
}

XLA_FFI_DEFINE_HANDLER(conv_handler, conv,
                       ffi::Ffi::Bind()
                           .Arg<ffi::AnyBuffer>()
                           .Arg<ffi::AnyBuffer>()
                           .RemainingArgs()
                           .Ret<ffi::AnyBuffer>()
                           .Attr<Numbers>("strides")
                           .Attr<std::string_view>("padding")
                           .Attr<Numbers>("pads")
                           .Attr<std::string_view>("data_format")
                           .Attr<Numbers>("dilation_rate"));
XLA_FFI_DEFINE_HANDLER(
    layer_handler, run_layer,
    ffi::Ffi::Bind().Arg<ffi::AnyBuffer>().RemainingArgs().Ret<ffi::AnyBuffer>().Attr<int64_t>("layer"));

}  // namespace

std::array<JaxHandler, 2> jax_handlers() {
  return {{{"sepconv_conv", reinterpret_cast<void*>(conv_handler)},
           {"sepconv_layer", reinterpret_cast<void*>(layer_handler)}}};
}

}  // namespace sepconv::python
