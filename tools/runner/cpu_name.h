// The name under which a processor's tuning records are kept.
#ifndef SEPCONV_TOOLS_RUNNER_CPU_NAME_H
#define SEPCONV_TOOLS_RUNNER_CPU_NAME_H

#include <string>

namespace sepconv::runner {

// The microarchitecture as GCC's -march or -mcpu names it, such as "znver4" or "cortex-a72"; one that the table does
// not know by vendor and number, such as "amd_26_68" or "arm_0x41_0xd4f"; "any" where nothing is to be learned.
std::string cpu_name();

}  // namespace sepconv::runner

#endif  // SEPCONV_TOOLS_RUNNER_CPU_NAME_H
