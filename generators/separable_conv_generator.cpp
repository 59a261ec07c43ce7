// The Generator: parameters, inputs and outputs, and three short methods. The algorithm is in pipeline.cpp, the
// schedules are in schedules/; the meaning of each input is written in runtime/include/sepconv/variant_table.h.
#include <algorithm>
#include <iostream>

#include "parameters.h"
#include "pipeline.h"
#include "plain.h"
#include "schedules/schedule.h"
#include "variant_name.h"

namespace sepconv {

class SeparableConv : public Halide::Generator<SeparableConv> {
 public:
  GeneratorParam<std::string> variant{"variant", ""};     // the name, without the target
  GeneratorParam<std::string> schedule_{"schedule", ""};  // x86, portable

  GeneratorParam<std::string> tuned{"tuned", ""};  // a tuning record, chunk:32,stage:0, in place of the defaults

  // Schedule parameters; -1 takes the schedule's default. They stand in place of a record.
  GeneratorParam<int> vector{"vector", -1};
  GeneratorParam<int> depthwise_vector{"depthwise_vector", -1};
  GeneratorParam<int> chunk{"chunk", -1};
  GeneratorParam<int> tile_pixels{"tile_pixels", -1};
  GeneratorParam<int> tile_channels{"tile_channels", -1};
  GeneratorParam<int> tile_vectors{"tile_vectors", -1};
  GeneratorParam<int> panel_lanes{"panel_lanes", -1};
  GeneratorParam<int> depthwise_tile{"depthwise_tile", -1};
  GeneratorParam<int> depthwise_rows{"depthwise_rows", -1};
  GeneratorParam<int> tap_unroll{"tap_unroll", -1};
  GeneratorParam<int> tap_rows{"tap_rows", -1};
  GeneratorParam<int> stage{"stage", -1};
  GeneratorParam<int> sum_unroll{"sum_unroll", -1};
  GeneratorParam<int> sum_block{"sum_block", -1};
  GeneratorParam<int> panel_inner{"panel_inner", -1};
  GeneratorParam<int> fetch_ahead{"fetch_ahead", -1};
  GeneratorParam<int> fetch_output{"fetch_output", -1};
  GeneratorParam<int> strip_pixels{"strip_pixels", -1};

  // Declares the arguments, which depend on rank and type.
  void configure() {
    name_ = parse_variant_name(variant);
    const int rank = name_.rank;
    const Halide::Type type = element_type(name_);
    input_ = add_input<Buffer<void>>("input", type, rank + 1);
    depthwise_ = add_input<Buffer<void>>("depthwise", type, rank + 2);
    mid_bias_ = add_input<Buffer<void>>("mid_bias", type, 1);
    pointwise_ = add_input<Buffer<void>>("pointwise", type, 3);
    out_bias_ = add_input<Buffer<void>>("out_bias", type, 1);
    residual_ = add_input<Buffer<void>>("residual", type, 2);
    for (int a = 0; a < rank; a++) {
      const std::string axis(1, "xyz"[a]);
      axes_.push_back({add_input<int32_t>("stride_" + axis), add_input<int32_t>("dilation_" + axis),
                       add_input<int32_t>("pad_before_" + axis), add_input<int32_t>("strip_min_" + axis),
                       add_input<int32_t>("strip_extent_" + axis)});
    }
    multiplier_ = add_input<int32_t>("depth_multiplier");
    sum_channels_ = add_input<int32_t>("sum_channels");
    sum_block_ = add_input<int32_t>("sum_block_channels");
    ahead_ = add_input<uint64_t>("ahead");
    ahead_lines_ = add_input<int32_t>("ahead_lines");
    output_is_large_ = add_input<int32_t>("output_is_large");
    for (const char* kind : {"in_kind", "mid_kind", "out_kind"}) kinds_.push_back(add_input<int32_t>(kind));
    for (const char* bound : {"in_lo", "in_hi", "mid_lo", "mid_hi", "out_lo", "out_hi"}) {
      bounds_.push_back(add_input<float>(bound));
    }
    output_ = add_output<Buffer<void>>("output", type, name_.depthwise_only() ? 3 : 2);
  }

