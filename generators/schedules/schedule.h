// What a schedule is to the rest: a loop nest (the files beside this one; no arithmetic on tensors in any of them) with
// defaults for its parameters, which a target family chooses (targets/).
#ifndef SEPCONV_GENERATORS_SCHEDULES_SCHEDULE_H
#define SEPCONV_GENERATORS_SCHEDULES_SCHEDULE_H

#include <string>

#include "../parameters.h"
#include "../pipeline.h"

namespace sepconv {

// What a register tile must fit.
struct VectorUnit {
  int registers;
  // The multiply-add takes an operand from memory and broadcasts it: a tile's passing side needs no register.
  bool broadcasts_from_memory = false;
  // It multiplies by elements of vectors: those of `flat` under the tile, one for each pixel, then stay in registers
  // beside the weights of a step.
  bool by_element = false;
};

struct Schedule {
  const char* name;  // as sepconv_target(... SCHEDULE name) says it
  ScheduleParameters (*defaults)(const VariantName& name, const Halide::Target& target);
  VectorUnit (*vector_unit)(const Halide::Target& target);
  void (*apply)(Stages& stages, Halide::Func output, const ScheduleParameters& parameters);
  // What cannot be said to a Func: passes over the lowered loops.
  void (*add_passes)(const Halide::Pipeline& pipeline, const Stages& stages, const std::string& output,
                     const ScheduleParameters& parameters);
};

extern const Schedule x86_schedule;       // targets/x86.cpp
extern const Schedule arm_schedule;       // targets/arm.cpp
extern const Schedule riscv_schedule;     // targets/riscv.cpp
extern const Schedule portable_schedule;  // targets/portable.cpp

// Throws std::invalid_argument for an unknown name.
const Schedule& find_schedule(const std::string& name);

}  // namespace sepconv

#endif
