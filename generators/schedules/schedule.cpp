#include "schedule.h"

#include <stdexcept>

namespace sepconv {

const Schedule& find_schedule(const std::string& name) {
  for (const Schedule* schedule : {&x86_schedule, &arm_schedule, &riscv_schedule, &portable_schedule}) {
    if (schedule->name == name) return *schedule;
  }
  throw std::invalid_argument("no schedule is called \"" + name + "\"");
}

}  // namespace sepconv
