// What Halide compiles a variant's entry to take, and what a call of the runtime hands over.
#ifndef SEPCONV_TESTS_GENERATORS_ARGUMENTS_H
#define SEPCONV_TESTS_GENERATORS_ARGUMENTS_H

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "Halide.h"
#include "sepconv/variant_table.h"

namespace sepconv::test {

using Signature = std::vector<Halide::Internal::LoweredArgument>;

// The arguments of the function that a generator makes for a target of this machine with `features`.
inline Signature signature_of(const char* generator_name, const std::string& variant, const char* schedule,
                              std::vector<Halide::Target::Feature> features) {
  const Halide::Target host = Halide::get_host_target();
  for (const auto feature : {Halide::Target::UserContext, Halide::Target::NoRuntime, Halide::Target::NoAsserts,
                             Halide::Target::NoBoundsQuery}) {
    features.push_back(feature);
  }
  const Halide::GeneratorContext context(Halide::Target(host.os, host.arch, host.bits, features));
  const auto generator = Halide::Internal::GeneratorRegistry::create(generator_name, context);
  generator->set_generatorparam_value("variant", variant);
  generator->set_generatorparam_value("schedule", schedule);
  for (const auto& function : generator->build_module("leaf").functions()) {
    if (function.name == "leaf") return function.args;
  }
  ADD_FAILURE() << variant << ": no function";
  return {};
}

// What the entry is handed, copied while the call lasts.
struct Handed {
  std::vector<std::vector<char>> numbers;  // 8 bytes of each scalar
  std::vector<halide_buffer_t> buffers;    // of each buffer
};

// `signature` says which of the arguments are buffers.
inline Handed& handed() {
  static Handed value;
  return value;
}
inline const Signature*& signature_of_call() {
  static const Signature* value = nullptr;
  return value;
}

inline int remember(void** arguments) {
  Handed& to = handed();
  to = {};
  for (const auto& argument : *signature_of_call()) {
    const void* from = *arguments++;
    to.buffers.push_back(argument.is_buffer() ? *static_cast<const halide_buffer_t*>(from) : halide_buffer_t{});
    to.numbers.emplace_back(8);
    if (!argument.is_buffer()) memcpy(to.numbers.back().data(), from, static_cast<size_t>(argument.type.bytes()));
  }
  return 0;
}

// A number that an argument should be, as the compiled code reads it.
template <typename T>
std::vector<char> bytes_of(T value) {
  std::vector<char> bytes(8);
  memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

// Three activations that differ in all they have, and what an entry is to be handed of them, in its order.
template <typename Call>
void set_activations(Call* call) {
  call->in = {SEPCONV_ACTIVATION_SWISH, 1.5F, 2.5F};
  call->mid = {SEPCONV_ACTIVATION_TANH, 3.5F, 4.5F};
  call->out = {SEPCONV_ACTIVATION_GELU, 5.5F, 6.5F};
}

inline void expect_activations(std::vector<std::string>* names, std::map<std::string, std::vector<char>>* numbers) {
  const std::pair<const char*, std::vector<char>> expected[] = {
      {"in_kind", bytes_of<int32_t>(SEPCONV_ACTIVATION_SWISH)},
      {"mid_kind", bytes_of<int32_t>(SEPCONV_ACTIVATION_TANH)},
      {"out_kind", bytes_of<int32_t>(SEPCONV_ACTIVATION_GELU)},
      {"in_lo", bytes_of(1.5F)},
      {"in_hi", bytes_of(2.5F)},
      {"mid_lo", bytes_of(3.5F)},
      {"mid_hi", bytes_of(4.5F)},
      {"out_lo", bytes_of(5.5F)},
      {"out_hi", bytes_of(6.5F)}};
  for (const auto& [name, bytes] : expected) {
    names->emplace_back(name);
    (*numbers)[name] = bytes;
  }
}

// Expects the arguments `names` in this order, and each with its value: numbers by their bytes, buffers by their memory
// and their type.
inline void expect_arguments(const Signature& signature, const std::vector<std::string>& names,
                             const std::map<std::string, std::vector<char>>& numbers,
                             const std::map<std::string, uint64_t>& memory) {
  ASSERT_EQ(signature.size(), names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    const auto& argument = signature[i];
    SCOPED_TRACE("argument " + std::to_string(i) + ", " + names[i]);
    EXPECT_EQ(argument.name.substr(0, argument.name.find('$')), names[i]);  // Halide numbers names that it has seen
    if (!argument.is_buffer()) {
      ASSERT_EQ(numbers.count(names[i]), 1u);
      EXPECT_EQ(handed().numbers[i], numbers.at(names[i]));
      continue;
    }
    const halide_buffer_t& buffer = handed().buffers[i];
    EXPECT_EQ(buffer.dimensions, argument.dimensions);
    EXPECT_TRUE(buffer.type == argument.type) << Halide::Type(buffer.type) << " for " << argument.type;
    EXPECT_EQ(buffer.host != nullptr ? reinterpret_cast<uintptr_t>(buffer.host) : buffer.device, memory.at(names[i]));
  }
}

}  // namespace sepconv::test

#endif
