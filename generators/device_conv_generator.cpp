// The Generator of GPU variants: parameters, inputs and outputs, and three short methods. The algorithm is in
// device_pipeline.cpp, the schedules are in schedules/gpu.cpp; the meaning of each input is written in
// runtime/include/sepconv/device_arguments.inc.
#include <iostream>

#include "device_parameters.h"
#include "device_pipeline.h"
#include "device_time.h"
#include "parameters.h"
#include "schedules/gpu.h"
#include "schedules/plain_comparisons.h"
#include "schedules/thread_registers.h"
#include "schedules/wide_halves.h"

namespace sepconv {

class DeviceConv : public Halide::Generator<DeviceConv> {
 public:
  GeneratorParam<std::string> variant{"variant", ""};     // the name, without the target
  GeneratorParam<std::string> schedule_{"schedule", ""};  // gpu
  GeneratorParam<std::string> tuned{"tuned", ""};         // a tuning record, chunk:32,split:1, in place of the defaults

  // Schedule parameters; -1 takes the default. They stand in place of a record.
#define SEPCONV_PARAMETER(name, ...) GeneratorParam<int> name{#name, -1};
#include "device_parameters.inc"

  // Declares the arguments, which depend on rank, type and family.
  void configure() {
    name_ = parse_variant_name(variant);
    parameters_ = parameters();
    storage_ = storage_for(element_type(name_), get_target());
    const Halide::Type type = storage_.stored();
#define SEPCONV_DEVICE_ARRAY(name) name##_ = add_input<Buffer<void>>(#name, type, 1);
#define SEPCONV_DEVICE_NUMBER(name, source) numbers_[#name] = add_input<int32_t>(#name);
#define SEPCONV_DEVICE_FLAG(name) name##_ = add_input<bool>(#name);
#define SEPCONV_DEVICE_AXES for (const char axis : std::string("xyz").substr(0, name_.rank)) {
#define SEPCONV_DEVICE_AXIS(name) \
  numbers_[std::string(#name "_") + axis] = add_input<int32_t>(std::string(#name "_") + axis);
#define SEPCONV_DEVICE_END_AXES }
#define SEPCONV_DEVICE_BOUND(name, source) bounds_[#name] = add_input<float>(#name);
#define SEPCONV_DEVICE_WORKSPACE(name) \
  if (parameters_.split == 1) name##_ = add_output<Buffer<void>>(#name, Halide::Float(32), 1);
#define SEPCONV_DEVICE_OUTPUT(name) name##_ = add_output<Buffer<void>>(#name, type, 1);
#include "sepconv/device_arguments.inc"
  }

  void generate() {
    DeviceInputs in = device_inputs();
    DeviceOptions options;
    options.chunk = parameters_.chunk;
    options.threads_x = parameters_.threads_x;
    options.threads_y = parameters_.threads_y;
    options.threads_z = parameters_.threads_z;
    options.thread_pixels = parameters_.thread_pixels;
    options.thread_vectors = parameters_.thread_vectors;
    options.window = parameters_.window;
    options.channels_first = name_.channels_first;
    options.split = parameters_.split == 1;
    options.depthwise_only = name_.depthwise_only();
    options.all_activations = name_.all_activations();
    if (options.split) {
      in.workspace = *workspace_;
      in.workspace_extent = workspace_->dim(0).extent();
    }
    stages_ = make_device_pipeline(in, options, name_.rank);
    (*output_)(stages_.i) = Halide::undef(storage_.stored());
    const Expr last = output_->dim(0).extent() - 1;
    (*output_)(Halide::unsafe_promise_clamped(stages_.output_index, 0, last)) = stages_.output_value;
    for (auto* buffer : {input_, packed_, residual_}) buffer->dim(0).set_min(0);
    output_->dim(0).set_min(0);
    if (options.split) workspace_->dim(0).set_min(0);
  }

  void schedule() {
    int unrolled_axes = 0;
    for (int64_t taps = 1; unrolled_axes < name_.rank; unrolled_axes++) {
      const int64_t along = name_.kernel[name_.rank - 1 - unrolled_axes];  // names count axes from the outside
      if (along == 0 || taps * along > parameters_.tap_unroll) break;
      taps *= along;
    }
    const int outer = internal::window_axis(name_.rank);
    const auto fixed = [&](const std::vector<int64_t>& axes) { return static_cast<int>(axes[outer]); };
    const DeviceReach reach = {fixed(name_.kernel), fixed(name_.stride)};
    schedule_gpu(stages_, *output_, parameters_, reach, unrolled_axes);
    if (stages_.sum.defined()) keep_in_thread_registers(get_pipeline(), stages_.sum.name());
    if (get_target().has_feature(Halide::Target::CUDA)) move_halves_together(get_pipeline());
    if (get_target().has_feature(Halide::Target::OpenCL)) use_plain_comparisons(get_pipeline());
  }

 private:
  // The arguments, or in their place the constants that the name fixes.
  DeviceInputs device_inputs() const {
    DeviceInputs in;
    in.storage = storage_;
    in.input = *input_;
    in.packed = *packed_;
    in.residual = *residual_;
    in.input_extent = input_->dim(0).extent();
    in.packed_extent = packed_->dim(0).extent();
    in.residual_extent = residual_->dim(0).extent();
    in.input_offset = number("input_offset");
    in.output_offset = number("output_offset");
    in.residual_offset = number("residual_offset");
    in.workspace_at = number("workspace_at");
    in.mid_bias_at = number("mid_bias_at");
    in.depthwise_at = number("depthwise_at");
    in.pointwise_at = number("pointwise_at");
    in.out_bias_at = number("out_bias_at");
    in.in_channels = number("in_channels", name_.in_channels);
    in.out_channels = number("out_channels", name_.out_channels);
    in.multiplier = number("multiplier", name_.multiplier);
    in.chunks = number("chunks");
    if (name_.in_channels > 0 && name_.multiplier > 0) {
      const int64_t chunks = (name_.in_channels + parameters_.chunk - 1) / parameters_.chunk * name_.multiplier;
      in.chunks = static_cast<int>(chunks);
    }
    in.pixels = number("pixels");
    in.batch = number("batch");
    // Of the layout's dense dimension the pitch is 1.
    const bool first = name_.channels_first;
    in.in_channel_pitch = first ? number("in_channel_pitch") : Expr(1);
    in.out_channel_pitch = first ? number("out_channel_pitch") : Expr(1);
    in.residual_channel_pitch = number("residual_channel_pitch");
    in.in_image_pitch = number("in_image_pitch");
    in.out_image_pitch = number("out_image_pitch");
    in.residual_image_pitch = number("residual_image_pitch");
    in.vectors = *vectors_;
    // Without a pointwise stage, channels of the output lie beside each other only where each input channel has one.
    if (name_.depthwise_only() && name_.multiplier != 1) in.vectors = in.vectors && in.multiplier == 1;
    for (int a = 0; a < name_.rank; a++) {
      const std::string of_axis = std::string("_") + "xyz"[a];
      const int outer = name_.rank - 1 - a;  // names count axes from the outside
      DeviceAxis axis;
      axis.kernel = number("kernel" + of_axis, name_.kernel[outer]);
      axis.stride = number("stride" + of_axis, name_.stride[outer]);
      axis.dilation = number("dilation" + of_axis, name_.dilation[outer]);
      axis.pad_before = number("pad_before" + of_axis);
      axis.in_extent = number("in_extent" + of_axis, name_.extent[outer]);
      axis.out_extent = number("out_extent" + of_axis);
      axis.in_pitch = first && a == 0 ? Expr(1) : number("in_pitch" + of_axis);
      axis.out_pitch = first && a == 0 ? Expr(1) : number("out_pitch" + of_axis);
      axis.residual_pitch = number("residual_pitch" + of_axis);
      in.axes.push_back(axis);
    }
    in.in_act = activation("in");
    in.mid_act = activation("mid");
    in.out_act = activation("out");
    return in;
  }

  // An argument, or the constant that the name fixes in its place.
  Expr number(const std::string& name, int64_t fixed = 0) const {
    return fixed > 0 ? Expr(static_cast<int>(fixed)) : Expr(*numbers_.at(name));
  }

  Activation activation(const std::string& stage) const {
    return {number(stage + "_kind"), *bounds_.at(stage + "_lo"), *bounds_.at(stage + "_hi")};
  }

  DeviceParameters parameters() {
    std::map<std::string, int> overrides;
#define SEPCONV_PARAMETER(name, ...) \
  if (name != -1) overrides[#name] = name;
#include "device_parameters.inc"
    if (!overrides.empty()) return resolve_device_parameters(name_, overrides);
    std::string warning;
    const DeviceParameters result = tuned_device_parameters(name_, tuned, &warning);
    if (!warning.empty()) std::cerr << "sepconv: warning: " << warning << "\n";
    return result;
  }

  VariantName name_;
  DeviceParameters parameters_;
  Storage storage_;
  DeviceStages stages_;
  Input<Buffer<void>>*input_, *packed_, *residual_;
  std::map<std::string, Input<int32_t>*> numbers_;
  Input<bool>* vectors_;
  std::map<std::string, Input<float>*> bounds_;
  Output<Buffer<void>>*workspace_ = nullptr, *output_;
};

}  // namespace sepconv

HALIDE_REGISTER_GENERATOR(sepconv::DeviceConv, device_conv)
