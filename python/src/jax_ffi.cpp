#include "jax_ffi.h"

#include <exception>
#include <string>
#include <string_view>

#include "layer.h"
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
    case ffi::DataType::F16:
      return Tensor::dense(buffer.untyped_data(), Type::float16, shape);
    case ffi::DataType::BF16:
      return Tensor::dense(buffer.untyped_data(), Type::bfloat16, shape);
    case ffi::DataType::F32:
      return Tensor::dense(buffer.untyped_data(), Type::float32, shape);
    case ffi::DataType::F64:
      return Tensor::dense(buffer.untyped_data(), Type::float64, shape);
    default:
      throw std::invalid_argument("tensors must be float16, bfloat16, float32 or float64");
  }
}

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

void convolve(ffi::AnyBuffer input, ffi::AnyBuffer depthwise, const ffi::AnyBuffer* pointwise, ffi::AnyBuffer output,
              Numbers strides, std::string_view padding, Numbers pads, std::string_view data_format,
              Numbers dilation_rate) {
  Options options;
  options.strides.assign(strides.begin(), strides.end());
  options.dilation_rate.assign(dilation_rate.begin(), dilation_rate.end());
  set_padding(std::string(padding), pads.begin(), static_cast<int64_t>(pads.size()), &options);
  options.layout = parse_layout(std::string(data_format));
  const Tensor depthwise_kernel = tensor_of(depthwise);
  Tensor pointwise_kernel;
  Weights weights;
  weights.depthwise_kernel = &depthwise_kernel;
  if (pointwise != nullptr) {
    pointwise_kernel = tensor_of(*pointwise);
    weights.pointwise_kernel = &pointwise_kernel;
  }
  run_once(options, weights, tensor_of(input), tensor_of(output));
}

ffi::Error conv(ffi::AnyBuffer input, ffi::AnyBuffer depthwise, ffi::AnyBuffer pointwise,
                ffi::Result<ffi::AnyBuffer> output, Numbers strides, std::string_view padding, Numbers pads,
                std::string_view data_format, Numbers dilation_rate) {
  return guarded(
      [&] { convolve(input, depthwise, &pointwise, *output, strides, padding, pads, data_format, dilation_rate); });
}

ffi::Error depthwise_conv(ffi::AnyBuffer input, ffi::AnyBuffer depthwise, ffi::Result<ffi::AnyBuffer> output,
                          Numbers strides, std::string_view padding, Numbers pads, std::string_view data_format,
                          Numbers dilation_rate) {
  return guarded(
      [&] { convolve(input, depthwise, nullptr, *output, strides, padding, pads, data_format, dilation_rate); });
}

ffi::Error run_layer_residual(ffi::AnyBuffer input, ffi::AnyBuffer residual, ffi::Result<ffi::AnyBuffer> output,
                              int64_t layer) {
  return guarded([&] {
    const Tensor added = tensor_of(residual);
    find_layer(layer)->run(tensor_of(input), &added, tensor_of(*output));
  });
}

ffi::Error run_layer(ffi::AnyBuffer input, ffi::Result<ffi::AnyBuffer> output, int64_t layer) {
  return guarded([&] { find_layer(layer)->run(tensor_of(input), nullptr, tensor_of(*output)); });
}

XLA_FFI_DEFINE_HANDLER(conv_handler, conv,
                       ffi::Ffi::Bind()
                           .Arg<ffi::AnyBuffer>()
                           .Arg<ffi::AnyBuffer>()
                           .Arg<ffi::AnyBuffer>()
                           .Ret<ffi::AnyBuffer>()
                           .Attr<Numbers>("strides")
                           .Attr<std::string_view>("padding")
                           .Attr<Numbers>("pads")
                           .Attr<std::string_view>("data_format")
                           .Attr<Numbers>("dilation_rate"));
XLA_FFI_DEFINE_HANDLER(depthwise_handler, depthwise_conv,
                       ffi::Ffi::Bind()
                           .Arg<ffi::AnyBuffer>()
                           .Arg<ffi::AnyBuffer>()
                           .Ret<ffi::AnyBuffer>()
                           .Attr<Numbers>("strides")
                           .Attr<std::string_view>("padding")
                           .Attr<Numbers>("pads")
                           .Attr<std::string_view>("data_format")
                           .Attr<Numbers>("dilation_rate"));
XLA_FFI_DEFINE_HANDLER(layer_handler, run_layer,
                       ffi::Ffi::Bind().Arg<ffi::AnyBuffer>().Ret<ffi::AnyBuffer>().Attr<int64_t>("layer"));
XLA_FFI_DEFINE_HANDLER(
    residual_handler, run_layer_residual,
    ffi::Ffi::Bind().Arg<ffi::AnyBuffer>().Arg<ffi::AnyBuffer>().Ret<ffi::AnyBuffer>().Attr<int64_t>("layer"));

}  // namespace

std::array<JaxHandler, 4> jax_handlers() {
  return {{{"sepconv_conv", reinterpret_cast<void*>(conv_handler)},
           {"sepconv_depthwise", reinterpret_cast<void*>(depthwise_handler)},
           {"sepconv_layer", reinterpret_cast<void*>(layer_handler)},
           {"sepconv_layer_residual", reinterpret_cast<void*>(residual_handler)}}};
}

}  // namespace sepconv::python
