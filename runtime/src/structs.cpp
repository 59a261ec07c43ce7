#include "structs.h"

#include <string.h>

#include "error.h"

namespace sepconv::internal {
namespace {

// Far above any version's size; a larger struct_size is an uninitialised one, and must not be scanned.
constexpr size_t largest_struct_size = 4096;

// Zeroes the caller's whole struct, then copies as much of the defaults as the caller's version has room for.
template <typename Struct>
void fill(Struct* target, size_t struct_size, Struct defaults) {
  if (target == nullptr || struct_size < sizeof(size_t) || struct_size > largest_struct_size) return;
  defaults.struct_size = struct_size;
  memset(static_cast<void*>(target), 0, struct_size);
  memcpy(static_cast<void*>(target), &defaults, struct_size < sizeof(Struct) ? struct_size : sizeof(Struct));
}

template <typename Struct>
sepconv_status read(const Struct* given, Struct* own, size_t first_size, const char* name, const Struct& defaults) {
  if (given == nullptr) return fail(SEPCONV_INVALID_ARGUMENT, "%s is NULL", name);
  const size_t size = given->struct_size;
  if (size == sizeof(Struct)) {
    *own = *given;
    return SEPCONV_OK;
  }
  if (size < first_size || size > largest_struct_size) {
    return fail(SEPCONV_INVALID_ARGUMENT,
                "%s.struct_size is %zu, which no version of sepconv_%s has: call sepconv_%s_init(&%s, sizeof %s) first",
                name, size, name, name, name, name);
  }
  const unsigned char* bytes = reinterpret_cast<const unsigned char*>(given);
  for (size_t i = sizeof(Struct); i < size; ++i) {
    if (bytes[i] != 0) {
      return fail(SEPCONV_UNSUPPORTED,
                  "%s.struct_size is %zu and byte %zu is not zero: this library (%s) knows the first %zu bytes only",
                  name, size, i, sepconv_version(), sizeof(Struct));
    }
  }
  *own = defaults;
  memcpy(static_cast<void*>(own), given, size < sizeof(Struct) ? size : sizeof(Struct));
  own->struct_size = sizeof(Struct);
  return SEPCONV_OK;
}

sepconv_problem default_problem() {
  sepconv_problem problem = {};
  problem.spatial_rank = 2;
  problem.layout = SEPCONV_LAYOUT_CHANNELS_LAST;
  problem.padding = SEPCONV_PADDING_VALID;
  problem.batch = 1;
  problem.depth_multiplier = 1;
  for (int axis = 0; axis < SEPCONV_MAX_SPATIAL_RANK; ++axis) problem.stride[axis] = problem.dilation[axis] = 1;
  return problem;
}

sepconv_options default_options() {
  sepconv_options options = {};
  options.max_threads = 1;
  return options;
}

sepconv_quantization default_quantization() {
  sepconv_quantization quantization = {};
  quantization.input_scale = quantization.mid_scale = quantization.output_scale = 1;
  return quantization;
}

sepconv_batch_norm default_batch_norm() {
  sepconv_batch_norm norm = {};
  norm.epsilon = 1e-3;
  return norm;
}

}  // namespace

#define SEPCONV_STRUCT(name, defaults)                                                \
  sepconv_status read_struct(const sepconv_##name* given, sepconv_##name* own) {      \
    return read(given, own, first_##name##_size, #name, defaults);                    \
  }                                                                                   \
  extern "C" void sepconv_##name##_init(sepconv_##name* target, size_t struct_size) { \
    fill(target, struct_size, defaults);                                              \
  }

SEPCONV_STRUCT(problem, default_problem())
SEPCONV_STRUCT(options, default_options())
SEPCONV_STRUCT(weights, sepconv_weights{})
SEPCONV_STRUCT(arguments, sepconv_arguments{})
SEPCONV_STRUCT(batch_norm, default_batch_norm())
SEPCONV_STRUCT(quantization, default_quantization())

}  // namespace sepconv::internal
