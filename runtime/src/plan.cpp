#include "plan.h"

#include <inttypes.h>
#include <stdlib.h>

#include "device.h"
#include "error.h"
#include "integers.h"
#include "quantise.h"
#include "ranges.h"
#include "structs.h"

namespace sepconv::internal {
namespace {

constexpr sepconv_status invalid = SEPCONV_INVALID_ARGUMENT;

// options.targets and SEPCONV_TARGETS, as one set.
sepconv_status read_targets(const sepconv_targets& targets, TargetSet* allowed) {
  TargetSet allow = 0, forbid = 0;
  const char* unknown = nullptr;
  size_t length = 0;
  if (!parse_targets(targets.allow, &allow, &unknown, &length)) {
    return fail(invalid, "options.targets.allow has the unknown target \"%.*s\"", static_cast<int>(length), unknown);
  }
  if (!parse_targets(targets.forbid, &forbid, &unknown, &length)) {
    return fail(invalid, "options.targets.forbid has the unknown target \"%.*s\"", static_cast<int>(length), unknown);
  }
  TargetSet environment = 0;
  if (!targets_from_environment(getenv("SEPCONV_TARGETS"), &environment, &unknown, &length)) {
    return fail(invalid, "the environment variable SEPCONV_TARGETS has the unknown target \"%.*s\"",
                static_cast<int>(length < 100 ? length : 100), unknown);
  }
  if (allow == 0) allow = all_targets;
  *allowed = allow & ~forbid & environment;
  return SEPCONV_OK;
}

sepconv_status check_options(const sepconv_options& options) {
  const int device = raw_value(options.device);
  if (device < 0 || device >= SEPCONV_DEVICE_COUNT)
    return fail(invalid, "options.device is %d: it must be from 0 to %d", device, SEPCONV_DEVICE_COUNT - 1);
  if (options.max_threads < 1 || options.max_threads > SEPCONV_MAX_THREADS) {
    return fail(invalid, "options.max_threads is %" PRId32 ": it must be from 1 to %d", options.max_threads,
                SEPCONV_MAX_THREADS);
  }
  if (options.flush_denormals != 0 && options.device != SEPCONV_DEVICE_CPU) {
    return fail(SEPCONV_UNSUPPORTED, "options.flush_denormals is %" PRId32 ": it must be 0 for a GPU",
                options.flush_denormals);
  }
  return SEPCONV_OK;
}

// options.packing_of: the new plan stays inside the other one's packing.
sepconv_status share_packing(const Geometry& geometry, const sepconv_plan* other, Request* request) {
  if (other == nullptr) return SEPCONV_OK;
  const SealedHeader& header = other->packed.header;
  if (weights_hash_of(geometry) != header.problem_hash) {
    return fail(SEPCONV_UNSUPPORTED,
                "options.packing_of is a plan for other weights: channels, kernel extents or biases differ from this "
                "problem's");
  }
  request->same_packing = true;
  request->packing_id = header.form;
  return SEPCONV_OK;
}

// Chooses the plan's variant, and keeps how, for sepconv_plan_explain.
sepconv_status choose(const sepconv_options& options, sepconv_plan* plan) {
  sepconv_status status;
  Request& request = plan->request;
  request = {&plan->geometry, machine_targets()};
  if (options.variant != nullptr && *options.variant != '\0') request.variant = options.variant;
  request.device = options.device;
  if ((status = read_targets(options.targets, &request.allowed))) return status;

  // Everything is legal; from here on it may still be unsupported.
  if ((status = check_supported(plan->geometry))) return status;
  if ((status = share_packing(plan->geometry, options.packing_of, &request))) return status;
  Tables tables;
  registered_tables(&tables);
  plan->table_count = tables.count;
  if (options.device != SEPCONV_DEVICE_CPU) {
    if ((status = device_targets(options.device, tables, &request.machine))) return status;
  }
  plan->variant = choose_variant(request, tables);
  if (plan->variant == nullptr) return no_variant(request, tables);
  if (request.variant != nullptr) request.variant = plan->variant->name;  // the caller's string need not live on
  return SEPCONV_OK;
}

sepconv_status create(const sepconv_problem* problem, const sepconv_options* given, sepconv_plan* plan) {
  sepconv_status status;
  sepconv_options options;
  if ((status = analyse_problem(problem, &plan->geometry))) return status;
  if (given == nullptr) {
    sepconv_options_init(&options, sizeof options);
  } else if ((status = read_struct(given, &options))) {
    return status;
  }
  if ((status = check_options(options))) return status;
  if ((status = choose(options, plan))) return status;
  Geometry& g = plan->geometry;
  adopt_fixed_steps(*plan->variant, &g);
  if ((status = lay_out_packed(g, *plan->variant, &plan->packed))) return status;
  plan->in = leaf_activation(g.problem.input_activation);
  plan->mid = leaf_activation(g.problem.mid_activation);
  plan->out = leaf_activation(g.problem.out_activation);
  plan->max_threads = options.max_threads;
  plan->flush_denormals = options.flush_denormals != 0;
  plan->cut = {};
  if (plan->variant->driver != nullptr) return plan_call(plan);
  if ((status = cut_image(g, *plan->variant, plan->packed, options.max_threads, CutLimits{}, &plan->cut)))
    return status;
  plan->zero_bytes = static_cast<size_t>(plan->cut.zero_bytes);
  plan->workspace_size =
      plan->zero_bytes + static_cast<size_t>(plan->cut.worker_bytes) * static_cast<size_t>(options.max_threads);
  return SEPCONV_OK;
}

sepconv_status pack(const sepconv_plan& plan, const sepconv_weights* given, void* packed, size_t packed_size) {
  sepconv_weights weights;
  if (sepconv_status status = read_struct(given, &weights)) return status;
  const Geometry& g = plan.geometry;
  const sepconv_problem& p = g.problem;
  const int64_t kernel = dtype_size(p.weight_dtype), bias = bias_size(p.weight_dtype);
  const struct {
    const char* name;
    const void* data;
    bool wanted;
    int64_t count, element;
  } tensors[] = {{"depthwise_kernel", weights.depthwise_kernel, p.stages != SEPCONV_STAGES_POINTWISE,
                  g.taps * g.mid_channels, kernel},
                 {"pointwise_kernel", weights.pointwise_kernel, p.stages != SEPCONV_STAGES_DEPTHWISE,
                  g.mid_channels * p.out_channels, kernel},
                 {"mid_bias", weights.mid_bias, p.has_mid_bias != 0, g.mid_channels, bias},
                 {"out_bias", weights.out_bias, p.has_out_bias != 0, p.out_channels, bias}};
  for (const auto& tensor : tensors) {
    if (tensor.wanted && tensor.data == nullptr) return fail(invalid, "weights.%s is NULL", tensor.name);
    if (!tensor.wanted && tensor.data != nullptr) {
      return fail(invalid, "weights.%s is given, but the plan's problem has none", tensor.name);
    }
    if (!aligned(tensor.data, static_cast<size_t>(tensor.element))) {
      return fail(invalid, "weights.%s is %p: it must be aligned to its elements", tensor.name, tensor.data);
    }
  }
  if (packed == nullptr) return fail(invalid, "packed is NULL");
  if (!aligned(packed, packed_alignment)) {
    return fail(invalid, "packed is %p: it must be 64-byte aligned", packed);
  }
  if (packed_size < plan.packed.size) {
    return fail(invalid, "packed_size is %zu: the plan needs %zu bytes", packed_size, plan.packed.size);
  }
  for (const auto& tensor : tensors) {
    if (tensor.data != nullptr &&
        overlap(tensor.data, static_cast<size_t>(tensor.count * tensor.element), packed, plan.packed.size)) {
      return fail(invalid, "packed overlaps weights.%s", tensor.name);
    }
  }
  if (is_quantised(p.weight_dtype)) {
    if (sepconv_status status = check_quantization(g, weights)) return status;
  } else if (weights.quantization != nullptr) {
    return fail(invalid, "weights.quantization is given, but the problem's weight_dtype is %s",
                sepconv_dtype_name(p.weight_dtype));
  }
  return pack_weights(g, *plan.variant, plan.packed, weights, packed);
}

sepconv_status check(const sepconv_plan& plan, const void* packed, size_t packed_size) {
  if (packed == nullptr) return fail(invalid, "packed is NULL");
  if (!aligned(packed, packed_alignment)) return fail(invalid, "packed is %p: it must be 64-byte aligned", packed);
  if (packed_size < plan.packed.size) {
    return fail(SEPCONV_BAD_PACKED, "packed_size is %zu: the plan's packed weights have %zu bytes", packed_size,
                plan.packed.size);
  }
  return check_packed(plan.packed, packed, "packed");
}

}  // namespace
}  // namespace sepconv::internal

