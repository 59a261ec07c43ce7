// How the public structs cross versions: a caller built against an older header passes a shorter struct, one built
// against a newer header a longer one.
#ifndef SEPCONV_SRC_STRUCTS_H
#define SEPCONV_SRC_STRUCTS_H

#include <string.h>

#include "sepconv/sepconv.h"

namespace sepconv::internal {

// Size of each struct in the first published version. A struct_size below it is no version at all. These never change;
// the structs themselves grow.
inline constexpr size_t first_problem_size = sizeof(sepconv_problem);
inline constexpr size_t first_options_size = offsetof(sepconv_options, flush_denormals);
inline constexpr size_t first_weights_size = sizeof(sepconv_weights);
inline constexpr size_t first_arguments_size = sizeof(sepconv_arguments);
inline constexpr size_t first_batch_norm_size = sizeof(sepconv_batch_norm);
inline constexpr size_t first_quantization_size = sizeof(sepconv_quantization);

// Copies what the caller passed into `own`: fields that an older caller does not know get their defaults; fields of a
// newer header that this library does not know must be zero. Errors: SEPCONV_INVALID_ARGUMENT (NULL, a struct_size no
// version has), SEPCONV_UNSUPPORTED (unknown fields in use).
sepconv_status read_struct(const sepconv_problem* given, sepconv_problem* own);
sepconv_status read_struct(const sepconv_options* given, sepconv_options* own);
sepconv_status read_struct(const sepconv_weights* given, sepconv_weights* own);
sepconv_status read_struct(const sepconv_arguments* given, sepconv_arguments* own);
sepconv_status read_struct(const sepconv_batch_norm* given, sepconv_batch_norm* own);
sepconv_status read_struct(const sepconv_quantization* given, sepconv_quantization* own);

// An enum as the integer that the caller stored or passed: it may be none of the enumerators, and then C++ may not read
// it as an enum, not even to pass it on.
template <typename Enum>
int raw_value(const Enum& field) {
  static_assert(sizeof(Enum) == sizeof(int), "enums of the C interface are ints");
  int value;
  memcpy(&value, &field, sizeof value);
  return value;
}

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_STRUCTS_H