  void generate() {
    std::map<std::string, int> overrides;
    for (const auto* parameter : {&vector, &depthwise_vector, &chunk, &tile_pixels, &tile_channels, &tile_vectors,
                                  &panel_lanes, &depthwise_tile, &depthwise_rows, &tap_unroll, &tap_rows, &stage,
                                  &sum_unroll, &sum_block, &panel_inner, &fetch_ahead, &fetch_output, &strip_pixels}) {
      if (*parameter != -1) overrides[parameter->name()] = *parameter;
    }
    if (overrides.empty()) {
      std::string warning;
      parameters_ = tuned_parameters(name_, schedule_, get_target(), tuned, &warning);
      if (!warning.empty()) std::cerr << "sepconv: warning: " << warning << "\n";
    } else {
      parameters_ = resolve_parameters(name_, schedule_, get_target(), overrides);
    }
    const FixedSizes sizes = fixed_sizes(name_, parameters_);

    PipelineInputs in;
    in.input = *input_;
    in.depthwise = *depthwise_;
    in.mid_bias = *mid_bias_;
    in.pointwise = *pointwise_;
    in.out_bias = *out_bias_;
    in.residual = *residual_;
    in.in_channels = fixed(name_.in_channels, input_->dim(channel_dim()).extent());
    if (name_.channels_multiple > 1) {
      const auto multiple = static_cast<int>(name_.channels_multiple);
      in.in_channels = in.in_channels / multiple * multiple;  // so that the compiler knows it, too
    }
    in.multiplier = fixed(name_.multiplier, *multiplier_);
    in.sum_channels = fixed(sizes.sum_channels, *sum_channels_);
    in.sum_block = fixed(sizes.sum_block, *sum_block_);
    in.ahead = *ahead_;
    in.ahead_lines = *ahead_lines_;
    in.output_is_large = *output_is_large_;
    in.in_act = activation(0);
    in.mid_act = activation(1);
    in.out_act = activation(2);
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

    PipelineOptions options;
    options.vector = parameters_.depthwise_vector;
    // Most channel counts are multiples of 8; a copy in such pieces costs no more than one in wider vectors.
    if (!name_.channels_first && !name_.channels_come_in(options.vector)) {
      options.vector = std::min(options.vector, 8);
    }
    options.sum_vector = parameters_.vector;
    const TileSizes tile = tile_sizes(name_, parameters_);
    options.chunk = parameters_.chunk;
    options.panel = tile.panel_channels;
    options.tile_pixels = tile.tile_pixels;
    options.depthwise_tile = tile.depthwise_tile;
    options.sum_unroll = parameters_.sum_unroll;
    options.one_block = sizes.one_block;
    options.channels_first = name_.channels_first;
    options.depthwise_only = name_.depthwise_only();
    options.depthwise_rows = parameters_.depthwise_rows;
    options.panel_lanes = parameters_.panel_lanes == 1;
    options.phases = name_.channels_first && name_.stride.back() != 1;
    if (name_.channels_first) know_width(&in, &options);
    options.curves = name_.curves();
    options.input_activation = takes_input_activation(name_, parameters_);
    options.masked_taps = masks_taps(name_, parameters_);
    if (using_autoscheduler()) {
      if (name_.channels_first || name_.multiplier != 1 || name_.curves() || name_.in_channels == 0)
        throw std::invalid_argument("variant " + name_.text + ": no plain form for an autoscheduler");
      (*output_)(stages_.f, stages_.p) = plain_output(in, options, stages_.f, stages_.p, element_type(name_));
    } else {
      stages_ = make_pipeline(in, options, name_.rank, element_type(name_));
      define_output(in.out_act);
    }
    describe_buffers(options);
  }

  void schedule() {
    if (using_autoscheduler()) return set_estimates();
    const Schedule& schedule = find_schedule(schedule_);
    schedule.apply(stages_, *output_, parameters_);
    schedule.add_passes(get_pipeline(), stages_, Func(*output_).name(), parameters_);
  }

 private:
  struct AxisInputs {
    Input<int32_t>*stride, *dilation, *pad_before, *strip_min, *strip_extent;
  };

  static Expr fixed(int64_t value, const Expr& otherwise) {
    return value > 0 ? Expr(static_cast<int>(value)) : otherwise;
  }

  // The dimension of `input` that holds the channels, and the one that holds axis a (0 is x).
  int channel_dim() const { return name_.channels_first ? name_.rank : 0; }
  int spatial_dim(int a) const { return name_.channels_first ? a : a + 1; }

