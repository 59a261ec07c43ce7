#include "convert.h"

#include <cstring>

namespace sepconv::python {
namespace {

template <typename To, typename From>
To bits(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

float from_float16(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000U) << 16, rest = static_cast<uint32_t>(half & 0x7fffU) << 13;
  // A subnormal is a number of units of 2^-24. No float32 here is subnormal, so a thread that flushes
  // those gets the same.
  const float small = static_cast<float>(half & 0x3ffU) * 0x1p-24F;
  const uint32_t bias = rest >= 0x0f800000U ? 0x70000000U : 0x38000000U;  // infinity and NaN: the largest exponent
  return bits<float>((rest < 0x00800000U ? bits<uint32_t>(small) : rest + bias) | sign);
}

uint16_t to_float16(float value) {
  const uint32_t all = bits<uint32_t>(value), sign = (all >> 16) & 0x8000U, rest = all & 0x7fffffffU;
  uint32_t half;
  if (rest > 0x7f800000U) {
    half = 0x7e00U;  // NaN
  } else if (rest >= 0x477ff000U) {
    half = 0x7c00U;  // rounds to 65536 or more
  } else if (rest < 0x38800000U) {
    // Subnormal: adding 0.5 leaves the units of 2^-24 in the lowest bits, rounded by the hardware.
    half = bits<uint32_t>(bits<float>(rest) + 0.5F) - 0x3f000000U;
  } else {
    half = (rest - 0x38000000U + 0xfffU + ((rest >> 13) & 1U)) >> 13;
  }
  return static_cast<uint16_t>(sign | half);
}

float from_bfloat16(uint16_t half) { return bits<float>(static_cast<uint32_t>(half) << 16); }

uint16_t to_bfloat16(float value) {
  const uint32_t all = bits<uint32_t>(value);
  if ((all & 0x7fffffffU) > 0x7f800000U) return static_cast<uint16_t>((all >> 16) | 0x40U);  // NaN
  return static_cast<uint16_t>((all + 0x7fffU + ((all >> 16) & 1U)) >> 16);
}

// Calls row(source, target) for every row along the innermost axis; both are indices of elements.
template <typename Row>
void for_each_row(const Tensor& tensor, Row row) {
  const Shape& shape = tensor.shape;
  if (shape.elements() == 0) return;
  std::array<int64_t, max_rank> at = {};
  const int inner = shape.rank - 1;
  int64_t source = 0, target = 0;
  for (;;) {
    row(source, target);
    target += shape[inner];
    int axis = inner;
    while (axis-- > 0) {
      const auto a = static_cast<std::size_t>(axis);
      source += tensor.stride[a];
      if (++at[a] < shape[axis]) break;
      source -= tensor.stride[a] * shape[axis];
      at[a] = 0;
    }
    if (axis < 0) return;
  }
}

template <typename To, typename From, typename Convert>
void gather_as(const Tensor& tensor, void* to, Convert convert) {
  if (tensor.shape.rank == 0) return;
  const int inner = tensor.shape.rank - 1;
  const int64_t count = tensor.shape[inner], step = tensor.stride[static_cast<std::size_t>(inner)];
  for_each_row(tensor, [=](int64_t source, int64_t target) {
    const From* from = static_cast<const From*>(tensor.data) + source;
    To* out = static_cast<To*>(to) + target;
    if (step == 1) {
      for (int64_t i = 0; i < count; ++i) out[i] = convert(from[i]);
    } else {
      for (int64_t i = 0; i < count; ++i) out[i] = convert(from[i * step]);
    }
  });
}

}  // namespace

void gather(const Tensor& from, void* to) {
  const auto same = [](auto value) { return value; };
  switch (from.type) {
    case Type::F16:
      return gather_as<float, uint16_t>(from, to, from_float16);
    case Type::BF16:
      return gather_as<float, uint16_t>(from, to, from_bfloat16);
    case Type::F32:
      return gather_as<float, float>(from, to, same);
    case Type::F64:
      return gather_as<double, double>(from, to, same);
  }
}

void scatter(const void* from, const Tensor& to) {
  const int64_t count = to.shape.elements();
  const float* values = static_cast<const float*>(from);
  uint16_t* halves = static_cast<uint16_t*>(to.data);
  switch (to.type) {
    case Type::F16:
      for (int64_t i = 0; i < count; ++i) halves[i] = to_float16(values[i]);
      return;
    case Type::BF16:
      for (int64_t i = 0; i < count; ++i) halves[i] = to_bfloat16(values[i]);
      return;
    default:
      std::memcpy(to.data, from, static_cast<std::size_t>(count) * bytes(to.type));
  }
}

}  // namespace sepconv::python
