// The Generator: parameters, inputs and outputs, and three short methods. The algorithm is in pipeline.cpp, the
// schedules are in schedules/; the meaning of each input is written in runtime/include/sepconv/variant_table.h.
#include "parameters.h"
#include "pipeline.h"
#include "schedules/schedule.h"
#include "variant_name.h"

namespace sepconv {

class SeparableConv : public Halide::Generator<SeparableConv> {
 public:
  GeneratorParam<std::string> variant{"variant", ""};     // the name, without the target
  GeneratorParam<std::string> schedule_{"schedule", ""};  // x86, portable

  // Schedule parameters; -1 takes the schedule's default.
  GeneratorParam<int> vector{"vector", -1};
  GeneratorParam<int> depthwise_vector{"depthwise_vector", -1};
  GeneratorParam<int> chunk{"chunk", -1};
  GeneratorParam<int> tile_pixels{"tile_pixels", -1};
  GeneratorParam<int> tile_vectors{"tile_vectors", -1};
  GeneratorParam<int> depthwise_tile{"depthwise_tile", -1};
  GeneratorParam<int> tap_unroll{"tap_unroll", -1};
  GeneratorParam<int> tap_rows{"tap_rows", -1};
  GeneratorParam<int> stage{"stage", -1};
  GeneratorParam<int> sum_unroll{"sum_unroll", -1};
  GeneratorParam<int> sum_block{"sum_block", -1};
  GeneratorParam<int> fetch_ahead{"fetch_ahead", -1};
  GeneratorParam<int> strip_pixels{"strip_pixels", -1};

  // Declares the arguments, which depend on the rank.
  void configure() {
    name_ = parse_variant_name(variant);
    const int rank = name_.rank;
    const Halide::Type type = Halide::Float(32);
    input_ = add_input<Buffer<void>>("input", type, rank + 1);
    depthwise_ = add_input<Buffer<void>>("depthwise", type, rank + 2);
    mid_bias_ = add_input<Buffer<void>>("mid_bias", type, 1);
    pointwise_ = add_input<Buffer<void>>("pointwise", type, 3);
    out_bias_ = add_input<Buffer<void>>("out_bias", type, 1);
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
    for (const char* bound : {"mid_lo", "mid_hi", "out_lo", "out_hi"}) bounds_.push_back(add_input<float>(bound));
    output_ = add_output<Buffer<void>>("output", type, 2);
  }

  void generate() {
    std::map<std::string, int> overrides;
    for (const auto* parameter :
         {&vector, &depthwise_vector, &chunk, &tile_pixels, &tile_vectors, &depthwise_tile, &tap_unroll, &tap_rows,
          &stage, &sum_unroll, &sum_block, &fetch_ahead, &strip_pixels}) {
      if (*parameter != -1) overrides[parameter->name()] = *parameter;
    }
    parameters_ = resolve_parameters(name_, schedule_, get_target(), overrides);
    const FixedSizes sizes = fixed_sizes(name_, parameters_);

    PipelineInputs in;
    in.input = *input_;
    in.depthwise = *depthwise_;
    in.mid_bias = *mid_bias_;
    in.pointwise = *pointwise_;
    in.out_bias = *out_bias_;
    in.in_channels = fixed(name_.in_channels, input_->dim(0).extent());
    in.multiplier = fixed(name_.multiplier, *multiplier_);
    in.sum_channels = fixed(sizes.sum_channels, *sum_channels_);
    in.sum_block = fixed(sizes.sum_block, *sum_block_);
    in.ahead = *ahead_;
    in.ahead_lines = *ahead_lines_;
    in.mid_lo = *bounds_[0];
    in.mid_hi = *bounds_[1];
    in.out_lo = *bounds_[2];
    in.out_hi = *bounds_[3];
    for (int a = 0; a < name_.rank; a++) {
      const int outer = name_.rank - 1 - a;  // names count axes from the outside
      in.axes.push_back({fixed(name_.kernel[outer], depthwise_->dim(a + 1).extent()),
                         fixed(name_.stride[outer], *axes_[a].stride),
                         name_.dilation[outer] == 1 ? Expr(1) : Expr(*axes_[a].dilation), *axes_[a].pad_before,
                         *axes_[a].strip_min, *axes_[a].strip_extent});
      in.image_min.push_back(input_->dim(a + 1).min());
      in.image_extent.push_back(input_->dim(a + 1).extent());
    }

    PipelineOptions options;
    options.vector = parameters_.depthwise_vector;
    options.chunk = parameters_.chunk;
    options.panel = parameters_.tile_vectors * parameters_.vector;
    options.depthwise_tile = parameters_.depthwise_tile;
    options.sum_unroll = parameters_.sum_unroll;
    options.one_block = sizes.one_block;
    stages_ = make_pipeline(in, options, name_.rank, Halide::Float(32));
    (*output_)(stages_.f, stages_.p) = stages_.output;
    describe_buffers(options);
  }

  void schedule() {
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

  // Packed arrays are dense and aligned; the input's channels are dense, its spatial pitches free.
  void describe_buffers(const PipelineOptions& options) {
    input_->dim(0).set_min(0);
    if (name_.in_channels > 0) input_->dim(0).set_extent(static_cast<int>(name_.in_channels));

    depthwise_->dim(0).set_bounds(0, options.chunk);
    Expr stride = options.chunk;
    for (int a = 0; a < name_.rank; a++) {
      const int64_t taps = name_.kernel[name_.rank - 1 - a];
      depthwise_->dim(a + 1).set_min(0).set_stride(stride);
      if (taps > 0) depthwise_->dim(a + 1).set_extent(static_cast<int>(taps));
      stride *= fixed(taps, depthwise_->dim(a + 1).extent());
    }
    depthwise_->dim(name_.rank + 1).set_min(0).set_stride(stride);

    pointwise_->dim(0).set_bounds(0, options.panel);
    pointwise_->dim(1).set_min(0).set_stride(options.panel);
    pointwise_->dim(2).set_min(0).set_stride(pointwise_->dim(1).extent() * options.panel);
    mid_bias_->dim(0).set_min(0);
    out_bias_->dim(0).set_min(0);
    for (auto* packed : {depthwise_, mid_bias_, pointwise_, out_bias_}) packed->set_host_alignment(64);

    output_->dim(0).set_min(0);
    output_->dim(1).set_min(0);
  }

  VariantName name_;
  ScheduleParameters parameters_;
  Stages stages_;
  Input<Buffer<void>>*input_, *depthwise_, *mid_bias_, *pointwise_, *out_bias_;
  std::vector<AxisInputs> axes_;
  Input<int32_t>*multiplier_, *sum_channels_, *sum_block_;
  Input<uint64_t>* ahead_;
  Input<int32_t>* ahead_lines_;
  std::vector<Input<float>*> bounds_;
  Output<Buffer<void>>* output_;
};

}  // namespace sepconv

HALIDE_REGISTER_GENERATOR(sepconv::SeparableConv, separable_conv)
