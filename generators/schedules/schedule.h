// What a schedule is to the rest: defaults for its parameters, and a function that schedules the stages. One file a
// target family; no arithmetic on tensors in any of them.
#ifndef SEPCONV_GENERATORS_SCHEDULES_SCHEDULE_H
#define SEPCONV_GENERATORS_SCHEDULES_SCHEDULE_H

#include <string>

#include "../parameters.h"
#include "../pipeline.h"

namespace sepconv {

struct Schedule {
  const char* name;  // as sepconv_target(... SCHEDULE name) says it
  ScheduleParameters (*defaults)(const VariantName& name, int vector);
  int registers;  // vector registers; what a register tile must fit
  void (*apply)(Stages& stages, Halide::Func output, const ScheduleParameters& parameters, int vector);
};

extern const Schedule x86_schedule;       // x86.cpp
extern const Schedule portable_schedule;  // portable.cpp

// Throws std::invalid_argument for an unknown name.
const Schedule& find_schedule(const std::string& name);

}  // namespace sepconv

#endif
