// The Generator: parameters, inputs and outputs, and three short methods. The algorithm is in pipeline.cpp, the
// schedules are in schedules/; the meaning of each input is written in runtime/include/sepconv/leaf_arguments.inc.
#include <algorithm>
#include <iostream>

#include "parameters.h"
#include "pipeline.h"
#include "pipeline_options.h"
#include "plain.h"
#include "schedules/checked_scratch.h"
#include "schedules/high_halves.h"
#include "schedules/schedule.h"
#include "storage.h"
#include "variant_name.h"

namespace sepconv {

class SeparableConv : public Halide::Generator<SeparableConv> {
 public:
  GeneratorParam<std::string> variant{"variant", ""};     // the name, without the target
  GeneratorParam<std::string> schedule_{"schedule", ""};  // x86, portable

  GeneratorParam<std::string> tuned{"tuned", ""};  // a tuning record, chunk:32,stage:0, in place of the defaults

  // Schedule parameters; -1 takes the schedule's default. They stand in place of a record.
#define SEPCONV_PARAMETER(name, ...) GeneratorParam<int> name{#name, -1};
#include "schedule_parameters.inc"

  // Declares the arguments, which depend on rank and type.
  void configure() {
    name_ = parse_variant_name(variant);
    const int rank = name_.rank;
    storage_ = storage_for(element_type(name_), get_target());
    const Halide::Type tensor = storage_.stored(), weight = tensor, scale = Halide::Int(32),
                       bias = name_.integers ? Halide::Int(32) : tensor;
    axes_.resize(rank);
#define SEPCONV_LEAF_INPUT(name, element, dimensions) name##_ = add_input<Buffer<void>>(#name, element, dimensions);
#define SEPCONV_LEAF_QUANTISED if (name_.integers) {
#define SEPCONV_LEAF_END_QUANTISED }
#define SEPCONV_LEAF_AXES for (int a = 0; a < rank; a++) {
#define SEPCONV_LEAF_AXIS(name) axes_[a].name = add_input<int32_t>(std::string(#name "_") + "xyz"[a]);
#define SEPCONV_LEAF_END_AXES }
#define SEPCONV_LEAF_NUMBER(type, name, field) name##_ = add_input<type>(#name);
#define SEPCONV_LEAF_OUTPUT(name, dimensions, depthwise_dimensions) \
  name##_ = add_output<Buffer<void>>(#name, tensor, name_.depthwise_only() ? depthwise_dimensions : dimensions);
#include "sepconv/leaf_arguments.inc"
  }

  void generate() {
    parameters_ = parameters();
    const PipelineOptions options = pipeline_options(name_, parameters_, get_target());
    const PipelineInputs in = pipeline_inputs();
    if (using_autoscheduler()) {
      if (name_.channels_first || name_.multiplier != 1 || name_.all_activations() || name_.in_channels == 0)
        throw std::invalid_argument("variant " + name_.text + ": no plain form for an autoscheduler");
      (*output_)(stages_.f, stages_.p) = plain_output(in, options, stages_.f, stages_.p, computed_type(name_));
    } else {
      stages_ = make_pipeline(in, options, name_.rank, computed_type(name_));
      define_output(in.out_act);
    }
    describe_buffers(options);
  }

  void schedule() {
    if (using_autoscheduler()) return set_estimates();
    const Schedule& schedule = find_schedule(schedule_);
    schedule.apply(stages_, *output_, parameters_);
    schedule.add_passes(get_pipeline(), stages_, Func(*output_).name(), parameters_);
    if (name_.integers && wide_products()) multiply_even_and_odd_lanes(get_pipeline());
    check_scratch(get_pipeline());
  }

 private:
  struct AxisInputs {
    Input<int32_t>*stride, *dilation, *pad_before, *strip_min, *strip_extent;
  };

