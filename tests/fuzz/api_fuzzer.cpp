// Any problem, any options, any arguments, through the public API. Every call returns a status, says why, and writes
// nothing when it refuses.
#include <string>
#include <vector>

#include "fuzz/fuzz.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

// Breaks one argument, or none. True if the run may still succeed.
bool spoil(Draw& draw, const Memory& packed, sepconv_arguments* arguments) {
  switch (draw.between(0, 12)) {
    case 12:
      return arguments->input = nullptr, false;
    case 11:
      return arguments->output = nullptr, false;
    case 10:
      return arguments->packed = nullptr, false;
    case 9:
      return arguments->workspace_size -= 1, false;
    case 8:
      return arguments->workspace = static_cast<char*>(arguments->workspace) + draw.between(1, 63), false;
    case 7:
      return arguments->residual = arguments->residual == nullptr ? arguments->input : nullptr, false;
    case 6:
      return arguments->struct_size = draw.between<size_t>(0, sizeof *arguments - 1), false;
    case 5:
      return arguments->workspace = nullptr, true;
    case 4:
      return packed.bytes()[draw.between(0, 63)] ^= draw.between<unsigned char>(1, 255), false;
    case 3:
      return arguments->output = const_cast<void*>(arguments->input), false;
    default:
      return true;
  }
}

void run(Draw& draw, const sepconv_problem& problem, const sepconv_plan& plan) {
  const Memory packed = pack(problem, plan, 1);
  RunBuffers buffers(problem, plan, packed, 2);
  const bool good = spoil(draw, packed, &buffers.arguments);
  const sepconv_status status = sepconv_plan_run(&plan, &buffers.arguments);
  if (good) require(status == SEPCONV_OK, "a good run succeeds");
  if (!good && problem.batch > 0) require(status != SEPCONV_OK, "a spoilt run is refused");
  require(buffers.only_output_written(problem, status == SEPCONV_OK), "nothing but a good run's elements is written");
  if (status == SEPCONV_OK) count_reached();
}

}  // namespace

void fuzz(Draw& draw) {
  tables_under_test();
  const sepconv_problem problem = draw_problem(draw);
  int64_t out_extent[SEPCONV_MAX_SPATIAL_RANK] = {};
  const sepconv_status legal = sepconv_output_extent(&problem, out_extent);
  require(legal == SEPCONV_OK || legal == SEPCONV_INVALID_ARGUMENT || legal == SEPCONV_UNSUPPORTED, "a known status");
  require(legal == SEPCONV_OK || *sepconv_last_error() != '\0', "a refusal says why");
  require(legal == SEPCONV_OK || draw.hostile(), "what is drawn as legal is legal");

  std::string name, list;
  sepconv_options options;
  sepconv_options_init(&options, sizeof options);
  options.max_threads = draw.between(1, 4);
  if (draw.hostile() && draw.one_in(2)) {
    name = draw.data().ConsumeRandomLengthString(30);
    list = draw.data().ConsumeRandomLengthString(20);
    if (draw.one_in(4)) options.max_threads = draw.any<int32_t>();
    if (draw.one_in(4)) options.variant = name.c_str();
    if (draw.one_in(4)) (draw.one_in(2) ? options.targets.forbid : options.targets.allow) = list.c_str();
    if (draw.one_in(4)) Draw::store(draw.one_in(2) ? draw.any<int>() : draw.between(-1, 3), &options.device);
    if (draw.one_in(4)) options.struct_size = draw.between<size_t>(0, sizeof options);
  }
  sepconv_status planned;
  const Plan plan = make_plan(problem, &options, &planned);
  require(legal == SEPCONV_OK || planned == legal || planned == SEPCONV_INVALID_ARGUMENT,
          "an illegal problem has no plan");
  if (plan == nullptr) return;
  if (draw.one_in(8)) {  // it takes as long as a run
    std::vector<char> text(draw.between<size_t>(1, 300));
    require(sepconv_plan_explain(plan.get(), text.data(), text.size()) == SEPCONV_OK, "a plan is explained");
  }
  if (affordable(problem, *plan)) run(draw, problem, *plan);
}

}  // namespace sepconv::test
