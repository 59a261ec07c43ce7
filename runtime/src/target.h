// Targets: the instruction sets that variants are compiled for, which of them this machine can run, and which of those
// the user wants. The rest of the library sees only sets of targets, so tests can pretend any machine.
#ifndef SEPCONV_SRC_TARGET_H
#define SEPCONV_SRC_TARGET_H

#include <stddef.h>
#include <stdint.h>

namespace sepconv::internal {

// A set of targets: bit i stands for entry i of the table in target.cpp.
using TargetSet = uint64_t;
inline constexpr TargetSet all_targets = ~TargetSet{0};

// The index of a target's name, or -1 for a name this library does not know. `length` is that of the name, without a
// NUL.
int target_index(const char* name, size_t length);
int target_index(const char* name);

// The name of target `index`, or NULL past the last.
const char* target_name(int index);

// How much a target can do, against others of its family; portable is 0. Dispatch prefers the higher level.
int target_level(int index);

// The targets this machine (its processor and its operating system) can run.
TargetSet machine_targets();

// The targets that SEPCONV_TARGETS lets through: a comma-separated list. Plain names allow (and forbid what is not
// named), names with a leading '-' forbid; NULL or "" allows all. On an unknown name returns false, and *unknown and
// *unknown_length say which; it allows nothing.
bool targets_from_environment(const char* text, TargetSet* targets, const char** unknown, size_t* unknown_length);

// Reads a comma-separated list of names into a set; blanks around names are skipped. On an unknown name returns false,
// and *unknown and *unknown_length say which.
bool parse_targets(const char* text, TargetSet* targets, const char** unknown, size_t* unknown_length);

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_TARGET_H