  ScheduleParameters parameters() {
    std::map<std::string, int> overrides;
#define SEPCONV_PARAMETER(name, ...) \
  if (name != -1) overrides[#name] = name;
#include "schedule_parameters.inc"
    if (!overrides.empty()) return resolve_parameters(name_, schedule_, get_target(), overrides);
    std::string warning;
    const ScheduleParameters result = tuned_parameters(name_, schedule_, get_target(), tuned, &warning);
    if (!warning.empty()) std::cerr << "sepconv: warning: " << warning << "\n";
    return result;
  }

  // The arguments, or in their place the constants that the name fixes.
  PipelineInputs pipeline_inputs() const {
    const FixedSizes sizes = fixed_sizes(name_, parameters_);
    PipelineInputs in;
    // What is summed in integers is taken as it is stored.
    const auto summed = [&](const Func& array) { return name_.integers ? array : storage_.widened(array); };
    in.input = storage_.widened(*input_);
    in.depthwise = storage_.widened(*depthwise_);
    in.mid_bias = summed(*mid_bias_);
    in.pointwise = summed(*pointwise_);
    in.out_bias = summed(*out_bias_);
    in.residual = storage_.widened(*residual_);
    in.in_channels = fixed(name_.in_channels, input_->dim(channel_dim()).extent());
    if (name_.channels_multiple > 1) {
      const auto multiple = static_cast<int>(name_.channels_multiple);
      in.in_channels = in.in_channels / multiple * multiple;  // so that the compiler knows it, too
    }
    in.multiplier = fixed(name_.multiplier, *depth_multiplier_);
    in.sum_channels = fixed(sizes.sum_channels, *sum_channels_);
    in.sum_block = fixed(sizes.sum_block, *sum_block_channels_);
    in.ahead = *ahead_;
    in.ahead_lines = *ahead_lines_;
    in.output_is_large = *output_is_large_;
    in.in_act = activation(*in_kind_, *in_lo_, *in_hi_);
    in.mid_act = activation(*mid_kind_, *mid_lo_, *mid_hi_);
    in.out_act = activation(*out_kind_, *out_lo_, *out_hi_);
    in.output_pixels = output_->dim(name_.channels_first ? 0 : output_->dimensions() - 1).extent();
    for (int a = 0; a < name_.rank; a++) {
      const int outer = name_.rank - 1 - a;  // names count axes from the outside
      in.axes.push_back({fixed(name_.kernel[outer], depthwise_->dim(a + 1).extent()),
                         fixed(name_.stride[outer], *axes_[a].stride),
                         name_.dilation[outer] == 1 ? Expr(1) : Expr(*axes_[a].dilation), *axes_[a].pad_before,
                         *axes_[a].strip_min, *axes_[a].strip_extent});
      in.image_min.push_back(input_->dim(spatial_dim(a)).min());
      in.image_extent.push_back(input_->dim(spatial_dim(a)).extent());
    }
    if (name_.integers) add_quantisation(&in);
    if (const int64_t width = known_width(name_); width > 0) {
      in.axes[0].strip_min = in.image_min[0] = 0;
      in.image_extent[0] = static_cast<int>(width);
    }
    return in;
  }

  // The input as the numbers that its elements stand for, but for their scale; 0 beside the image is then 0.
  void add_quantisation(PipelineInputs* in) const {
    const std::vector<Var> at(input_->dimensions());
    Func numbers("numbers");
    numbers(at) = cast<float>(flipped((*input_)(at))) - cast<float>(Expr(*input_zero_point_));
    in->input = numbers;
    const auto integer = [](const Expr& bound) { return cast<int32_t>(bound); };
    in->mid_requantiser = {*mid_scale_,       *rounding_,        *wide_sums_,    *mid_zero_point_,
                           integer(*mid_lo_), integer(*mid_hi_), wide_products()};
    in->out_requantiser = {*out_scale_,       *rounding_,        *wide_sums_,    *output_zero_point_,
                           integer(*out_lo_), integer(*out_hi_), wide_products()};
  }

  // Whether the target has vpmuldq for whole vectors.
  bool wide_products() const { return get_target().has_feature(Halide::Target::AVX2); }

  // An element of a tensor of uint8 as that of int8, and back.
  Expr flipped(const Expr& element) const { return element ^ cast<int8_t>(Expr(*flip_)); }

  static Expr fixed(int64_t value, const Expr& otherwise) {
    return value > 0 ? Expr(static_cast<int>(value)) : otherwise;
  }

  // The dimension of `input` that holds the channels, and the one that holds axis a (0 is x).
  int channel_dim() const { return name_.channels_first ? name_.rank : 0; }
  int spatial_dim(int a) const { return name_.channels_first ? a : a + 1; }

  Activation activation(const Expr& kind, const Expr& lo, const Expr& hi) const {
    const Halide::Type type = computed_type(name_);
    return {kind, Halide::cast(type, lo), Halide::cast(type, hi)};
  }

  // Whether the output has an activation that may be none of the clamps.
  bool takes_output_activation() const { return stages_.options.all_activations && !stages_.options.depthwise_only; }

  Expr stored_output(const Expr& value, const Activation& out_act) const {
    if (name_.integers) return flipped(value);
    if (!storage_.halves()) return value;
    return storage_.narrow(takes_output_activation() ? any_activation(value, out_act) : value);
  }

  void define_output(const Activation& out_act) {
    Stages& s = stages_;
    std::vector<Var> at{s.f, s.p};
    if (name_.depthwise_only()) at = {s.m, s.c, s.p};
    if (name_.channels_first) std::rotate(at.begin(), at.end() - 1, at.end());
    if (s.options.channels_first && !s.options.depthwise_only && !s.options.nchw.panel_lanes) {
      (*output_)(at) = Halide::undef(storage_.stored());
      for (const PixelTiles* tiles : {&s.nchw.main, &s.nchw.tail})
        (*output_)(tiles->pixel, s.f) = stored_output(tiles->output, out_act);
    } else {
      (*output_)(at) = stored_output(s.output, out_act);
    }
    // A pass over the finished output, but not where that was rounded when it was stored.
    if (!takes_output_activation() || storage_.halves()) return;
    s.out_pass = RDom(0, general_passes(out_act), "out_pass");
    (*output_)(at) = in_pass(s.out_pass, general_activation((*output_)(at), out_act));
  }

  // Packed arrays are dense and aligned. Of input, residual and output the innermost axis is dense, the other pitches
  // are free; the depthwise stage's output is dense in its channels.
  void describe_buffers(const PipelineOptions& options) {
    input_->dim(channel_dim()).set_min(0);
    if (name_.in_channels > 0) input_->dim(channel_dim()).set_extent(static_cast<int>(name_.in_channels));

    // Of a kernel that is not fixed only a part may be shown: then the pitches beyond x are free.
    const bool fixed_kernel = std::count(name_.kernel.begin(), name_.kernel.end(), 0) == 0;
    depthwise_->dim(0).set_bounds(0, options.chunk);
    int64_t pitch = options.chunk;
    for (int a = 0; a <= name_.rank; a++) {
      depthwise_->dim(a + 1).set_min(0);
      if (a == 0 || fixed_kernel) depthwise_->dim(a + 1).set_stride(static_cast<int>(pitch));
      if (a == name_.rank || !fixed_kernel) continue;
      const int64_t taps = name_.kernel[name_.rank - 1 - a];
      depthwise_->dim(a + 1).set_extent(static_cast<int>(taps));
      pitch *= taps;
    }

    const int lanes = options.panel * options.dot.group;
    pointwise_->dim(0).set_bounds(0, lanes);
    pointwise_->dim(1).set_min(0).set_stride(lanes);
    pointwise_->dim(2).set_min(0).set_stride(pointwise_->dim(1).extent() * lanes);
    mid_bias_->dim(0).set_min(0);
    out_bias_->dim(0).set_min(0);
    for (auto* packed : {depthwise_, mid_bias_, pointwise_, out_bias_}) packed->set_host_alignment(64);

    for (int d = 0; d < 2; d++) residual_->dim(d).set_min(0);
    for (int d = 0; d < (name_.depthwise_only() ? 3 : 2); d++) output_->dim(d).set_min(0);
    if (name_.depthwise_only() && !name_.channels_first)
      output_->dim(1).set_stride(fixed(name_.multiplier, *depth_multiplier_));
  }

  // For one of Halide's autoschedulers, which is told of a layer by its estimates: the first task of strip_pixels. The
  // name fixes everything, and channels come last.
  void set_estimates() {
    const int rank = name_.rank;
    const FixedSizes sizes = fixed_sizes(name_, parameters_);
    const auto channels = static_cast<int>(name_.in_channels), outputs = static_cast<int>(name_.out_channels);
    const int panel = tile_sizes(name_, parameters_).panel_channels, chunk = parameters_.chunk;
    const auto sum = static_cast<int>(sizes.sum_channels), filled = (outputs + panel - 1) / panel * panel;
    std::vector<int> taps;
    const int most = parameters_.strip_pixels > 0 ? parameters_.strip_pixels : 1024;
    int pixels = 1;
    input_->dim(channel_dim()).set_estimate(0, channels);
    for (int a = 0; a < rank; a++) {
      const auto outer = static_cast<size_t>(rank - 1 - a);
      const auto extent = static_cast<int>(name_.extent[outer]), stride = static_cast<int>(name_.stride[outer]);
      const int output = std::clamp(most / pixels, 1, (extent + stride - 1) / stride);
      taps.push_back(static_cast<int>(name_.kernel[outer]));
      pixels *= output;
      input_->dim(spatial_dim(a)).set_estimate(0, extent);
      axes_[a].stride->set_estimate(stride);
      axes_[a].dilation->set_estimate(static_cast<int>(name_.dilation[outer]));
      axes_[a].pad_before->set_estimate(taps.back() / 2);
      axes_[a].strip_min->set_estimate(0);
      axes_[a].strip_extent->set_estimate(output);
      depthwise_->dim(a + 1).set_estimate(0, taps.back());
    }
    depthwise_->dim(0).set_estimate(0, chunk);
    depthwise_->dim(rank + 1).set_estimate(0, sum / chunk);
    mid_bias_->dim(0).set_estimate(0, sum);
    pointwise_->dim(0).set_estimate(0, panel);
    pointwise_->dim(1).set_estimate(0, sum);
    pointwise_->dim(2).set_estimate(0, filled / panel);
    out_bias_->dim(0).set_estimate(0, filled);
    residual_->dim(0).set_estimate(0, outputs);
    residual_->dim(1).set_estimate(0, pixels);
    output_->dim(0).set_estimate(0, outputs);
    output_->dim(1).set_estimate(0, pixels);
#define SEPCONV_LEAF_INPUT(name, element, dimensions)
#define SEPCONV_LEAF_AXES
#define SEPCONV_LEAF_AXIS(name)
#define SEPCONV_LEAF_END_AXES
#define SEPCONV_LEAF_QUANTISED if (name_.integers) {
#define SEPCONV_LEAF_END_QUANTISED }
#define SEPCONV_LEAF_NUMBER(type, name, field) name##_->set_estimate(type{0});
#define SEPCONV_LEAF_OUTPUT(name, dimensions, depthwise_dimensions)
#include "sepconv/leaf_arguments.inc"
    depth_multiplier_->set_estimate(static_cast<int>(name_.multiplier));
    sum_channels_->set_estimate(sum);
    sum_block_channels_->set_estimate(static_cast<int>(sizes.sum_block));
  }

  VariantName name_;
  ScheduleParameters parameters_;
  Storage storage_;
  Stages stages_;
  std::vector<AxisInputs> axes_;
#define SEPCONV_LEAF_QUANTISED
#define SEPCONV_LEAF_END_QUANTISED
#define SEPCONV_LEAF_INPUT(name, element, dimensions) Input<Buffer<void>>* name##_;
#define SEPCONV_LEAF_AXES
#define SEPCONV_LEAF_AXIS(name)
#define SEPCONV_LEAF_END_AXES
#define SEPCONV_LEAF_NUMBER(type, name, field) Input<type>* name##_;
#define SEPCONV_LEAF_OUTPUT(name, dimensions, depthwise_dimensions) Output<Buffer<void>>* name##_;
#include "sepconv/leaf_arguments.inc"
};

}  // namespace sepconv

HALIDE_REGISTER_GENERATOR(sepconv::SeparableConv, separable_conv)
