// A plan: everything that a run needs, worked out once and never changed again.
#ifndef SEPCONV_SRC_PLAN_H
#define SEPCONV_SRC_PLAN_H

#include "dispatch.h"
#include "pack.h"
#include "problem.h"
#include "strip.h"

struct sepconv_plan {
  sepconv::internal::Geometry geometry;
  sepconv::internal::PackedLayout packed;
  sepconv::internal::Cut cut;
  const sepconv_variant* variant;
  sepconv_activation in, mid, out;  // as leaf_activation has them
  int32_t max_threads;
  bool flush_denormals;
  size_t zero_bytes;         // at the front of the workspace: the residual of a problem that has none
  size_t workspace_size;     // these and a slice for each worker
  sepconv_device_call call;  // GPU variants, which have no cut: a run's, but for what its arguments bring

  // How the variant was chosen, for sepconv_plan_explain. Its `variant` is the chosen variant's name, or NULL if none
  // was asked for; its `geometry` is the plan's own.
  sepconv::internal::Request request;
  size_t table_count;  // tables registered at that time
};

namespace sepconv::internal {

// SEPCONV_UNSUPPORTED, in the sentence for a request that no variant of the tables will do for.
sepconv_status no_variant(const Request& request, const Tables& tables);

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_PLAN_H
