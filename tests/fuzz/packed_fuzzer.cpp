// Packed weights that are damaged, cut short, of another plan, or anything at all. A damaged header is refused by every
// call that reads it, damage behind it by sepconv_plan_check_packed; nothing is read past the end.
#include <algorithm>
#include <string>

#include "fuzz/fuzz.h"
#include "pack.h"
#include "support/reference.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

using internal::SealedHeader;

Memory copy_of(const Memory& memory, size_t size) {
  Memory copy(size);
  std::memcpy(copy.data(), memory.data(), std::min(size, memory.size()));
  return copy;
}

SealedHeader header_of(const Memory& packed) {
  SealedHeader header;
  std::memcpy(&header, packed.data(), sizeof header);
  return header;
}

// Whether two headers differ in nothing but the checksum, which has its complement.
bool passes(SealedHeader damaged, const SealedHeader& good) {
  if (damaged.complement != ~damaged.checksum) return false;
  damaged.checksum = good.checksum;
  damaged.complement = good.complement;
  return std::memcmp(&damaged, &good, sizeof good) == 0;
}

// Changes some bytes, mostly of the header, which is what is read most.
void damage(Draw& draw, const Memory& packed) {
  for (int i = draw.between(1, 4); i > 0; --i) {
    const size_t from = draw.one_in(2) ? 0 : draw.between<size_t>(0, packed.size() - 1);
    const size_t at = from == 0 ? draw.between<size_t>(0, sizeof(SealedHeader) - 1) : from;
    packed.bytes()[at] = draw.any<unsigned char>();
  }
  if (draw.one_in(4)) {  // a checksum that goes with its complement, but not with the weights
    SealedHeader header = header_of(packed);
    header.checksum = draw.any<uint64_t>();
    header.complement = ~header.checksum;
    std::memcpy(packed.data(), &header, sizeof header);
  }
}

void check_damaged(Draw& draw, const sepconv_problem& problem, const sepconv_plan& plan, const Memory& packed) {
  const Memory damaged = copy_of(packed, packed.size());
  damage(draw, damaged);
  const bool same = std::memcmp(damaged.data(), packed.data(), packed.size()) == 0;
  const bool known = passes(header_of(damaged), header_of(packed));
  require(sepconv_plan_check_packed(&plan, damaged.data(), damaged.size()) == (same ? SEPCONV_OK : SEPCONV_BAD_PACKED),
          "every damage is found");
  require(same || *sepconv_last_error() != '\0', "a refusal says why");
  RunBuffers buffers(problem, plan, damaged, 2);
  const sepconv_status status = sepconv_plan_run(&plan, &buffers.arguments);
  require(status == (known ? SEPCONV_OK : SEPCONV_BAD_PACKED), "a damaged header, and no other, is refused by a run");
  require(buffers.only_output_written(problem, known), "nothing but a good run's elements is written");
  if (sepconv_stream_size(&plan) != 0) {
    sepconv_stream* stream = nullptr;
    require(
        sepconv_stream_create(&plan, damaged.data(), nullptr, 0, &stream) == (known ? SEPCONV_OK : SEPCONV_BAD_PACKED),
        "a damaged header, and no other, is refused by a stream");
    sepconv_stream_destroy(stream);
  }
}

void check_cut_short(Draw& draw, const sepconv_plan& plan, const Memory& packed) {
  const Memory part = copy_of(packed, draw.between<size_t>(0, packed.size() - 1));
  require(sepconv_plan_check_packed(&plan, part.data(), part.size()) == SEPCONV_BAD_PACKED,
          "too few bytes are refused");
  const Memory more = copy_of(packed, packed.size() + draw.between<size_t>(0, 99));
  require(sepconv_plan_check_packed(&plan, more.data(), more.size()) == SEPCONV_OK,
          "bytes behind the weights are fine");
}

void check_anything(Draw& draw, const sepconv_plan& plan, size_t size) {
  const std::string text = draw.data().ConsumeRandomLengthString(size);
  const Memory packed(size);
  std::memcpy(packed.data(), text.data(), text.size());
  require(sepconv_plan_check_packed(&plan, packed.data(), size) == SEPCONV_BAD_PACKED, "what is not packed is refused");
}

// Another problem with these weights, planned inside this packing: the packed weights serve both. One with others is
// refused, and so are its packed weights.
void check_shared(Draw& draw, const sepconv_problem& problem, const sepconv_plan& plan, const Memory& packed) {
  sepconv_problem other = draw_problem(draw);
  const bool shares = draw.one_in(2);
  if (shares) {
    other.spatial_rank = problem.spatial_rank;
    other.stages = problem.stages;
    other.input_dtype = problem.input_dtype;
    other.weight_dtype = problem.weight_dtype;
    other.mid_dtype = problem.mid_dtype;
    other.output_dtype = problem.output_dtype;
    other.in_channels = problem.in_channels;
    other.depth_multiplier = problem.depth_multiplier;
    other.out_channels = problem.out_channels;
    other.has_mid_bias = problem.has_mid_bias;
    other.has_out_bias = problem.has_out_bias;
    other.padding = SEPCONV_PADDING_SAME;
    std::copy_n(problem.kernel_extent, SEPCONV_MAX_SPATIAL_RANK, other.kernel_extent);
  }
  sepconv_options options;
  sepconv_options_init(&options, sizeof options);
  options.packing_of = &plan;
  const Plan second = make_plan(other, &options);
  if (second == nullptr) return;
  require(sepconv_plan_packed_size(second.get()) == packed.size(), "one packing has one size");
  require(sepconv_plan_check_packed(second.get(), packed.data(), packed.size()) == SEPCONV_OK,
          "one packing, two plans");
  if (!affordable(other, *second)) return;
  const Memory again = pack(other, *second, 1);
  require(std::memcmp(again.data(), packed.data(), packed.size()) == 0, "two plans pack alike");
  RunBuffers buffers(other, *second, packed, 2);
  require(sepconv_plan_run(second.get(), &buffers.arguments) == SEPCONV_OK, "the packed weights serve both");
}

}  // namespace

void fuzz(Draw& draw) {
  tables_under_test();
  const sepconv_problem problem = draw_problem(draw);
  const Plan plan = make_plan(problem);
  if (plan == nullptr || !affordable(problem, *plan)) return;
  const Memory packed = pack(problem, *plan, 1);
  require(sepconv_plan_check_packed(plan.get(), packed.data(), packed.size()) == SEPCONV_OK, "what is packed is good");
  check_damaged(draw, problem, *plan, packed);
  check_cut_short(draw, *plan, packed);
  check_shared(draw, problem, *plan, packed);
  check_anything(draw, *plan, packed.size());
  count_reached();
}

}  // namespace sepconv::test
