// The types of tensors (types.inc), and what the frameworks and protocols call them.
#ifndef SEPCONV_PYTHON_TYPES_H
#define SEPCONV_PYTHON_TYPES_H

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "sepconv/sepconv.hpp"

namespace sepconv::python {

/// What tensors may hold. With the types of 16 bits everything between input and output is float32.
enum class Type : int {
#define SEPCONV_TENSOR_TYPE(enumerator, ...) enumerator,
#include "types.inc"
};

constexpr Type all_types[] = {
#define SEPCONV_TENSOR_TYPE(enumerator, ...) Type::enumerator,
#include "types.inc"
};

sepconv_dtype dtype_of(Type type);
std::size_t bytes(Type type);
inline const char* name(Type type) { return sepconv::name(dtype_of(type)); }

/// Type code, bits and lanes as in DLPack.
struct DLPackType {
  int code, bits, lanes;
};
DLPackType dlpack_of(Type type);
constexpr int dlpack_uint = 1;

/// Whether the buffer protocol, and so NumPy, has this type.
bool has_format(Type type);

/// The type by the name that others give it; empty for every other name.
std::optional<Type> type_named(std::string_view name);
std::optional<Type> type_of_dlpack(DLPackType type);
std::optional<Type> type_of_format(const char* format);  ///< of the struct module: one character, in native order

/// "float16, bfloat16, float32 or float64", for sentences.
std::string type_names();

}  // namespace sepconv::python

#endif  // SEPCONV_PYTHON_TYPES_H
