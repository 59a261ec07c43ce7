#include "cpu_name.h"

#include <cstdint>
#include <cstdio>

#if defined(__x86_64__)
#include <cpuid.h>

#include <cstring>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace sepconv::runner {
namespace {

#if defined(__x86_64__)

struct Models {
  unsigned family, first, last;  // models, both included
  const char* name;
};

constexpr Models amd[] = {{0x17, 0x00, 0x2f, "znver1"}, {0x17, 0x30, 0xaf, "znver2"}, {0x19, 0x00, 0x0f, "znver3"},
                          {0x19, 0x20, 0x5f, "znver3"}, {0x19, 0x10, 0x1f, "znver4"}, {0x19, 0x60, 0xaf, "znver4"},
                          {0x1a, 0x00, 0x7f, "znver5"}};
constexpr Models intel[] = {
    {6, 0x3c, 0x3c, "haswell"},        {6, 0x3f, 0x3f, "haswell"},        {6, 0x45, 0x46, "haswell"},
    {6, 0x3d, 0x3d, "broadwell"},      {6, 0x47, 0x47, "broadwell"},      {6, 0x4f, 0x4f, "broadwell"},
    {6, 0x4e, 0x4e, "skylake"},        {6, 0x5e, 0x5e, "skylake"},        {6, 0x8e, 0x8e, "skylake"},
    {6, 0x9e, 0x9e, "skylake"},        {6, 0x55, 0x55, "skylake-avx512"}, {6, 0x7d, 0x7e, "icelake-client"},
    {6, 0x6a, 0x6a, "icelake-server"}, {6, 0x6c, 0x6c, "icelake-server"}, {6, 0x8c, 0x8d, "tigerlake"},
    {6, 0x97, 0x97, "alderlake"},      {6, 0x9a, 0x9a, "alderlake"},      {6, 0x8f, 0x8f, "sapphirerapids"},
    {6, 0xcf, 0xcf, "emeraldrapids"}};

std::string find_name() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  char vendor[13] = "";
  if (__get_cpuid(0, &a, &b, &c, &d) == 0) return "any";
  std::memcpy(vendor, &b, 4);
  std::memcpy(vendor + 4, &d, 4);
  std::memcpy(vendor + 8, &c, 4);
  __get_cpuid(1, &a, &b, &c, &d);
  unsigned family = (a >> 8) & 0xf, model = (a >> 4) & 0xf;
  if (family == 6 || family == 15) model |= (a >> 12) & 0xf0;
  if (family == 15) family += (a >> 20) & 0xff;
  const bool is_amd = std::strcmp(vendor, "AuthenticAMD") == 0, is_intel = std::strcmp(vendor, "GenuineIntel") == 0;
  if (!is_amd && !is_intel) return "any";
  const auto find = [&](const auto& table) -> std::string {
    for (const Models& m : table) {
      if (m.family == family && m.first <= model && model <= m.last) return m.name;
    }
    return (is_amd ? "amd_" : "intel_") + std::to_string(family) + "_" + std::to_string(model);
  };
  return is_amd ? find(amd) : find(intel);
}

#elif defined(__aarch64__) && defined(__linux__)

struct Part {
  unsigned implementer, part;
  const char* name;
};

constexpr Part parts[] = {{0x41, 0xd03, "cortex-a53"},  {0x41, 0xd05, "cortex-a55"},  {0x41, 0xd07, "cortex-a57"},
                          {0x41, 0xd08, "cortex-a72"},  {0x41, 0xd09, "cortex-a73"},  {0x41, 0xd0a, "cortex-a75"},
                          {0x41, 0xd0b, "cortex-a76"},  {0x41, 0xd0c, "neoverse-n1"}, {0x41, 0xd40, "neoverse-v1"},
                          {0x41, 0xd49, "neoverse-n2"}, {0x41, 0xd4f, "neoverse-v2"}, {0x41, 0xd41, "cortex-a78"}};

std::string find_name() {
  constexpr unsigned long kCpuid = 1ul << 11;  // HWCAP_CPUID: the system answers for the register
  if ((getauxval(AT_HWCAP) & kCpuid) == 0) return "any";
  uint64_t midr = 0;
  asm("mrs %0, midr_el1" : "=r"(midr));
  const auto implementer = static_cast<unsigned>(midr >> 24 & 0xff), part = static_cast<unsigned>(midr >> 4 & 0xfff);
  for (const Part& p : parts) {
    if (p.implementer == implementer && p.part == part) return p.name;
  }
  char text[32];
  std::snprintf(text, sizeof text, "arm_0x%02x_0x%03x", implementer, part);
  return text;
}

#else

std::string find_name() { return "any"; }

#endif

}  // namespace

std::string cpu_name() { return find_name(); }

}  // namespace sepconv::runner