extern "C" sepconv_status sepconv_plan_create(const sepconv_problem* problem, const sepconv_options* options,
                                              sepconv_plan** plan) {
  if (plan == nullptr) return sepconv::internal::fail(SEPCONV_INVALID_ARGUMENT, "plan is NULL");
  *plan = nullptr;
  sepconv_plan* made = static_cast<sepconv_plan*>(malloc(sizeof(sepconv_plan)));
  if (made == nullptr)
    return sepconv::internal::fail(SEPCONV_OUT_OF_MEMORY, "no memory for a plan (%zu bytes)", sizeof *made);
  const sepconv_status status = sepconv::internal::create(problem, options, made);
  if (status != SEPCONV_OK) {
    free(made);
    return status;
  }
  *plan = made;
  return SEPCONV_OK;
}

extern "C" void sepconv_plan_destroy(sepconv_plan* plan) { free(plan); }

extern "C" const char* sepconv_plan_variant(const sepconv_plan* plan) {
  return plan == nullptr ? "" : plan->variant->name;
}

extern "C" size_t sepconv_plan_packed_size(const sepconv_plan* plan) { return plan == nullptr ? 0 : plan->packed.size; }

extern "C" size_t sepconv_plan_workspace_size(const sepconv_plan* plan) {
  return plan == nullptr ? 0 : plan->workspace_size;
}

extern "C" sepconv_status sepconv_plan_pack(const sepconv_plan* plan, const sepconv_weights* weights, void* packed,
                                            size_t packed_size) {
  if (plan == nullptr) return sepconv::internal::fail(SEPCONV_INVALID_ARGUMENT, "plan is NULL");
  return sepconv::internal::pack(*plan, weights, packed, packed_size);
}

extern "C" sepconv_status sepconv_plan_check_packed(const sepconv_plan* plan, const void* packed, size_t packed_size) {
  if (plan == nullptr) return sepconv::internal::fail(SEPCONV_INVALID_ARGUMENT, "plan is NULL");
  return sepconv::internal::check(*plan, packed, packed_size);
}
