#include "target.h"

#include <string.h>

#include <atomic>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#elif (defined(__aarch64__) || defined(__arm__) || defined(__riscv)) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace sepconv::internal {
namespace {

[[maybe_unused]] bool runs_anywhere() { return true; }
[[maybe_unused]] bool runs_nowhere() { return false; }

// What the portable variants assume: nothing but the processor's baseline, and on RISC-V the vector extension with
// registers of exactly 128 bits: the compiled code stores whole registers, and wider ones would reach past the
// output.
#if defined(__riscv)
unsigned long riscv_vector_bits() {
  if ((getauxval(AT_HWCAP) & (1ul << ('V' - 'A'))) == 0) return 0;
  unsigned long bytes;
  asm("csrr %0, 0xc22" : "=r"(bytes));  // vlenb, by its number for assemblers that do not know the extension
  return 8 * bytes;
}
bool portable() { return riscv_vector_bits() == 128; }
bool riscv_v256() { return riscv_vector_bits() == 256; }
#else
constexpr auto portable = runs_anywhere;
constexpr auto riscv_v256 = runs_nowhere;
#endif

#if defined(__x86_64__) || defined(__i386__)
// __builtin_cpu_supports also asks the operating system whether it saves the wide registers. It reads a table that
// libgcc fills once; __builtin_cpu_init makes sure that it is filled, should we be called from another library's
// constructor.
bool x86_sse41() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse4.1");
}

// What a compiler may use besides AVX2 when it compiles for Haswell. Clang 14's builtin does not know all of it, so
// cpuid is asked.
bool x86_haswell() {
  constexpr unsigned movbe_popcnt_f16c = 1u << 22 | 1u << 23 | 1u << 29, bmi1_bmi2 = 1u << 3 | 1u << 8, lzcnt = 1u << 5;
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & movbe_popcnt_f16c) == movbe_popcnt_f16c &&
         __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bmi1_bmi2) == bmi1_bmi2 &&
         __get_cpuid(0x80000001, &a, &b, &c, &d) != 0 && (c & lzcnt) != 0;
}

bool x86_avx2() {
  return x86_sse41() && __builtin_cpu_supports("avx") && __builtin_cpu_supports("avx2") &&
         __builtin_cpu_supports("fma") && x86_haswell();
}

bool x86_avx512() {
  return x86_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
}

bool x86_avx512_zen4() {
  return x86_avx512() && __builtin_cpu_supports("avx512ifma") && __builtin_cpu_supports("avx512vbmi") &&
         __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512vnni") &&
         __builtin_cpu_supports("avx512bitalg") && __builtin_cpu_supports("avx512vpopcntdq") &&
         __builtin_cpu_supports("avx512bf16");
}
#else
constexpr auto x86_sse41 = runs_nowhere, x86_avx2 = runs_nowhere, x86_avx512 = runs_nowhere,
               x86_avx512_zen4 = runs_nowhere;
#endif

#if defined(__aarch64__)
constexpr auto arm_neon = runs_anywhere;  // part of the architecture's baseline
#if defined(__linux__)
// HWCAP_ASIMDHP, arithmetic of half precision in vectors, and HWCAP_ASIMDDP, sums of products of bytes.
bool arm_neon_fp16dot() {
  constexpr unsigned long wanted = 1ul << 10 | 1ul << 20;
  return (getauxval(AT_HWCAP) & wanted) == wanted;
}
#elif defined(__APPLE__)
bool arm_neon_fp16dot() {
  for (const char* feature : {"hw.optional.arm.FEAT_FP16", "hw.optional.arm.FEAT_DotProd"}) {
    int has = 0;
    size_t size = sizeof has;
    if (sysctlbyname(feature, &has, &size, nullptr, 0) != 0 || has == 0) return false;
  }
  return true;
}
#else
constexpr auto arm_neon_fp16dot = runs_nowhere;
#endif
#else
constexpr auto arm_neon = runs_nowhere, arm_neon_fp16dot = runs_nowhere;
#endif

#if defined(__arm__) && defined(__linux__)
bool arm32_neon() { return (getauxval(AT_HWCAP) & (1ul << 12)) != 0; }  // HWCAP_NEON
#else
constexpr auto arm32_neon = runs_nowhere;
#endif

