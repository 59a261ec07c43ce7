#include "types.h"

#include <iterator>

namespace sepconv::python {
namespace {

constexpr int dlpack_int = 0, dlpack_float = 2, dlpack_bfloat = 4;

// Of each sepconv_dtype.
constexpr DLPackType dlpack_types[] = {
#define SEPCONV_DTYPE_WORD(enumerator, name, short_name, code, bits) {dlpack_##code, bits, 1},
#include "sepconv/words.inc"
};
static_assert(std::size(dlpack_types) == SEPCONV_DTYPE_COUNT);

struct Names {
  sepconv_dtype dtype;
  char format;
};
constexpr Names names[] = {
#define SEPCONV_TENSOR_TYPE(enumerator, format, ...) {SEPCONV_DTYPE_##enumerator, format},
#include "types.inc"
};

const Names& names_of(Type type) { return names[static_cast<std::size_t>(type)]; }

template <typename Is>
std::optional<Type> find(Is is) {
  for (const Type type : all_types) {
    if (is(type)) return type;
  }
  return std::nullopt;
}

}  // namespace

sepconv_dtype dtype_of(Type type) { return names_of(type).dtype; }
DLPackType dlpack_of(Type type) { return dlpack_types[dtype_of(type)]; }
std::size_t bytes(Type type) { return static_cast<std::size_t>(dlpack_of(type).bits) / 8; }
bool has_format(Type type) { return names_of(type).format != 0; }

std::optional<Type> type_named(std::string_view word) {
  return find([=](Type type) { return word == name(type); });
}

std::optional<Type> type_of_dlpack(DLPackType given) {
  return find([=](Type type) {
    const DLPackType known = dlpack_of(type);
    return known.code == given.code && known.bits == given.bits && known.lanes == given.lanes;
  });
}

std::optional<Type> type_of_format(const char* format) {
  if (format == nullptr) return std::nullopt;
  if (*format == '@' || *format == '=' || *format == '<') ++format;
  if (format[0] == '\0' || format[1] != '\0') return std::nullopt;
  return find([=](Type type) { return names_of(type).format == format[0]; });
}

std::string type_names() {
  std::string list;
  for (const Type type : all_types) {
    if (!list.empty()) list += type == all_types[std::size(all_types) - 1] ? " or " : ", ";
    list += name(type);
  }
  return list;
}

}  // namespace sepconv::python
