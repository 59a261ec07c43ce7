// The choice of a variant, and the reasons: a pure function of (problem, targets, tables). It reads no machine, no
// environment and no registry, and calls no variant's entry, so tests and host tools ask it about machines and tables
// that they only describe (the CMake target sepconv_dispatch).
#ifndef SEPCONV_SRC_DISPATCH_H
#define SEPCONV_SRC_DISPATCH_H

#include <stddef.h>
#include <stdint.h>

#include "problem.h"
#include "target.h"
#include "variant.h"

namespace sepconv::internal {

// What to choose for.
struct Request {
  const Geometry* geometry;         // from analyse_problem
  TargetSet machine;                // targets that the machine can run; parse_targets reads their names
  TargetSet allowed = all_targets;  // targets that the user permits
  const char* variant = nullptr;    // full name of the only variant that will do, or NULL
  bool same_packing = false;        // choose only among variants of packing `packing_id`
  uint64_t packing_id = 0;
  sepconv_device device = SEPCONV_DEVICE_CPU;
};

// The best variant of all tables for the request, or NULL if none will do. Variants rank by
//   1. registration: variants of later tables first (a user's own layers before the shipped variants);
//   2. the pointwise kernel: variants for large ones first, if it is as large;
//   3. specialisation: variants that fix more quantities first;
//   4. the target's level: the better instruction set first;
//   5. for a GPU, the estimated time (device_time.h);
//   6. the order in the table.
const sepconv_variant* choose_variant(const Request& request, const Tables& tables);

// Why a variant will not do, in a few words such as "stride[0] is 2, the variant has 1"; false (and no text) if it
// will. `text` may be NULL.
bool why_not(const Request& request, const sepconv_variant& variant, char* text, size_t size);

// Bytes of the pointwise kernel, or too_large.
int64_t pointwise_kernel_bytes(const Geometry& geometry);

// The number of quantities that a variant fixes, each axis of each extent counted by itself.
int fixed_quantities(const sepconv_variant& variant);

// The variant at `position` in the order of rank above, over all problems; NULL past the last.
const sepconv_variant* ranked_variant(const Tables& tables, size_t position);

// Says of every variant, in order of rank, what became of it: "chosen", why it will not do, or that it ranks behind.
// `chosen` is what choose_variant returned.
void judge_variants(const Request& request, const Tables& tables, const sepconv_variant* chosen,
                    void (*say)(void* context, const sepconv_variant& variant, const char* verdict), void* context);

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_DISPATCH_H