  // Of the input (0), the middle (1) and the output (2).
  Activation activation(int stage) const {
    const auto bound = [&](int i) { return Halide::cast(element_type(name_), *bounds_[i]); };
    return {*kinds_[stage], bound(2 * stage), bound(2 * stage + 1)};
  }

  // Rows with a fixed extent get the input whole along x. With a fixed kernel, the outputs there are as many as SAME
  // gives, or the padding that PyTorch and ONNX write for it.
  void know_width(PipelineInputs* in, PipelineOptions* options) const {
    const int64_t width = name_.extent.back(), stride = name_.stride.back();
    if (name_.rank == 1 || width == 0) return;
    options->known_width = width;
    in->axes[0].strip_min = in->image_min[0] = 0;
    in->image_extent[0] = static_cast<int>(width);
    if (stride == 0 || name_.kernel.back() == 0 || name_.dilation.back() == 0) return;
    options->usual_width = (width + stride - 1) / stride;
    const int64_t reach = (name_.kernel.back() - 1) * name_.dilation.back();
    const int64_t same = std::max<int64_t>((options->usual_width - 1) * stride + reach + 1 - width, 0) / 2;
    options->usual_pads.push_back(static_cast<int>(same));
    if (reach / 2 != same) options->usual_pads.push_back(static_cast<int>(reach / 2));
  }

  void define_output(const Activation& out_act) {
    Stages& s = stages_;
    std::vector<Var> at{s.f, s.p};
    if (name_.depthwise_only()) at = {s.m, s.c, s.p};
    if (name_.channels_first) std::rotate(at.begin(), at.end() - 1, at.end());
    if (s.options.channels_first && !s.options.depthwise_only && !s.options.panel_lanes) {
      (*output_)(at) = Halide::undef(element_type(name_));
      (*output_)(s.tile_pixel, s.f) = s.tile_output;
      (*output_)(s.tail_pixel, s.f) = s.tail_output;
    } else {
      (*output_)(at) = s.output;
    }
    if (!s.options.curves || s.options.depthwise_only) return;
    s.out_pass = RDom(0, curve_passes(out_act), "out_pass");
    (*output_)(at) = in_pass(s.out_pass, curve_activation((*output_)(at), out_act));
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

    pointwise_->dim(0).set_bounds(0, options.panel);
    pointwise_->dim(1).set_min(0).set_stride(options.panel);
    pointwise_->dim(2).set_min(0).set_stride(pointwise_->dim(1).extent() * options.panel);
    mid_bias_->dim(0).set_min(0);
    out_bias_->dim(0).set_min(0);
    for (auto* packed : {depthwise_, mid_bias_, pointwise_, out_bias_}) packed->set_host_alignment(64);

    for (int d = 0; d < 2; d++) residual_->dim(d).set_min(0);
    for (int d = 0; d < (name_.depthwise_only() ? 3 : 2); d++) output_->dim(d).set_min(0);
    if (name_.depthwise_only() && !name_.channels_first)
      output_->dim(1).set_stride(fixed(name_.multiplier, *multiplier_));
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
    multiplier_->set_estimate(static_cast<int>(name_.multiplier));
    sum_channels_->set_estimate(sum);
    sum_block_->set_estimate(static_cast<int>(sizes.sum_block));
    ahead_->set_estimate(0);
    ahead_lines_->set_estimate(0);
    output_is_large_->set_estimate(0);
    for (auto* kind : kinds_) kind->set_estimate(0);
    for (auto* bound : bounds_) bound->set_estimate(0.0F);
  }

  VariantName name_;
  ScheduleParameters parameters_;
  Stages stages_;
  Input<Buffer<void>>*input_, *depthwise_, *mid_bias_, *pointwise_, *out_bias_, *residual_;
  std::vector<AxisInputs> axes_;
  Input<int32_t>*multiplier_, *sum_channels_, *sum_block_;
  Input<uint64_t>* ahead_;
  Input<int32_t>*ahead_lines_, *output_is_large_;
  std::vector<Input<int32_t>*> kinds_;
  std::vector<Input<float>*> bounds_;
  Output<Buffer<void>>* output_;
};

}  // namespace sepconv

HALIDE_REGISTER_GENERATOR(sepconv::SeparableConv, separable_conv)
