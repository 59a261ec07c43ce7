// The names of sepconv.h's enumerators, from sepconv/words.inc.
#include <stddef.h>

#include "problem.h"
#include "structs.h"

namespace sepconv::internal {
namespace {

#define SEPCONV_DTYPE_WORD(value, name, ...) name,
constexpr const char* dtypes[] = {
#include "sepconv/words.inc"
};

#define SEPCONV_ACTIVATION_WORD(value, name) name,
constexpr const char* activations[] = {
#include "sepconv/words.inc"
};

#define SEPCONV_LAYOUT_WORD(value, name) name,
constexpr const char* layouts[] = {
#include "sepconv/words.inc"
};

#define SEPCONV_PADDING_WORD(value, name) name,
constexpr const char* paddings[] = {
#include "sepconv/words.inc"
};

#define SEPCONV_STAGES_WORD(value, name) name,
constexpr const char* stages[] = {
#include "sepconv/words.inc"
};

#define SEPCONV_DEVICE_WORD(value, name) name,
constexpr const char* devices[] = {
#include "sepconv/words.inc"
};

#define SEPCONV_STATUS_WORD(value, name) name,
constexpr const char* statuses[] = {
#include "sepconv/words.inc"
};

#define SEPCONV_DTYPE_WORD(value, name, variant_name, code, bits) (bits) / 8,
constexpr int64_t dtype_bytes[] = {
#include "sepconv/words.inc"
};

// The name of a value, NULL for any other number. A list that is shorter or longer than its enumeration does not
// compile.
template <int count, size_t names, typename Enum>
const char* name_of(const char* const (&list)[names], const Enum& value) {
  static_assert(names == count, "sepconv/words.inc and sepconv.h differ");
  const int number = raw_value(value);
  return number >= 0 && number < count ? list[number] : nullptr;
}

}  // namespace

int64_t dtype_size(sepconv_dtype dtype) { return dtype_bytes[dtype]; }

}  // namespace sepconv::internal

using sepconv::internal::name_of;

extern "C" const char* sepconv_dtype_name(sepconv_dtype dtype) {
  return name_of<SEPCONV_DTYPE_COUNT>(sepconv::internal::dtypes, dtype);
}

extern "C" const char* sepconv_activation_name(sepconv_activation_kind kind) {
  return name_of<SEPCONV_ACTIVATION_COUNT>(sepconv::internal::activations, kind);
}

extern "C" const char* sepconv_layout_name(sepconv_layout layout) {
  return name_of<SEPCONV_LAYOUT_COUNT>(sepconv::internal::layouts, layout);
}

extern "C" const char* sepconv_padding_name(sepconv_padding padding) {
  return name_of<SEPCONV_PADDING_COUNT>(sepconv::internal::paddings, padding);
}

extern "C" const char* sepconv_stages_name(sepconv_stages stages) {
  return name_of<SEPCONV_STAGES_COUNT>(sepconv::internal::stages, stages);
}

extern "C" const char* sepconv_device_name(sepconv_device device) {
  return name_of<SEPCONV_DEVICE_COUNT>(sepconv::internal::devices, device);
}

extern "C" const char* sepconv_status_name(sepconv_status status) {
  const char* const name = name_of<SEPCONV_STATUS_COUNT>(sepconv::internal::statuses, status);
  return name != nullptr ? name : "unknown status";
}