#if defined(__wasm__)
constexpr auto wasm_simd128 = runs_anywhere;  // else the module that holds its variants would not load
#else
constexpr auto wasm_simd128 = runs_nowhere;
#endif

struct Target {
  const char* name;
  int level;
  bool (*runs)();
};

// The only list of targets in the runtime. At most 64.
constexpr Target table[] = {
    {"portable", 0, portable},                  //
    {"x86_sse41", 1, x86_sse41},                //
    {"x86_avx2", 2, x86_avx2},                  //
    {"x86_avx512", 3, x86_avx512},              //
    {"x86_avx512_zen4", 4, x86_avx512_zen4},    //
    {"arm_neon", 1, arm_neon},                  //
    {"arm_neon_fp16dot", 2, arm_neon_fp16dot},  //
    {"arm32_neon", 1, arm32_neon},              //
    {"wasm_simd128", 1, wasm_simd128},          //
    {"riscv_v256", 1, riscv_v256},              //
    {"cuda", 1, runs_nowhere},                  // no processor runs these; device.cpp asks their driver
    {"opencl", 1, runs_nowhere},                //
};
constexpr int table_size = static_cast<int>(sizeof table / sizeof table[0]);
static_assert(table_size <= 64, "a TargetSet has 64 bits");

// Cuts the next name off a comma-separated list. False at the end of the list.
bool next_name(const char** text, const char** name, size_t* length) {
  *text += strspn(*text, " ,\t");
  if (**text == '\0') return false;
  *name = *text;
  *length = strcspn(*text, " ,\t");
  *text += *length;
  return true;
}

}  // namespace

int target_index(const char* name, size_t length) {
  for (int i = 0; i < table_size; ++i) {
    if (strlen(table[i].name) == length && memcmp(table[i].name, name, length) == 0) return i;
  }
  return -1;
}

int target_index(const char* name) { return target_index(name, strlen(name)); }

const char* target_name(int index) { return index >= 0 && index < table_size ? table[index].name : nullptr; }

int target_level(int index) { return index >= 0 && index < table_size ? table[index].level : -1; }

TargetSet machine_targets() {
  // Asked once: cpuid takes microseconds in a virtual machine. 0 stands for "not yet", since there are variants for
  // every machine but exotic ones; threads that ask at the same time find the same answer.
  static std::atomic<TargetSet> known{0};
  TargetSet targets = known.load(std::memory_order_relaxed);
  if (targets != 0) return targets;
  for (int i = 0; i < table_size; ++i) {
    if (table[i].runs()) targets |= TargetSet{1} << i;
  }
  known.store(targets, std::memory_order_relaxed);
  return targets;
}

bool parse_targets(const char* text, TargetSet* targets, const char** unknown, size_t* unknown_length) {
  *targets = 0;
  const char* name = nullptr;
  size_t length = 0;
  while (text != nullptr && next_name(&text, &name, &length)) {
    const int index = target_index(name, length);
    if (index < 0) {
      *unknown = name;
      *unknown_length = length;
      return false;
    }
    *targets |= TargetSet{1} << index;
  }
  return true;
}

bool targets_from_environment(const char* text, TargetSet* targets, const char** unknown, size_t* unknown_length) {
  TargetSet allowed = 0, forbidden = 0;
  bool any_allowed = false, all_known = true;
  const char* name = nullptr;
  size_t length = 0;
  while (text != nullptr && next_name(&text, &name, &length)) {
    const bool forbids = *name == '-';
    const int index = forbids ? target_index(name + 1, length - 1) : target_index(name, length);
    const TargetSet bit = index < 0 ? 0 : TargetSet{1} << index;
    if (index < 0 && all_known) {
      all_known = false;
      *unknown = name;
      *unknown_length = length;
    }
    if (forbids) {
      forbidden |= bit;
    } else {
      allowed |= bit;
      any_allowed = true;
    }
  }
  *targets = (any_allowed ? allowed : all_targets) & ~forbidden;
  return all_known;
}

}  // namespace sepconv::internal
