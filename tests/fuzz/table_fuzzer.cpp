// Tables of variants with fields near legal ones, and far from them. What is refused names the field and is not planned
// with; what is accepted plans and runs, its entry being the plain loops of tests/support with the table's own numbers.
#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/fuzz.h"
#include "support/halves.h"
#include "support/loop_compute.h"
#include "support/reference.h"

namespace sepconv::test {
namespace {

// Nothing can be taken out of the registry again, so one table stands in it for good, and is empty between two inputs.
constexpr size_t kMost = 2;
sepconv_variant variants[kMost];
sepconv_variant_table table = {SEPCONV_VARIANT_ABI, sizeof(sepconv_variant), "fuzzed", variants, 0};
const sepconv_variant* chosen;  // by the plan that runs

// A number that a variant fixes along all axes; 0 where the axes differ.
int fixed(const int64_t (&values)[SEPCONV_MAX_SPATIAL_RANK]) {
  return std::all_of(values, values + chosen->spatial_rank, [&](int64_t value) { return value == values[0]; })
             ? static_cast<int>(values[0])
             : 0;
}

int call(void** arguments) {
  const sepconv_variant& v = *chosen;
  const loop::Compiled compiled = {v.spatial_rank,
                                   v.tile_pixels,
                                   v.depthwise_tile,
                                   v.chunk_channels,
                                   v.panel_channels,
                                   fixed(v.stride),
                                   fixed(v.dilation) == 1,  // other dilations are read from the call all the same
                                   fixed(v.kernel_extent),
                                   static_cast<int>(v.depth_multiplier),
                                   static_cast<int>(v.in_channels),
                                   static_cast<int>(v.out_channels),
                                   static_cast<int>(v.in_extent[v.spatial_rank - 1])};
  const int kind = (v.layout == SEPCONV_LAYOUT_CHANNELS_FIRST ? loop::kFirst : loop::kLast) |
                   (v.stages == SEPCONV_STAGES_DEPTHWISE ? loop::kDepthwise : 0);
  switch (v.input_dtype) {
    case SEPCONV_DTYPE_F64:
      return loop::run<double>(arguments, compiled, kind);
    case SEPCONV_DTYPE_F16:
      return loop::run<Float16>(arguments, compiled, kind);
    case SEPCONV_DTYPE_BF16:
      return loop::run<BFloat16>(arguments, compiled, kind);
    default:
      return loop::run<float>(arguments, compiled, kind);
  }
}

// A variant that takes the problem, with some of what it may fix.
sepconv_variant draw_variant(Draw& draw, const sepconv_problem& given, const char* name) {
  const sepconv_problem p = completed(given);
  const auto legal = [](int64_t value) { return value <= INT32_MAX ? value : 0; };
  const auto fix = [&](int64_t value) { return draw.one_in(4) ? legal(value) : 0; };
  sepconv_variant v = {};
  v.name = name;
  v.target = "portable";
  v.entry = call;
  v.spatial_rank = p.spatial_rank;
  v.layout = p.layout;
  v.input_dtype = p.input_dtype;
  v.weight_dtype = p.weight_dtype;
  v.output_dtype = p.output_dtype;
  v.stages = p.stages == SEPCONV_STAGES_DEPTHWISE ? SEPCONV_STAGES_DEPTHWISE : SEPCONV_STAGES_BOTH;
  v.activations = v.input_activation = 1;
  const bool fixes_image = draw.one_in(6);
  for (int axis = 0; axis < p.spatial_rank; ++axis) {
    v.kernel_extent[axis] = fix(p.kernel_extent[axis]);
    v.stride[axis] = fix(p.stride[axis]);
    v.dilation[axis] = fix(p.dilation[axis]);
    if (fixes_image) v.in_extent[axis] = legal(p.in_extent[axis]);
  }
  v.depth_multiplier = fix(p.depth_multiplier);
  v.in_channels = fix(p.in_channels);
  v.out_channels = fix(p.out_channels);
  v.channels_multiple = draw.one_in(4) ? draw.between(0, 4) : 0;
  v.max_image_bytes = draw.one_in(8) ? draw.between(0, 9999) : 0;
  v.max_reads = draw.one_in(8) ? draw.between(0, 40) : 0;
  v.min_pointwise_bytes = draw.one_in(8) ? draw.between(0, 9999) : 0;
  v.chunk_channels = 4 * draw.between(1, 5);
  v.panel_channels = draw.between(1, 24);
  v.tile_pixels = draw.between(1, 12);
  v.depthwise_tile = draw.between(1, 9);
  v.depthwise_rows = draw.between(1, 3);
  v.sum_block = draw.between(0, 80);
  v.strip_pixels = draw.one_in(2) ? draw.between(0, 60) : 0;
  return v;
}

// One field becomes anything. Returns its name.
std::string spoil(Draw& draw, sepconv_variant* v) {
  const int axis = draw.between(0, SEPCONV_MAX_SPATIAL_RANK - 1);
  const struct {
    const char* name;
    void* field;
    size_t size;
  } fields[] = {
#define SEPCONV_FIELD(name) {#name, &v->name, sizeof v->name}
      SEPCONV_FIELD(spatial_rank),
      SEPCONV_FIELD(layout),
      SEPCONV_FIELD(input_dtype),
      SEPCONV_FIELD(weight_dtype),
      SEPCONV_FIELD(output_dtype),
      SEPCONV_FIELD(stages),
      SEPCONV_FIELD(activations),
      SEPCONV_FIELD(input_activation),
      SEPCONV_FIELD(depth_multiplier),
      SEPCONV_FIELD(in_channels),
      SEPCONV_FIELD(out_channels),
      SEPCONV_FIELD(channels_multiple),
      SEPCONV_FIELD(max_image_bytes),
      SEPCONV_FIELD(max_reads),
      SEPCONV_FIELD(min_pointwise_bytes),
      SEPCONV_FIELD(chunk_channels),
      SEPCONV_FIELD(panel_channels),
      SEPCONV_FIELD(tile_pixels),
      SEPCONV_FIELD(depthwise_tile),
      SEPCONV_FIELD(depthwise_rows),
      SEPCONV_FIELD(sum_block),
      SEPCONV_FIELD(strip_pixels),
      SEPCONV_FIELD(split),
      SEPCONV_FIELD(object_size),
#undef SEPCONV_FIELD
      {"kernel_extent", &v->kernel_extent[axis], sizeof(int64_t)},
      {"stride", &v->stride[axis], sizeof(int64_t)},
      {"dilation", &v->dilation[axis], sizeof(int64_t)},
      {"in_extent", &v->in_extent[axis], sizeof(int64_t)}};
  constexpr int count = std::size(fields);
  const int which = draw.between(0, count + 2);
  switch (which - count) {
    case 0:
      return v->name = nullptr, "name";
    case 1:
      return v->target = draw.one_in(2) ? nullptr : "no_such_target", "target";
    case 2:
      return v->entry = nullptr, "entry";
    default:
      const int64_t value = draw.wild_number();
      std::memcpy(fields[which].field, &value, fields[which].size);  // of a smaller field the low bytes
      return fields[which].name;
  }
}

// False where the loops would need more memory than the fuzzer has.
bool affordable_tiles(const sepconv_variant& v) { return int64_t{v.tile_pixels} * v.panel_channels <= 1 << 20; }

void run(const sepconv_problem& problem, const sepconv_plan& plan) {
  chosen = std::find_if(variants, variants + table.variant_count,
                        [&](const sepconv_variant& v) { return v.name == sepconv_plan_variant(&plan); });
  require(chosen != variants + table.variant_count, "a plan has a variant of the table");
  if (!affordable(problem, plan) || !affordable_tiles(*chosen)) return;
  const Memory packed = pack(problem, plan, 1);
  RunBuffers buffers(problem, plan, packed, 2);
  require(sepconv_plan_run(&plan, &buffers.arguments) == SEPCONV_OK, "what is accepted runs");
  require(buffers.only_output_written(problem, true), "nothing but the output is written");
  count_reached();
}

void check_head(Draw& draw) {
  sepconv_variant_table head = table;
  const char* field = "name";
  switch (draw.between(0, 3)) {
    case 0:
      head.abi += draw.between<uint32_t>(1, UINT32_MAX), field = "abi";
      break;
    case 1:
      head.variant_size += draw.between<uint32_t>(1, UINT32_MAX), field = "variant_size";
      break;
    case 2:
      head.variants = nullptr, field = "variants";
      break;
    default:
      head.name = nullptr;
  }
  require(sepconv_register(&head) == SEPCONV_INVALID_ARGUMENT, "a damaged table is refused");
  require(std::strstr(sepconv_last_error(), field) != nullptr, "a refusal names the field");
}

}  // namespace

void fuzz(Draw& draw) {
  constexpr const char* kNames[kMost] = {"a_portable", "b_portable"};
  const sepconv_problem problem = draw_problem(draw);
  int64_t out_extent[SEPCONV_MAX_SPATIAL_RANK];
  if (sepconv_output_extent(&problem, out_extent) != SEPCONV_OK) return;
  table.variant_count = draw.between<size_t>(1, kMost);
  std::vector<std::string> spoilt;
  for (size_t i = 0; i < table.variant_count; ++i) {
    variants[i] = draw_variant(draw, problem, kNames[i]);
    for (int n = draw.one_in(2) ? draw.between(0, 2) : 0; n > 0; --n) spoilt.push_back(spoil(draw, &variants[i]));
  }
  if (draw.one_in(8)) check_head(draw);
  const sepconv_status status = sepconv_register(&table);
  if (status == SEPCONV_OK) {
    for (size_t i = 0; sepconv_variant_name(i, nullptr) != nullptr; ++i) require(i < kMost, "the variants are listed");
    const Plan plan = make_plan(problem);
    if (plan != nullptr) {
      std::vector<char> text(draw.between<size_t>(1, 600));
      require(sepconv_plan_explain(plan.get(), text.data(), text.size()) == SEPCONV_OK, "a plan is explained");
      run(problem, *plan);
    }
  } else {
    const std::string said = sepconv_last_error();
    require(status == SEPCONV_INVALID_ARGUMENT, "a table that makes no sense is an invalid argument");
    require(std::any_of(spoilt.begin(), spoilt.end(),
                        [&](const std::string& field) { return said.find(field) != std::string::npos; }),
            "a refusal names the field");
  }
  table.variant_count = 0;
}

}  // namespace sepconv::test
